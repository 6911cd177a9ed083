"""What a sample of pages proves about all of them.

The one-sided upper limit is exact (Clopper and Pearson, Biometrika 26, 1934); with no stray page
in n it is nearly 3/n, the "rule of three".
"""

import math
from collections.abc import Callable

_CONFIDENCE = 0.95


def upper_fraction(strays: int, looked_at: int) -> float:
    """The largest fraction of stray pages that the sample does not exclude at 95 %."""
    if looked_at <= 0 or strays >= looked_at:
        return 1.0
    return _solve(lambda fraction: _at_most(strays, looked_at, fraction) - (1 - _CONFIDENCE))


def lower_fraction(strays: int, looked_at: int) -> float:
    """The smallest fraction of stray pages that the sample does not exclude at 95 %."""
    if strays <= 0:
        return 0.0
    return 1.0 - upper_fraction(looked_at - strays, looked_at)


def sentence(strays: int, looked_at: int) -> str:
    """``0 of 4096 sampled pages off node: < 0.073 % at 95 %``."""
    limit = upper_fraction(strays, looked_at)
    return f"{strays} of {looked_at} sampled pages off node: < {limit * 100:.2g} % at 95 %"


def pages_needed(fraction: float) -> int:
    """How many pages without a stray one show that less than ``fraction`` is astray."""
    return math.ceil(math.log(1 - _CONFIDENCE) / math.log1p(-fraction)) if 0 < fraction < 1 else 1


def _at_most(strays: int, looked_at: int, fraction: float) -> float:
    """Probability of so few stray pages or fewer, of the binomial distribution."""
    total = 0.0
    for count in range(strays + 1):
        log = (
            math.lgamma(looked_at + 1)
            - math.lgamma(count + 1)
            - math.lgamma(looked_at - count + 1)
            + count * math.log(fraction)
            + (looked_at - count) * math.log1p(-fraction)
        )
        total += math.exp(log)
    return total


def _solve(falling: Callable[[float], float]) -> float:
    low, high = 1e-12, 1 - 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high
