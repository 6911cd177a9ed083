"""Student's t, and estimates of a difference of logs with their errors. No numerical library.

Sources: Abramowitz and Stegun, 26.7 (the distribution) and 26.5.8 (the continued fraction of the
incomplete beta function, evaluated by Lentz's method); Dixon and Tukey 1968 (t of values that were
drawn in: the error grows, and the freedom shrinks, with each of them).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import fmean, median

_TINY = 1e-300
_CLOSE = 1e-15
# Of fewer degrees a quantile may be beyond what a float can square.
_LEAST_FREEDOM = 0.1
# Values that are alike to the last digit, as of a coarse clock, make nobody surer than this.
LEAST_SD = 0.002
# Where more than half of the values are one and the same, the others are no outliers.
_LEAST_SCALE = 1e-4
# Below these many blocks the scale of the differences, or an autocorrelation, is a mere guess.
_FIRST_DRAWN_IN = 7
_FIRST_CORRELATED = 6
_MOST_CORRELATED = 0.7
# Over fewer a drift of the host has not come far, and a trend would take freedom, and hide what of
# an autocorrelation there is.
_FIRST_WITH_TREND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A log ratio, its standard error, and the degrees of freedom that the error rests on."""

    log_ratio: float
    error: float
    freedom: float

    def bounds(self, level: float) -> tuple[float, float]:
        """The two values beyond each of which the truth lies with the probability ``level``."""
        reach = t_quantile(1 - level, self.freedom) * self.error
        return self.log_ratio - reach, self.log_ratio + reach


def t_cdf(t: float, freedom: float) -> float:
    """P(T <= t) for ``freedom`` degrees of freedom, which need not be whole."""
    if not freedom > 0 or math.isnan(t):
        raise ValueError(f"expected freedom > 0 and a number, found {freedom!r} and {t!r}")
    return 1 - _tail(t, freedom) if t > 0 else _tail(-t, freedom)


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """The t that P(T <= t) = ``probability`` holds for."""
    if not 0 < probability < 1 or not freedom >= _LEAST_FREEDOM:
        raise ValueError(
            f"expected a probability between 0 and 1 and freedom of {_LEAST_FREEDOM} or more, "
            f"found {probability!r} and {freedom!r}"
        )
    if probability > 0.5:  # noqa: PLR2004
        return -t_quantile(1 - probability, freedom)
    # The tail is convex: by Newton's steps from below it is never overshot.
    t, step = 0.0, 1.0
    while step > _CLOSE * t:
        step = (_tail(t, freedom) - probability) / _density(t, freedom)
        t += step
    return -t


def sd(values: Sequence[float]) -> float:
    """The sample's standard deviation; 0 of a single value."""
    if len(values) < 2:  # noqa: PLR2004
        return 0.0
    mean = fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def block_means(blocks: Sequence[Sequence[float]]) -> list[float]:
    """The mean of each block's runs; a run far from its block's median is drawn in.

    The scale of "far" is that of all blocks together: of three runs alone none can be told to be
    an outlier. A median would waste a third of what three ordinary runs say.
    """
    if all(len(block) == 1 for block in blocks):
        return [value for (value,) in blocks]
    middles = [median(block) for block in blocks]
    apart = [
        abs(value - middle)
        for block, middle in zip(blocks, middles, strict=True)
        for value in block
        if value != middle
    ]
    reach = 3 * median(apart) if apart else 0.0
    return [
        fmean([min(max(value, middle - reach), middle + reach) for value in block])
        for block, middle in zip(blocks, middles, strict=True)
    ]


def of_series(control: Sequence[float], candidate: Sequence[float]) -> Estimate:
    """The difference by the spread of each mode's own series, about a trend that both share.

    For two series of the same blocks, three or more. It has nearly twice the freedom of the paired
    differences, and is too wide, never too narrow, where a block's noise strikes both modes.
    """
    count = len(control)
    modes, kept = _drawn_in([control, candidate], reach=3.5)
    means = [fmean(mode) for mode in modes]
    rests = [[value - mean for value in mode] for mode, mean in zip(modes, means, strict=True)]
    taken = 2
    if count >= _FIRST_WITH_TREND:
        rests, taken = _without_trend(rests), 3
    squares = math.fsum(value * value for mode in rests for value in mode)
    variance = max(squares / (2 * count - taken), LEAST_SD**2 / 2)
    widened = 2 * count / kept * _inflation(rests)
    return Estimate(
        log_ratio=means[1] - means[0],
        error=math.sqrt(2 * variance / count) * widened,
        freedom=kept - taken,
    )


def of_differences(differences: Sequence[float]) -> Estimate:
    """The mean of two or more values by their own spread: what both modes share is in none."""
    count = len(differences)
    values, kept = list(differences), count
    if count >= _FIRST_DRAWN_IN:
        (values,), kept = _drawn_in([differences], reach=4)
    mean = fmean(values)
    widened = count / kept * _inflation([[value - mean for value in values]])
    error = max(sd(values), LEAST_SD) / math.sqrt(count) * widened
    return Estimate(log_ratio=mean, error=error, freedom=kept - 1)


def _drawn_in(series: Sequence[Sequence[float]], *, reach: float) -> tuple[list[list[float]], int]:
    """Values within ``reach`` median deviations of their series' median, and how many were so."""
    middles = [median(one) for one in series]
    apart = [
        abs(value - middle) for one, middle in zip(series, middles, strict=True) for value in one
    ]
    limit = reach * median(apart)
    kept = sum(value <= limit for value in apart)
    # Outliers are few; what many values do is the distribution.
    if limit < reach * _LEAST_SCALE or 4 * kept < 3 * len(apart):
        return [list(one) for one in series], len(apart)
    return [
        [min(max(value, middle - limit), middle + limit) for value in one]
        for one, middle in zip(series, middles, strict=True)
    ], kept


def _without_trend(rests: Sequence[Sequence[float]]) -> list[list[float]]:
    """What is left of two series of the mean 0 without the straight line that both share."""
    count = len(rests[0])
    times = [number - (count - 1) / 2 for number in range(count)]
    slope = math.fsum(
        time * (one + other) for time, one, other in zip(times, *rests, strict=True)
    ) / (2 * math.fsum(time * time for time in times))
    return [[value - slope * time for value, time in zip(one, times, strict=True)] for one in rests]


def _inflation(rests: Sequence[Sequence[float]]) -> float:
    """What an autocorrelation from block to block adds to the error: a factor of 1 or more."""
    count = len(rests[0])
    squares = math.fsum(value * value for one in rests for value in one)
    if count < _FIRST_CORRELATED or squares <= 0:
        return 1.0
    products = math.fsum(now * then for one in rests for then, now in pairwise(one))
    # Taken from residuals, it comes out too small by 1/n and more, the more there is of it.
    share = min(max(products / squares + 1.75 / count, 0.0), _MOST_CORRELATED)
    return math.sqrt((1 + share) / (1 - share))


def _density(t: float, freedom: float) -> float:
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    power = (freedom + 1) / 2 * math.log1p(t * t / freedom)
    return math.exp(log_scale - power) / math.sqrt(math.pi * freedom)


def _tail(t: float, freedom: float) -> float:
    """P(T > t) for t >= 0."""
    return 0.5 * _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)


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
