"""Student's t without a numerical library.

Source: Abramowitz and Stegun, 26.7 (the distribution) and 26.5.8 (the continued fraction of the
incomplete beta function, evaluated by Lentz's method).
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean

_TINY = 1e-300
_CLOSE = 1e-15


def t_cdf(t: float, freedom: float) -> float:
    """P(T <= t) for ``freedom`` degrees of freedom, which need not be whole."""
    if freedom <= 0 or math.isnan(t):
        raise ValueError(f"expected freedom > 0 and a number, found {freedom!r} and {t!r}")
    tail = 0.5 * _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """The t that P(T <= t) = ``probability`` holds for."""
    if not 0 < probability < 1:
        raise ValueError(f"expected a probability between 0 and 1, found {probability!r}")
    if probability < 0.5:  # noqa: PLR2004
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        low, high = high, high * 2
    while high - low > 1e-12 * max(1.0, high):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < probability else (low, middle)
        if middle in (low, high) and math.nextafter(low, high) >= high:
            break
    return (low + high) / 2


def sd(values: Sequence[float]) -> float:
    """The sample's standard deviation; 0 of a single value."""
    if len(values) < 2:  # noqa: PLR2004
        return 0.0
    mean = fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges fast on this side only.
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(x, a, b) / a
    return 1 - front * _beta_fraction(1 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
