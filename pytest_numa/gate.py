"""Samples to a verdict: whether the candidate is slower than its control by more than a margin.

Pure. The unit of replication is the block: in each, control and candidate were measured side by
side, so what the host does to both cancels in the block's log ratio. The verdict is a paired t
interval on these, with a one-sided level of 1 % at each look, looked at after each block from the
fourth on. docs/gate.md has the error rates of that whole procedure, measured by simulation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from pytest_numa import stats

Better = Literal["lower", "higher"]
Outcome = Literal["pass", "fail", "inconclusive"]
Runs = Sequence[float]

FIRST_LOOK = 4
LEVEL = 0.01
# Values that are alike to the last digit, as of a coarse clock, make nobody surer than this.
_LEAST_SD = 0.002
_MOST_BLOCKS = 10_000
# Sessions on one host are taken to differ by this, as much as this many sessions would tell.
_USUAL_SESSION_SD = 0.01
_USUAL_FREEDOM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one comparison. Fractions: a slowdown of 0.10 is 10 % slower.

    ``interval`` holds the true slowdown with 98 %, 1 % on each side; it is infinite where too
    little was measured. ``blocks_needed`` is an estimate, where more blocks could decide.
    """

    outcome: Outcome
    slowdown: float
    interval: tuple[float, float]
    blocks: int
    blocks_needed: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A slowdown with its interval, for people; nothing is decided by it."""

    slowdown: float
    interval: tuple[float, float]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """A mean log ratio (positive: slower), its standard error, and how many values it rests on."""

    log_ratio: float
    error: float
    freedom: float

    def bounds(self) -> tuple[float, float]:
        reach = stats.t_quantile(1 - LEVEL, self.freedom) * self.error
        return self.log_ratio - reach, self.log_ratio + reach


def judge(
    control: Sequence[Runs], candidate: Sequence[Runs], *, margin: float, better: Better
) -> Verdict:
    """Judge blocks of runs of one session, the same blocks in the same order.

    ``margin`` is the slowdown that is accepted, as a fraction; ``better`` says whether lower or
    higher values are. Valid when called after every block. ValueError for values that are none.
    """
    _check_margin(margin)
    ratios = _log_ratios(control, candidate, better)
    blocks = len(ratios)
    if blocks < FIRST_LOOK:
        return _too_early(ratios)
    estimate = _paired(ratios)
    outcome = _outcome(estimate, margin)
    needed = _blocks_needed(ratios, margin) if outcome == "inconclusive" else None
    return _verdict(outcome, estimate, margin, blocks=blocks, needed=needed, rests_on="")


def judge_against_record(
    sessions: Sequence[Sequence[Runs]],
    candidate: Sequence[Runs],
    *,
    margin: float,
    better: Better,
) -> Verdict:
    """Judge a session's blocks against recorded sessions, each a sequence of blocks.

    Sessions differ by more than runs do. From three recorded sessions on, a session is one value
    and the interval is that of one more session (a prediction interval); with fewer, it rests on
    the blocks and says that the drift of the host is not accounted for.
    """
    _check_margin(margin)
    if not sessions:
        raise ValueError("expected at least one recorded session")
    then = [_block_logs(session, better) for session in sessions]
    now = _block_logs(candidate, better)
    blocks = len(now)
    count = len(sessions)
    few = 3
    drift = "" if count >= few else ": drift of the host is not accounted for"
    rests_on = f"; {count} session{'s' if count > 1 else ''} recorded{drift}"
    if sum(map(len, then)) < FIRST_LOOK:
        return _too_early([], f", and fewer than {FIRST_LOOK} are recorded{rests_on}")
    if blocks < FIRST_LOOK:
        recorded = fmean(value for one in then for value in one)
        return _too_early([value - recorded for value in now], rests_on)
    estimate = _predicted(then, now) if count >= few else _welch(then, now)
    outcome = _outcome(estimate, margin)
    return _verdict(outcome, estimate, margin, blocks=blocks, needed=None, rests_on=rests_on)


def judge_limit(candidate: Sequence[Runs], *, limit: float, better: Better) -> Verdict:
    """Judge against an absolute limit: a failure only where the interval excludes it."""
    if not (math.isfinite(limit) and limit > 0):
        raise ValueError(f"limit: expected a number above 0, found {limit!r}")
    sign = 1 if better == "lower" else -1
    ratios = [value - sign * math.log(limit) for value in _block_logs(candidate, better)]
    if len(ratios) < FIRST_LOOK:
        return _too_early(ratios)
    estimate = _paired(ratios)
    low, high = (math.expm1(bound) for bound in estimate.bounds())
    value = limit * math.exp(sign * estimate.log_ratio)
    side = "beyond" if low > 0 else "within" if high <= 0 else "not surely on either side of"
    return Verdict(
        outcome="fail" if low > 0 else "pass",
        slowdown=math.expm1(estimate.log_ratio),
        interval=(low, high),
        blocks=len(ratios),
        blocks_needed=None,
        sentence=f"{value:.4g} is {side} the limit of {limit:.4g} ({len(ratios)} blocks, 99 % sure "
        "on each side)",
    )


def effect(control: Sequence[Runs], candidate: Sequence[Runs], *, better: Better) -> Effect:
    """How much slower the candidate is, with its interval."""
    ratios = _log_ratios(control, candidate, better)
    if len(ratios) < 2:  # noqa: PLR2004
        slowdown = math.expm1(fmean(ratios))
        sentence = f"{_change(slowdown)} (one block: no interval)"
        return Effect(slowdown=slowdown, interval=(-1.0, math.inf), sentence=sentence)
    estimate = _paired(ratios)
    low, high = (math.expm1(bound) for bound in estimate.bounds())
    slowdown = math.expm1(estimate.log_ratio)
    shown = f"{_change(slowdown)} ({_range(low, high)}, {len(ratios)} blocks)"
    undecided = low < 0 < high
    sentence = f"{shown}{': no difference is shown' if undecided else ''}"
    return Effect(slowdown=slowdown, interval=(low, high), sentence=sentence)


def _too_early(ratios: Sequence[float], besides: str = "") -> Verdict:
    """Before the first look; the estimate, where there is one, is shown and decides nothing."""
    blocks = len(ratios)
    return Verdict(
        outcome="inconclusive",
        slowdown=math.expm1(fmean(ratios)) if ratios else 0.0,
        interval=(-1.0, math.inf),
        blocks=blocks,
        blocks_needed=FIRST_LOOK,
        sentence=f"not decided: {blocks} of at least {FIRST_LOOK} blocks were measured{besides}",
    )


def _check_margin(margin: float) -> None:
    if not (math.isfinite(margin) and 0 < margin <= 10):  # noqa: PLR2004
        raise ValueError(f"margin: expected a fraction above 0 and up to 10, found {margin!r}")


def _block_logs(blocks: Sequence[Runs], better: Better) -> list[float]:
    """The log of each block's median run; positive direction is slower."""
    if better not in ("lower", "higher"):
        raise ValueError(f"better: expected 'lower' or 'higher', found {better!r}")
    sign = 1 if better == "lower" else -1
    for block in blocks:
        if not block:
            raise ValueError("expected at least one run in each block, found an empty block")
        for value in block:
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"expected run values above 0, found {value!r}")
    return [sign * math.log(median(block)) for block in blocks]


def _log_ratios(control: Sequence[Runs], candidate: Sequence[Runs], better: Better) -> list[float]:
    if len(control) != len(candidate):
        raise ValueError(
            f"expected as many blocks of the control as of the candidate, "
            f"found {len(control)} and {len(candidate)}"
        )
    pairs = zip(_block_logs(control, better), _block_logs(candidate, better), strict=True)
    return [measured - reference for reference, measured in pairs]


def _paired(ratios: Sequence[float]) -> _Estimate:
    error = max(stats.sd(ratios), _LEAST_SD) / math.sqrt(len(ratios))
    return _Estimate(log_ratio=fmean(ratios), error=error, freedom=len(ratios) - 1)


def _welch(then: Sequence[Sequence[float]], now: Sequence[float]) -> _Estimate:
    """Welch's interval on blocks: unlike spreads, unlike numbers."""
    before = [value for session in then for value in session]
    parts = [
        (max(stats.sd(values), _LEAST_SD) ** 2 / len(values), len(values) - 1)
        for values in (before, now)
    ]
    variance = math.fsum(part for part, _ in parts)
    freedom = variance**2 / math.fsum(part**2 / count for part, count in parts)
    return _Estimate(
        log_ratio=fmean(now) - fmean(before), error=math.sqrt(variance), freedom=freedom
    )


def _predicted(then: Sequence[Sequence[float]], now: Sequence[float]) -> _Estimate:
    """One more session among the recorded ones; its own noise is never taken for less than seen.

    A few sessions say little of their spread: three that happen to agree would make anybody sure,
    and the t quantile of two degrees of freedom nobody. So their variance is pooled with the
    usual one.
    """
    means = [fmean(session) for session in then]
    freedom = len(means) - 1
    pooled = _USUAL_FREEDOM * _USUAL_SESSION_SD**2 + freedom * stats.sd(means) ** 2
    between = math.sqrt(pooled / (_USUAL_FREEDOM + freedom))
    within = max(stats.sd(now), _LEAST_SD) / math.sqrt(len(now))
    error = math.sqrt(max(between, within) ** 2 + between**2 / len(means))
    return _Estimate(
        log_ratio=fmean(now) - fmean(means), error=error, freedom=_USUAL_FREEDOM + freedom
    )


def _outcome(estimate: _Estimate, margin: float) -> Outcome:
    low, high = estimate.bounds()
    limit = math.log1p(margin)
    return "pass" if high < limit else "fail" if low > limit else "inconclusive"


def _blocks_needed(ratios: Sequence[float], margin: float) -> int | None:
    """How many blocks would decide, if mean and spread stay; None where none would."""
    distance = abs(math.log1p(margin) - fmean(ratios))
    spread = max(stats.sd(ratios), _LEAST_SD)
    blocks = len(ratios) + 1
    while blocks < _MOST_BLOCKS:
        if stats.t_quantile(1 - LEVEL, blocks - 1) * spread / math.sqrt(blocks) < distance:
            return blocks
        blocks += max(1, blocks // 20)
    return None


def _verdict(
    outcome: Outcome,
    estimate: _Estimate,
    margin: float,
    *,
    blocks: int,
    needed: int | None,
    rests_on: str,
) -> Verdict:
    low, high = (math.expm1(bound) for bound in estimate.bounds())
    slowdown = math.expm1(estimate.log_ratio)
    decided = {
        "pass": f"surely less than the accepted {margin:.1%} slower",
        "fail": f"surely more than the accepted {margin:.1%} slower",
        "inconclusive": f"not decided whether by more than the accepted {margin:.1%}"
        + (f"; about {needed} blocks would decide" if needed else ""),
    }[outcome]
    return Verdict(
        outcome=outcome,
        slowdown=slowdown,
        interval=(low, high),
        blocks=blocks,
        blocks_needed=needed,
        sentence=f"{_change(slowdown)} ({_range(low, high)}, {blocks} blocks): {decided}{rests_on}",
    )


def _change(slowdown: float) -> str:
    return f"{abs(slowdown):.1%} {'slower' if slowdown >= 0 else 'faster'}"


def _range(low: float, high: float) -> str:
    return f"98 % interval {low:+.1%} to {high:+.1%}"
