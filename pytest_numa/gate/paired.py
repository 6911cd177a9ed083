"""Two modes of one session, measured side by side in the same blocks.

Two intervals of their difference are taken: by the spread of each mode's own series (from the tenth
block on, about a trend that both share), and by the spread of the paired differences, in which
nothing stands that struck both modes of a block. The truth lies beyond a bound of the first with
0.4 %, of the second with 0.1 %; the narrower bound counts, which is 99 % sure in all. It is looked
at after each block from the fourth.
"""

import math
from collections.abc import Sequence
from statistics import fmean

from pytest_numa import stats
from pytest_numa.gate.values import Better, Runs, both_logs
from pytest_numa.gate.verdict import FIRST_LOOK, Found, Verdict, checked, too_early, verdict

_SERIES_LEVEL = 0.004
_DIFFERENCES_LEVEL = 0.001
_MOST_BLOCKS = 10_000


def judge(
    control: Sequence[Runs],
    candidate: Sequence[Runs],
    *,
    margin: float,
    better: Better,
    share: float = 1.0,
) -> Verdict:
    """Judge blocks of runs of one session, the same blocks in the same order.

    ``margin`` is the slowdown that is accepted, as a fraction; ``better`` says whether lower or
    higher values are. Valid when called after every block. ``share`` is what part of the error
    rate a failure may take, where it is one of several comparisons. ValueError for values that
    are none.
    """
    margin, share = checked(margin, share)
    before, now = both_logs(control, candidate, better)
    blocks = len(now)
    if blocks < FIRST_LOOK:
        return too_early([late - early for early, late in zip(before, now, strict=True)])
    found = compared(before, now, share=share)
    outcome = found.outcome(margin)
    needed = _blocks_needed(found, margin, blocks) if outcome == "inconclusive" else None
    return verdict(outcome, found, margin, blocks=blocks, needed=needed)


def compared(control: Sequence[float], candidate: Sequence[float], *, share: float = 1.0) -> Found:
    """The narrower bound on each side of both intervals, of logs of two blocks or more."""
    series = stats.of_series(control, candidate) if len(control) > 2 else None  # noqa: PLR2004
    paired = stats.of_differences(
        [now - then for then, now in zip(control, candidate, strict=True)]
    )
    low, high = _bounds(series, paired, share=1.0)
    surely_low = low if share == 1.0 else _bounds(series, paired, share=share)[0]
    middle = fmean(candidate) - fmean(control)
    value = middle if series is None else series.log_ratio
    return Found(
        log_ratio=min(max(value, low), high),
        low=low,
        high=high,
        surely_low=surely_low,
        level=_SERIES_LEVEL + _DIFFERENCES_LEVEL,
    )


def _bounds(
    series: stats.Estimate | None, paired: stats.Estimate, *, share: float
) -> tuple[float, float]:
    found = [paired.bounds(share * _DIFFERENCES_LEVEL)]
    if series is not None:
        found.append(series.bounds(share * _SERIES_LEVEL))
    low, high = max(low for low, _ in found), min(high for _, high in found)
    if low > high:
        # They exclude each other: neither is to be believed alone.
        low, high = min(low for low, _ in found), max(high for _, high in found)
    return low, high


def _blocks_needed(found: Found, margin: float, blocks: int) -> int | None:
    """How many blocks would decide, if value and noise stay; None where none would.

    The interval shrinks with the root of the blocks, and with the quantile of their freedom.
    """
    distance = abs(math.log1p(margin) - found.log_ratio)
    reach = (found.high - found.low) / 2 * math.sqrt(blocks) / _quantile(blocks)
    needed = blocks + 1
    while needed < _MOST_BLOCKS:
        if reach * _quantile(needed) / math.sqrt(needed) < distance:
            return needed
        needed += max(1, needed // 20)
    return None


def _quantile(blocks: int) -> float:
    return stats.t_quantile(1 - _SERIES_LEVEL, 2 * blocks - 3)
