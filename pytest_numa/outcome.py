"""From what tests demand and what was measured to judgements, and to how they are said."""

import math
from collections.abc import Mapping, Sequence

from pytest_numa import formatting, gate, judgement, settings, versions
from pytest_numa.experiment import Budget, Plan
from pytest_numa.judgement import Demand, Judgement
from pytest_numa.measurement import Blocks, Measurement, Run
from pytest_numa.metrics import METRICS, Metric

Block = Mapping[str, Sequence[Run]]


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


def failed_requests(blocks: Blocks) -> list[str]:
    """A text for each run in which requests failed."""
    return [
        f"{run.result.failed} of {run.result.failed + run.result.completed} requests failed in "
        f"mode {run.mode}, block {number}: {_kinds(run)}\n"
        "  expected  every request answered in full: a run with failures says nothing of speed\n"
        "  to fix    see the service's log (journalctl -u UNIT), or ask the service once by "
        "itself: pytest-numa bench"
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


def change(verdict: gate.Verdict) -> str:
    """How much slower, with its interval: ``10.2% slower (+8.1% to +12.4%, 8 blocks)``."""
    low, high = verdict.interval
    shown = formatting.interval(low, high) if math.isfinite(high) else "no interval yet"
    word = "slower" if verdict.slowdown > 0 else "faster"
    blocks = f"{verdict.blocks} block{'' if verdict.blocks == 1 else 's'}"
    return f"{abs(verdict.slowdown):.1%} {word} ({shown}, {blocks})"


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
    """`pinned` now against `pinned` then: whether the host itself has changed.

    None where nothing is recorded, or `pinned` was not measured.
    """
    is_measured = bool(measurement.runs("pinned"))
    if wanted.baseline is None or not is_measured or failed_requests(measurement.blocks):
        return None
    recorded = [one.blocks for one in wanted.baseline.sessions]
    return gate.judge_against_record(
        judgement.recorded_values(recorded, METRICS[metric]),
        judgement.values(measurement.blocks, "pinned", METRICS[metric]),
        margin=wanted.margin,
        better=METRICS[metric].better,
    )


def changes_since_record(wanted: settings.Settings) -> list[str]:
    """``kernel 6.12.9 became 6.12.11``, for all versions that differ from the last record's."""
    if wanted.baseline is None:
        return []
    then, now = wanted.baseline.sessions[-1].versions, versions.of(wanted)
    return [
        f"{name} {then[name]} became {now[name]}"
        for name in sorted({*then} & {*now})
        if then[name] != now[name]
    ]


def effect_of_pinning(measurement: Measurement, metric: Metric) -> gate.Effect:
    """`pinned` against `unpinned`, for people; nothing is decided by it."""
    return gate.effect(
        judgement.values(measurement.blocks, "unpinned", metric),
        judgement.values(measurement.blocks, "pinned", metric),
        better=metric.better,
    )
