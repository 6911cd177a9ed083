"""Sessions as values, on hosts of any shape: what a session's document is made of."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from pytest_numa import baseline, judgement, placement
from pytest_numa.conditions.page_cache import Wish
from pytest_numa.conditions.wanted import Wanted as WantedConditions
from pytest_numa.experiment import Budget, Plan
from pytest_numa.host import Cpu, Device, HostIdentity, Node, Topology
from pytest_numa.judgement import Demand
from pytest_numa.load import results
from pytest_numa.load.results import Client, Limits, RequestResult
from pytest_numa.load.workload import Workload
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS
from pytest_numa.placement import Clues
from pytest_numa.policy import Policy
from pytest_numa.process import Cgroups, Memory, Moment, Process, Region, Thread, Watched
from pytest_numa.process.watching import WatchedThread
from pytest_numa.report import session_document
from pytest_numa.services import bundle, endpoint, managers
from pytest_numa.services.unit import Command, Unit
from pytest_numa.settings import Settings

GIB = 2**30
CLIENT = Client(cpu_s=0.1, lag_p99_ms=0.1, bound=False)
DEMANDS = [Demand(metric=METRICS[name], margin=0.05) for name in ("tokens_per_s", "mean")]
SUBJECT = {"host class": "a host", "workload": "a load", "server and model": "a server"}
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@cache
def topology(*, sockets: int = 2, nodes: int = 1, cores: int = 8, threads: int = 2) -> Topology:
    """``nodes`` of each socket, ``cores`` of each node, ``threads`` of each core."""
    count = sockets * nodes
    everything = count * cores
    cpus = {}
    for core in range(everything):
        siblings = frozenset(core + everything * thread for thread in range(threads))
        for cpu in siblings:
            cpus[cpu] = Cpu(
                id=cpu,
                is_online=True,
                core_id=core,
                socket_id=core // (nodes * cores),
                siblings=siblings,
            )
    return Topology(
        nodes=tuple(_node(number, count, cpus, cores) for number in range(count)),
        cpus=tuple(cpus[cpu] for cpu in sorted(cpus)),
        devices=(
            *(
                Device(address=f"0000:{4 * n:02x}:00.0", kind=kind, node=n, is_accelerator=True)
                for n in range(count)
                for kind in ("gpu", "nic")
            ),
            Device(address="0000:fe:00.0", kind="nvme", node=None, is_accelerator=False),
        ),
        is_numa=True,
    )


def _node(number: int, count: int, cpus: dict[int, Cpu], cores: int) -> Node:
    return Node(
        id=number,
        cpus=frozenset(cpu for cpu, one in cpus.items() if (one.core_id or 0) // cores == number),
        cpus_offline=frozenset(),
        memory_bytes=384 * GIB,
        memory_free_bytes=200 * GIB,
        memory_available_bytes=None,
        distances={other: 10 if other == number else 21 for other in range(count)},
    )


def settings(host: Topology, policy: Policy, **changes: Any) -> Settings:  # noqa: ANN401 - fields
    """Settings of a session on a host, with names that a template may give."""
    text = "[Service]\nExecStart=/opt/server --port 8000\n"
    known = Settings(
        topology=host,
        identity=_identity(host),
        policy=policy,
        bundle=bundle.of(Unit(name="inference.service", text=text)),
        command=Command(argv=("/opt/server", "--port", "8000")),
        endpoint=endpoint.Endpoint(host="127.0.0.1", port=8000),
        manager=managers.Choice(name="private", reason="systemd is not process 1 here"),
        workload=Workload(),
        limits=Limits(),
        headers={},
        api_key=None,
        plan=Plan(
            modes=("unpinned", "pinned", "systemd"), budget=Budget(max_blocks=16, max_time_s=900)
        ),
        page_cache=Wish(choice="keep", reason="as asked for"),
        conditions=WantedConditions(),
        margin=0.05,
        inconclusive="fail",
        start_timeout_s=300.0,
        subject=baseline.Subject(facts=SUBJECT),
        baseline_path=Path("/srv/baseline.json"),
        baseline=None,
        report_path=Path("/srv/report.md"),
        openmetrics_path=None,
        json_path=None,
        html_path=None,
        history_path=Path("/srv/history.jsonl"),
        history_url=None,
        is_null_control=False,
        record=None,
        missing_baseline="record",
        is_resumed=False,
        is_kept=False,
    )
    return replace(known, **changes)


def _identity(host: Topology) -> HostIdentity:
    return HostIdentity(
        hostname="node-7",
        kernel_release="6.12.9",
        machine="x86_64",
        cpu_model="A CPU",
        sockets=len(host.sockets),
        nodes=tuple(node.id for node in host.nodes),
        cpus_per_node=tuple(len(node.cpus) for node in host.nodes),
        memory_gib_per_node=tuple(384.0 for _ in host.nodes),
        is_memory_variable=False,
        is_smt=host.is_smt,
    )


def run(
    mode: str,
    host: Topology,
    policy: Policy,
    *,
    slower: float = 1.0,
    comm: str = "server",
    ran_on: frozenset[int] | None = None,
    seed: int = 0,
) -> Run:
    """A run of 24 requests; its 16 threads work on ``ran_on``, its memory is on the policy's."""
    dice = random.Random(f"{seed}/{mode}")
    cpus = sorted(policy.cpus if ran_on is None else ran_on)[:16]
    requests = [_request(number, slower, dice) for number in range(24)]
    threads = [_thread(number, cpus[number % len(cpus)], policy) for number in range(16)]
    processes = (_process(comm, threads, policy),)
    clues = Clues(topology=host, cgroups=Cgroups(all=(), is_unified=True))
    proof = placement.prove(
        placement.Wanted(policy=policy), processes, clues, _watched(threads, policy, dice)
    )
    return Run(
        mode=mode,
        result=replace(
            results.summarise(requests, client=CLIENT, workload=Workload().as_document()),
            begun_at_s=1003.0,
        ),
        main_pid=71,
        proofs=(proof, proof),
        latencies_s=tuple(one.latency_s for one in requests),
        first_tokens_s=tuple(one.time_to_first_token_s for one in requests),
    )


def _request(number: int, slower: float, dice: random.Random) -> RequestResult:
    whole_s = slower * dice.uniform(0.98, 1.02)
    return RequestResult(
        sent_at_s=1003.0 + number,
        ended_at_s=1003.0 + number + whole_s,
        text_at_s=(1003.0 + number + whole_s / 3, 1003.0 + number + whole_s),
        output_tokens=16,
        is_counted_by_usage=True,
        failure=None,
        number=number,
    )


def _thread(number: int, cpu: int, policy: Policy) -> Thread:
    return Thread(
        tid=71 + number,
        name=f"worker-{number}",
        cpus_allowed=policy.cpus | {cpu},
        mems_allowed=policy.memory_nodes,
        last_cpu=cpu,
        cpu_time_ticks=100,
    )


def _process(comm: str, threads: Sequence[Thread], policy: Policy) -> Process:
    node = min(policy.memory_nodes)
    region = Region(kind="anonymous", path=None, policy="bind", bytes_by_node={node: 30 * GIB})
    return Process(
        pid=71,
        ppid=1,
        comm=comm,
        argv=("/opt/server",),
        state="S",
        start_time_ticks=1,
        threads=tuple(threads),
        memory=Memory(regions=(region,)),
        unreadable=(),
    )


def _watched(threads: Sequence[Thread], policy: Policy, dice: random.Random) -> Watched:
    node = min(policy.memory_nodes)
    cpus = [thread.last_cpu for thread in threads]
    return Watched(
        looks=30,
        duration_s=30.0,
        longest_look_ms=0.4,
        threads=tuple(
            WatchedThread(
                pid=71,
                tid=one.tid,
                name=one.name,
                masks={one.cpus_allowed or frozenset(): (0.0, 29.0)},
                ran_on=frozenset({one.last_cpu}),
            )
            for one in threads
        ),
        comms={71: "server"},
        most_by_node={node: 30 * GIB},
        unreadable=(),
        moments=tuple(
            Moment(
                at_s=float(number),
                threads=16,
                ran_on=frozenset(dice.sample(cpus, k=8)),
                bytes_by_node={node: min(number, 20) * GIB * 3 // 2},
            )
            for number in range(30)
        ),
        began_at_s=1000.0,
    )


def document(
    *,
    host: Topology | None = None,
    policy: Policy | None = None,
    slower: float = 1.0,
    blocks: int = 6,
    comm: str = "server",
    ran_on: frozenset[int] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of the settings
) -> dict[str, Any]:
    """The document of a session of all modes, the unit ``slower`` than the control."""
    host = host or topology()
    policy = policy or Policy(cpus=host.nodes[0].cpus, memory_nodes=frozenset({0}))
    everywhere = Policy(
        cpus=host.cpus_online, memory_nodes=frozenset(node.id for node in host.nodes)
    )
    found = [
        {
            "unpinned": [run("unpinned", host, everywhere, slower=1.1, comm=comm, seed=number)],
            "pinned": [run("pinned", host, policy, comm=comm, seed=number)],
            "systemd": [
                run("systemd", host, policy, slower=slower, comm=comm, ran_on=ran_on, seed=number)
            ],
        }
        for number in range(blocks)
    ]
    measurement = Measurement(begun_at=WHEN, blocks=found, took_s=60.0 * blocks)
    judgements = judgement.judge(DEMANDS, found, [])
    return session_document.document(settings(host, policy, **changes), measurement, judgements)
