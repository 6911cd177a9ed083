"""How long prompts or answers are: one length, or one drawn for each request."""

import math
import random
import re
from dataclasses import dataclass

FORMS = "128, 16-512 (each as likely) or lognormal:128,0.5 (median, sigma)"
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_LOGNORMAL = re.compile(r"lognormal:([0-9]{1,9}(?:\.[0-9]{1,9})?),([0-9](?:\.[0-9]{1,9})?)")
# A draw from the far tail would decide a run by itself.
_MOST_TIMES_MEDIAN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """A distribution of lengths in tokens, all of them from ``low`` to ``high``."""

    low: int
    high: int
    median: float | None = None
    sigma: float = 0.0

    def draw(self, source: random.Random) -> int:
        """One length."""
        if self.low == self.high:
            return self.low
        if self.median is None:
            return source.randint(self.low, self.high)
        drawn = source.lognormvariate(math.log(self.median), self.sigma)
        return min(max(round(drawn), self.low), self.high)


def parse(written: int | str) -> Lengths:
    """A length as it is written in an option; ValueError where it is none."""
    text = str(written).strip()
    if not isinstance(written, bool) and re.fullmatch(r"[0-9]{1,9}", text) and int(text) > 0:
        return Lengths(low=int(text), high=int(text))
    if found := _RANGE.fullmatch(text):
        low, high = int(found[1]), int(found[2])
        if 0 < low <= high:
            return Lengths(low=low, high=high)
    if found := _LOGNORMAL.fullmatch(text):
        median, sigma = float(found[1]), float(found[2])
        if median >= 1:
            high = math.ceil(median * _MOST_TIMES_MEDIAN)
            return Lengths(low=1, high=high, median=median, sigma=sigma)
    raise ValueError(f"expected a whole number from 1 up, {FORMS}, found {written!r}")
