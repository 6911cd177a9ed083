"""From what a test demands and what was measured to why it fails, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_numa import gate, judgement, reasons, settings
from pytest_numa.experiment import Budget, Plan
from pytest_numa.judgement import Demand, Judgement
from pytest_numa.measurement import Blocks, Measurement, Run
from pytest_numa.metrics import METRICS, Metric
from pytest_numa.placement import Wanted, over_time

Result = Literal["pass", "fail", "inconclusive", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a test asks for: placements, and figures."""

    placements: tuple[Wanted, ...] = ()
    has_figures: bool = False

    def __bool__(self) -> bool:
        return bool(self.placements) or self.has_figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one test: its result, and a text for each thing that is not as demanded."""

    result: Result
    texts: tuple[str, ...] = ()


def lacking_modes(demands: Sequence[Demand], modes: Sequence[str]) -> str | None:
    """Why the demands cannot be judged with these modes, or None."""
    needs_control = any(demand.margin is not None for demand in demands)
    needed = ("pinned", "systemd") if needs_control else ("systemd",)
    lacking = [mode for mode in needed if mode not in modes]
    if not lacking:
        return None
    return (
        f"--numa-modes leaves out {' and '.join(lacking)}, and the tests that were collected need "
        f"{' and '.join(needed)}: name {'both' if needs_control else 'it'}"
    )


def plan(wanted: Plan, demands: Sequence[Demand]) -> Plan:
    """The plan as far as it is needed: without figures to judge, the unit once, for placement."""
    if demands:
        return wanted
    return Plan(modes=("systemd",), budget=Budget(max_blocks=1))


def of_test(asked: Asked, measurement: Measurement, judgements: Sequence[Judgement]) -> Outcome:
    """All that one test asks for, together."""
    parts = [of_placement(measurement, one) for one in asked.placements]
    if asked.has_figures:
        parts += [of_figures(measurement, judgements)]
    results = [part.result for part in parts]
    worst: Result = next(
        (result for result in ("fail", "inconclusive") if result in results), "pass"
    )
    return Outcome(result=worst, texts=tuple(text for part in parts for text in part.texts))


def told(found: Outcome, *, is_null_control: bool) -> str:
    """All texts of an outcome, for the reader of a failure."""
    text = "\n\n".join(found.texts)
    if not is_null_control or found.result != "fail":
        return text
    return (
        "the null control failed: the command pinned by hand, held against itself in place of the "
        "unit, is told apart from itself or does not work. Until that is mended (a noisy "
        "neighbour, a clock that changes, too few requests) no verdict of this host can be trusted."
        f"\n\n{text}"
    )


def of_placement(measurement: Measurement, wanted: Wanted) -> Outcome:
    """Every finding of every systemd run, each once, judged by what the test wants."""
    found = [
        finding
        for run in measurement.runs("systemd")
        for finding in over_time([proof.judged_by(wanted) for proof in run.proofs])
    ]
    texts = tuple(dict.fromkeys(map(str, found)))
    return Outcome(result="fail" if texts else "pass", texts=texts)


def of_figures(measurement: Measurement, judgements: Sequence[Judgement]) -> Outcome:
    """The verdicts, after the failed requests, which no verdict can make good."""
    failed = failed_requests(measurement.blocks)
    if failed:
        return Outcome(result="fail", texts=tuple(failed))
    bad = [one for one in judgements if one.outcome in ("fail", "inconclusive")]
    is_failed = any(one.outcome == "fail" for one in bad)
    texts = tuple(f"{sentence(one)}{_probably(one, measurement)}" for one in bad)
    return Outcome(result="fail" if is_failed else "inconclusive" if bad else "pass", texts=texts)


def of_record(judgements: Sequence[Judgement], wanted: settings.Settings) -> Outcome:
    """Whether ratios had a record to be held against, and what it counts as where they had none."""
    is_lacking = wanted.lacks_baseline and any(one.against == "pinned" for one in judgements)
    if not is_lacking:
        return Outcome(result="pass")
    return Outcome(
        result="skip" if wanted.missing_baseline == "skip" else "fail",
        texts=(
            "no pinned baseline is recorded for this class of host, workload, server and policy\n"
            f"  expected  a record in {wanted.baseline_path}, made when the host was good\n"
            "  to fix    where it is good now, the same command with --numa-record makes the "
            "record, of several sessions best; --numa-missing-baseline skip|record does without, "
            "or records the first session",
        ),
    )


def _probably(one: Judgement, measurement: Measurement) -> str:
    """Why it probably is so, and what to do next, in the manner of findings."""
    if one.outcome == "inconclusive":
        return (
            "\n  to fix    more blocks (--numa-blocks, --numa-time), more requests a run, a "
            "quieter host, or a larger margin: pytest-numa gate plan"
        )
    if one.against != "pinned":
        return ""
    control, candidate = (
        [run.evidence for run in measurement.runs(mode) if run.evidence is not None]
        for mode in ("pinned", "systemd")
    )
    found = reasons.probable(control, candidate)
    if not found:
        return (
            "\n  probably  nothing that the kernel counted tells why"
            "\n  to fix    look for what the unit sets besides the policy: systemctl show UNIT"
        )
    return "".join(f"\n  probably  {one.text}\n  to fix    {one.fix}" for one in found)


def failed_requests(blocks: Blocks) -> list[str]:
    """A text for each run in which requests failed."""
    return [
        f"{run.result.failed} of {run.result.failed + run.result.completed} requests failed in "
        f"mode {run.mode}, block {number}: {_kinds(run)}\n"
        "  expected  every request answered in full\n"
        "  to fix    see the service's log; a run with failures says nothing of speed"
        for number, block in enumerate(blocks, start=1)
        for runs in block.values()
        for run in runs
        if run.result.failed
    ]


def _kinds(run: Run) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(run.result.failures.items()))


def sentence(one: Judgement) -> str:
    """What was compared with what, and what came out."""
    against = {
        "pinned": "systemd against the same command pinned by hand, this session",
        "record": "systemd against the recorded pinned baseline",
        "limit": "systemd against the limit",
    }[one.against]
    advice = f"; {one.advice}" if one.advice else ""
    return f"{one.demand.metric.label}, {against}: {one.verdict.sentence}{advice}"


def is_decided(demands: Sequence[Demand], blocks: Blocks, wanted: settings.Settings) -> bool:
    """Whether another block could still change an outcome."""
    if failed_requests(blocks):
        return True
    found = judged(demands, blocks, wanted)
    if found and len(blocks) < gate.FIRST_LOOK:
        return False
    return all(one.outcome != "inconclusive" for one in found)


def judged(demands: Sequence[Demand], blocks: Blocks, wanted: settings.Settings) -> list[Judgement]:
    """Every comparison of every demand, on the blocks so far."""
    recorded = [one.blocks for one in wanted.baseline.sessions] if wanted.baseline else []
    return list(judgement.judge(demands, blocks, recorded))


def host_drift(
    measurement: Measurement, wanted: settings.Settings, metric: str
) -> gate.Verdict | None:
    """`pinned` now against `pinned` then: whether the host itself has changed. None unrecorded."""
    if wanted.baseline is None or failed_requests(measurement.blocks):
        return None
    recorded = [one.blocks for one in wanted.baseline.sessions]
    return gate.judge_against_record(
        judgement.recorded_values(recorded, METRICS[metric]),
        judgement.values(measurement.blocks, "pinned", METRICS[metric]),
        margin=wanted.margin,
        better=METRICS[metric].better,
    )


def effect_of_pinning(measurement: Measurement, metric: Metric) -> gate.Effect:
    """`pinned` against `unpinned`, for people; nothing is decided by it."""
    return gate.effect(
        judgement.values(measurement.blocks, "unpinned", metric),
        judgement.values(measurement.blocks, "pinned", metric),
        better=metric.better,
    )
