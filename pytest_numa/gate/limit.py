"""One mode against an absolute limit."""

import math
from collections.abc import Sequence

from pytest_numa import stats
from pytest_numa.gate.values import Better, Runs, is_number, logs
from pytest_numa.gate.verdict import FIRST_LOOK, Verdict, fraction, too_early

LEVEL = 0.01


def judge_limit(
    candidate: Sequence[Runs], *, limit: float, better: Better, share: float = 1.0
) -> Verdict:
    """Judge against an absolute limit: a failure only where the interval excludes it.

    ``slowdown`` is how far beyond the limit, as a fraction of it. ``share`` as in `judge`.
    """
    if not (is_number(limit) and 0 < limit < math.inf):
        raise ValueError(f"limit: expected a number above 0, found {limit!r}")
    values = logs(candidate, better)
    sign = 1 if better == "lower" else -1
    ratios = [value - sign * math.log(limit) for value in values]
    if len(ratios) < FIRST_LOOK:
        return too_early(ratios)
    estimate = stats.of_differences(ratios)
    low, high = (fraction(bound) for bound in estimate.bounds(LEVEL))
    is_beyond = estimate.bounds(share * LEVEL)[0] > 0
    value = math.exp(math.log(limit) + sign * estimate.log_ratio)
    side = "beyond" if is_beyond else "within" if high <= 0 else "not surely on either side of"
    return Verdict(
        outcome="fail" if is_beyond else "pass",
        slowdown=fraction(estimate.log_ratio),
        interval=(low, high),
        blocks=len(ratios),
        blocks_needed=None,
        sentence=f"{value:.4g} is {side} the limit of {limit:.4g} ({len(ratios)} blocks, 99 % sure "
        "on each side)",
    )
