"""A session against recorded ones: sessions differ by more than runs do."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from pytest_numa import stats
from pytest_numa.gate.values import Better, Runs, logs
from pytest_numa.gate.verdict import (
    FIRST_LOOK,
    Found,
    Outcome,
    Verdict,
    checked,
    too_early,
    verdict,
)

LEVEL = 0.01
_FEW_SESSIONS = 3
# Sessions on one host are taken to differ by this, as much as this many sessions would tell.
_USUAL_SESSION_SD = 0.01
_USUAL_FREEDOM = 8

_Held = Callable[[Sequence[float]], stats.Estimate]


def judge_against_record(
    sessions: Sequence[Sequence[Runs]],
    candidate: Sequence[Runs],
    *,
    margin: float,
    better: Better,
    share: float = 1.0,
    is_confirmed: bool = True,
) -> Verdict:
    """Judge a session's blocks against recorded sessions, each a sequence of blocks.

    From three recorded sessions on, a session is one value and the interval is that of one more
    session (a prediction interval); with fewer, it rests on the blocks and says that the drift of
    the host is not accounted for. A failure is confirmed before it is called one: the blocks after
    those that failed first must fail by themselves; unless ``is_confirmed`` is False, as where no
    more blocks can be had. ``share`` as in `judge`.
    """
    margin, share = checked(margin, share)
    if not len(sessions):
        raise ValueError("expected at least one recorded session")
    then = [logs(session, better) for session in sessions]
    now = logs(candidate, better)
    rests_on = _rests_on(len(sessions))
    if sum(map(len, then)) < FIRST_LOOK:
        return too_early([], f", and fewer than {FIRST_LOOK} are recorded{rests_on}")
    if len(now) < FIRST_LOOK:
        recorded = fmean(value for one in then for value in one)
        return too_early([value - recorded for value in now], rests_on)
    held = _against(then)
    if not is_confirmed:
        found = _found(held(now), share)
        return verdict(found.outcome(margin), found, margin, blocks=len(now), besides=rests_on)
    return _confirmed(held, now, margin=margin, share=share, rests_on=rests_on)


def _rests_on(count: int) -> str:
    drift = "" if count >= _FEW_SESSIONS else ": drift of the host is not accounted for"
    return f"; {count} session{'s' if count > 1 else ''} recorded{drift}"


def _confirmed(
    held: _Held, now: Sequence[float], *, margin: float, share: float, rests_on: str
) -> Verdict:
    def is_slower(blocks: Sequence[float]) -> bool:
        one, limit = held(blocks), math.log1p(margin)
        return one.log_ratio > limit and one.bounds(share * LEVEL)[0] > limit

    found = _found(held(now), share)
    blocks = len(now)
    looks = range(FIRST_LOOK, blocks + 1)
    first = next((count for count in looks if is_slower(now[:count])), None)
    if first is None:
        return verdict(found.outcome(margin), found, margin, blocks=blocks, besides=rests_on)
    new = now[first:]
    if len(new) < FIRST_LOOK:
        besides = (
            f"; it was in the first {first} blocks, and {FIRST_LOOK} more are to confirm it, of "
            f"which {len(new)} were measured{rests_on}"
        )
        needed = first + FIRST_LOOK
        return replace(
            verdict("inconclusive", found, margin, blocks=blocks, besides=besides),
            blocks_needed=needed,
        )
    if is_slower(new):
        return verdict("fail", found, margin, blocks=blocks, besides=f", twice{rests_on}")
    outcome: Outcome = "pass" if found.outcome(margin) == "pass" else "inconclusive"
    besides = f"; it was in the first {first} blocks, and not in the {len(new)} after{rests_on}"
    return verdict(outcome, found, margin, blocks=blocks, besides=besides)


def _found(estimate: stats.Estimate, share: float) -> Found:
    low, high = estimate.bounds(LEVEL)
    return Found(
        log_ratio=estimate.log_ratio,
        low=low,
        high=high,
        surely_low=low if share == 1.0 else estimate.bounds(share * LEVEL)[0],
        level=LEVEL,
    )


def _against(then: Sequence[Sequence[float]]) -> _Held:
    """What blocks are held against, with all that of it does not depend on them."""
    return _predicted(then) if len(then) >= _FEW_SESSIONS else _welch(then)


def _welch(then: Sequence[Sequence[float]]) -> _Held:
    """Welch's interval on blocks: unlike spreads, unlike numbers."""
    before = [value for session in then for value in session]
    middle, (part, freedom) = fmean(before), _part(before)

    def held(now: Sequence[float]) -> stats.Estimate:
        own_part, own_freedom = _part(now)
        variance = part + own_part
        return stats.Estimate(
            log_ratio=fmean(now) - middle,
            error=math.sqrt(variance),
            freedom=variance**2 / (part**2 / freedom + own_part**2 / own_freedom),
        )

    return held


def _part(values: Sequence[float]) -> tuple[float, int]:
    return max(stats.sd(values), stats.LEAST_SD) ** 2 / len(values), len(values) - 1


def _predicted(then: Sequence[Sequence[float]]) -> _Held:
    """One more session among the recorded ones; its own noise is never taken for less than seen.

    A few sessions say little of their spread: three that happen to agree would make anybody sure,
    and the t quantile of two degrees of freedom nobody. So their variance is pooled with the
    usual one.
    """
    means = [fmean(session) for session in then]
    middle, freedom = fmean(means), _USUAL_FREEDOM + len(means) - 1
    squares = (len(means) - 1) * stats.sd(means) ** 2
    between = math.sqrt((_USUAL_FREEDOM * _USUAL_SESSION_SD**2 + squares) / freedom)

    def held(now: Sequence[float]) -> stats.Estimate:
        within = max(stats.sd(now), stats.LEAST_SD) / math.sqrt(len(now))
        error = math.sqrt(max(between, within) ** 2 + between**2 / len(means))
        return stats.Estimate(log_ratio=fmean(now) - middle, error=error, freedom=freedom)

    return held
