"""Sessions that were measured, made of runs with a given speed, on a host with two nodes."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pytest_numa import baseline, explained, judgement, settings
from pytest_numa.conditions.page_cache import Wish
from pytest_numa.conditions.wanted import Wanted as Conditions
from pytest_numa.experiment import Budget, Plan
from pytest_numa.host import HostIdentity
from pytest_numa.judgement import Demand, Judgement
from pytest_numa.load import results
from pytest_numa.load.results import Client, Limits, RequestResult, RunResult
from pytest_numa.load.workload import Workload
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS
from pytest_numa.placement import Clues, Finding, Proof, Wanted, prove
from pytest_numa.policy import Policy
from pytest_numa.process import Process
from pytest_numa.report import lines, terminal
from pytest_numa.services import bundle
from pytest_numa.services.endpoint import Endpoint
from pytest_numa.services.managers import Choice
from pytest_numa.services.unit import Unit

sys.path.insert(0, str(Path(__file__).with_name("placement")))
from facts import CLUES, PROCESS, TWO_NODES, WANTED

WHEN = datetime(2026, 11, 23, 14, 5, 9, tzinfo=timezone.utc)
THROUGHPUT = Demand(metric=METRICS["tokens_per_s"], margin=0.05)
LATENCY = Demand(metric=METRICS["mean"], margin=0.05)
FIRST_TOKEN = Demand(metric=METRICS["ttft_p50"], margin=0.05)
NOISE = (1.002, 0.999, 1.001, 0.998)
CLIENT = Client(cpu_s=0.1, lag_p99_ms=0.1, bound=False, cpu_share=0.1)
BOUND = Client(cpu_s=0.9, lag_p99_ms=140.0, bound=True, cpu_share=0.95)
REQUEST = RequestResult(
    sent_at_s=1.0,
    ended_at_s=2.0,
    text_at_s=(1.1, 2.0),
    output_tokens=10,
    is_counted_by_usage=True,
    failure=None,
)
Block = Mapping[str, Sequence[Run]]


def result(latency_s: float, *, failure: str | None = None, client: Client = CLIENT) -> RunResult:
    """A run of one request, or of two of which one failed."""
    ended_at_s = 1.0 + latency_s
    text_at_s = (1.0 + latency_s / 10, ended_at_s)
    request = replace(REQUEST, ended_at_s=ended_at_s, text_at_s=text_at_s)
    requests = [request] if failure is None else [request, replace(request, failure=failure)]
    return results.summarise(requests, client=client, workload={})


@dataclass(frozen=True)
class Seen(Proof):
    """What was seen, whatever is wanted."""

    def judged_by(self, _: Wanted) -> Proof:
        return self


def proof(*findings: Finding, process: Process = PROCESS, clues: Clues = CLUES) -> Proof:
    """What was seen: these findings, or what is found of the process."""
    if not findings:
        return prove(WANTED, [process], clues)
    return Seen(
        wanted=WANTED, processes=(process,), findings=findings, notes=(), clues=clues, watched=None
    )


def run(mode: str, measured: RunResult, *proofs: Proof) -> Run:
    return Run(mode=mode, result=measured, main_pid=PROCESS.pid, proofs=proofs or (proof(),))


def block(*proofs: Proof, client: Client = CLIENT, **latencies_s: float) -> Block:
    """One run of each mode; the proofs are those of the unit."""
    return {
        mode: [
            run(
                mode,
                result(latency_s, client=client if mode == "systemd" else CLIENT),
                *(proofs if mode == "systemd" else ()),
            )
        ]
        for mode, latency_s in latencies_s.items()
    }


def measurement(*blocks: Block, took_s: float | None = 60.0) -> Measurement:
    return Measurement(begun_at=WHEN, blocks=blocks, took_s=took_s)


def recorded(*latencies_s: float, **versions: str) -> baseline.Baseline:
    """A baseline of one session, a block for each latency."""
    session = baseline.RecordedSession(
        when="2026-01-01T00:00:00+00:00",
        host="db1",
        versions=versions,
        blocks=[[result(one)] for one in latencies_s],
    )
    return baseline.Baseline(subject=baseline.Subject(facts={}), sessions=(session,))


UNIT = Unit(
    name="inference-vllm.service",
    text="[Service]\nExecStart=/opt/venv/bin/vllm serve /srv/model --port 8000\n",
)
SETTINGS = settings.Settings(
    topology=TWO_NODES,
    identity=HostIdentity(
        hostname="db1",
        kernel_release="6.12.9",
        machine="x86_64",
        cpu_model="AMD EPYC 9654",
        sockets=1,
        nodes=(0, 1),
        cpus_per_node=(2, 2),
        memory_gib_per_node=(8, 8),
        is_memory_variable=False,
        is_smt=False,
    ),
    policy=Policy(cpus=frozenset({2, 3}), memory_nodes=frozenset({1})),
    bundle=bundle.of(UNIT),
    command=UNIT.command(),
    endpoint=Endpoint(host="127.0.0.1", port=8000),
    manager=Choice(name="system", reason="systemd is process 1 and we are root"),
    workload=Workload(n_requests=30, concurrency=4),
    limits=Limits(),
    headers={},
    api_key=None,
    plan=Plan(
        modes=("unpinned", "pinned", "systemd"), budget=Budget(max_blocks=16, max_time_s=900)
    ),
    page_cache=Wish(choice="keep", reason="asked for"),
    conditions=Conditions(governors=(), neighbours=(), cpus=frozenset({2, 3}), blocks=4),
    margin=0.05,
    inconclusive="fail",
    start_timeout_s=300.0,
    subject=baseline.Subject(facts={}),
    baseline_path=Path("benchmarks/baselines/pinned-0123456789ab.json"),
    baseline=recorded(*NOISE),
    report_path=Path("benchmarks/numa_baseline.md"),
    openmetrics_path=None,
    json_path=None,
    html_path=None,
    history_path=Path("benchmarks/history.jsonl"),
    history_url=None,
    is_null_control=False,
    record=None,
    missing_baseline="fail",
    is_resumed=False,
    is_kept=False,
)


def judged(
    found: Measurement,
    wanted: settings.Settings = SETTINGS,
    demands: Sequence[Demand] = (THROUGHPUT, LATENCY, FIRST_TOKEN),
) -> tuple[Judgement, ...]:
    sessions = [one.blocks for one in wanted.baseline.sessions] if wanted.baseline else []
    return judgement.judge(demands, found.blocks, sessions)


def end(
    found: Measurement,
    wanted: settings.Settings = SETTINGS,
    demands: Sequence[Demand] = (THROUGHPUT, LATENCY, FIRST_TOKEN),
    **changes: Any,  # noqa: ANN401 - the fields of End
) -> terminal.End:
    """The end of a session that asks for the placement and these figures."""
    judgements = judged(found, wanted, demands)
    asked = explained.Asked(placements=(WANTED,), has_figures=bool(demands))
    problems = explained.of_session(asked, found, judgements, wanted)
    usual = terminal.End(
        wanted=wanted,
        measurement=found,
        judgements=judgements,
        problems=problems,
        has_placement=True,
    )
    return replace(usual, **changes)


def text(shown: Sequence[lines.Line]) -> str:
    """As a terminal without colours shows it."""
    return "\n".join(map(str, shown))
