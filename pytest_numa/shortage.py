"""Why nothing could be decided, and what would decide it."""

from collections.abc import Sequence

from pytest_numa import formatting, gate, outcome, settings
from pytest_numa.judgement import Judgement
from pytest_numa.kernel import cpulist
from pytest_numa.measurement import Measurement, Run
from pytest_numa.problem import Problem

# More are asked for than the estimate: it is as uncertain as what it is made of.
_RESERVE = 1.25
# More than anybody waits for.
_MOST_BLOCKS = 64
# Of one CPU; with less it did not itself lack the time.
_BUSY = 0.5


def undecided(
    group: Sequence[Judgement], measurement: Measurement, wanted: settings.Settings
) -> Problem:
    """Undecided judgements against one thing: the client was the limit, or it is too few blocks."""
    bound = [block for block in measurement.blocks if any(_is_bound(run) for run in _runs(block))]
    counted = len(measurement.blocks) - len(bound)
    if bound and counted < max(gate.FIRST_LOOK, len(bound)):
        return _client_bound(measurement, wanted, counted=counted)
    before = {
        "pinned": "the same command pinned by hand",
        "record": "the recorded pinned baseline",
        "limit": "its limit",
    }[group[0].against]
    return Problem(
        weight="inconclusive",
        what=f"not decided whether the service under systemd is slower than {before}",
        rows=(
            ("expected", f"an interval on one side of {_accepted(group)}"),
            ("found", _found(group)),
            ("probably", _why(group)),
            ("to fix", _fix(group, measurement, wanted)),
        ),
    )


def _found(group: Sequence[Judgement]) -> str:
    if all(one.verdict.blocks < gate.FIRST_LOOK for one in group):
        labels = ", ".join(one.demand.metric.label for one in group)
        return f"{labels}: {group[0].verdict.sentence}"
    if len(group) == 1:
        return f"{group[0].demand.metric.label} {group[0].verdict.sentence}"
    return "; ".join(f"{one.demand.metric.label} {outcome.change(one.verdict)}" for one in group)


def _accepted(group: Sequence[Judgement]) -> str:
    margins = dict.fromkeys(
        f"{one.demand.margin:.1%}" for one in group if one.demand.margin is not None
    )
    return f"the accepted {' or '.join(margins)} slower" if margins else "the limit"


def _why(group: Sequence[Judgement]) -> str:
    if all(one.verdict.blocks < gate.FIRST_LOOK for one in group):
        return f"the blocks or the time ended before the first look, at {gate.FIRST_LOOK} blocks"
    if unconfirmed := _unconfirmed(group):
        return f"slower, but a failure against a record must be found twice: {unconfirmed}"
    return "the runs differ by more than so few blocks can average out"


def _unconfirmed(group: Sequence[Judgement]) -> str | None:
    """What a verdict says of a failure that new blocks have not confirmed."""
    parts = [part for one in group for part in one.verdict.sentence.split("; ")]
    return next((part for part in parts if part.startswith("it was in the first ")), None)


def _fix(group: Sequence[Judgement], measurement: Measurement, wanted: settings.Settings) -> str:
    """More blocks, as many as would decide by the estimate; or a quieter host."""
    blocks = len(measurement.blocks)
    estimates = [one.verdict.blocks_needed for one in group]
    known = [one for one in estimates if one is not None]
    others = "a quieter host (pytest-numa audit), more --numa-n-requests, or a larger --numa-margin"
    if len(known) < len(group) and _unconfirmed(group):
        return f"--numa-blocks {2 * max(blocks, wanted.plan.budget.max_blocks)}; or {others}"
    if len(known) < len(group) or not blocks:
        return f"{others}: what is measured now lies at the margin itself"
    more = max(known)
    if more > _MOST_BLOCKS:
        return f"{others}: as it is, it would take some {more} blocks"
    # The first look is no estimate.
    more = more if more <= gate.FIRST_LOOK else round(more * _RESERVE)
    took_s = measurement.took_s
    budget = [f"--numa-blocks {max(more, wanted.plan.budget.max_blocks)}"]
    limit_s = wanted.plan.budget.max_time_s
    if took_s is not None and limit_s is not None:
        needed_s = round(_RESERVE * took_s / blocks * (more + 1))
        budget += [f"--numa-time {needed_s}"] if needed_s > limit_s else []
    return f"{' '.join(budget)}; or {others}"


def _client_bound(measurement: Measurement, wanted: settings.Settings, *, counted: int) -> Problem:
    runs = [run for block in measurement.blocks for run in _runs(block)]
    bound = [run for run in runs if _is_bound(run)]
    lag_ms = max(run.result.client.lag_p99_ms for run in bound)
    shares = [share for run in bound if (share := run.result.client.cpu_share) is not None]
    busy = f"; it used up to {formatting.percent(max(shares))} of a CPU" if shares else ""
    return Problem(
        weight="inconclusive",
        what="not decided: the load generator, which sends the requests, was the limit "
        "(client-bound), not the service",
        rows=(
            (
                "expected",
                f"at least {gate.FIRST_LOOK} blocks (each a start and a run of every mode) in "
                "which the service was the limit",
            ),
            (
                "found",
                f"{counted} of {len(measurement.blocks)} blocks; in {len(bound)} of {len(runs)} "
                f"runs answers waited up to {lag_ms:.0f} ms for it (p99){busy}",
            ),
            ("probably", _client_cause(wanted, max(shares, default=1.0))),
            ("to fix", _client_fix(wanted)),
        ),
    )


def _client_cause(wanted: settings.Settings, share: float) -> str:
    if wanted.client_cpus is None:
        return "it shares the policy's CPUs with the service, since no other CPU is left"
    if share < _BUSY:
        return f"something else keeps its CPUs ({cpulist.format(wanted.client_cpus)}) busy"
    return "one CPU is too slow to take in the answers of so many requests at a time"


def _client_fix(wanted: settings.Settings) -> str:
    room = (
        "leave a CPU over for it: fewer --cpus"
        if wanted.client_cpus is None
        else f"keep other work off CPUs {cpulist.format(wanted.client_cpus)}"
    )
    return f"{room}, or offer less (a lower --numa-concurrency or --numa-rate); then measure again"


def _is_bound(run: Run) -> bool:
    return run.result.client.bound


def _runs(block: outcome.Block) -> list[Run]:
    return [run for runs in block.values() for run in runs]
