"""What came of one comparison, and how it is said."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pytest_numa import formatting
from pytest_numa.gate.values import is_number

Outcome = Literal["pass", "fail", "inconclusive"]

FIRST_LOOK = 4

_LARGEST_LOG = math.log(sys.float_info.max)
_LONG = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one comparison. Fractions: a slowdown of 0.10 is 10 % slower.

    ``interval`` holds the true slowdown with at least 98 %, in equal parts on each side; it is
    infinite where too little was measured. ``blocks_needed`` is an estimate, where more blocks
    could decide.
    """

    outcome: Outcome
    slowdown: float
    interval: tuple[float, float]
    blocks: int
    blocks_needed: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A log ratio (positive: slower) between bounds, each of which is ``level`` likely too near.

    ``surely_low`` is the bound that a failure must clear; it is farther off than ``low`` where a
    comparison is one of several.
    """

    log_ratio: float
    low: float
    high: float
    surely_low: float
    level: float

    def outcome(self, margin: float) -> Outcome:
        """On which side of the margin the slowdown surely is."""
        limit = math.log1p(margin)
        return (
            "pass" if self.high < limit else "fail" if self.surely_low > limit else "inconclusive"
        )


def checked(margin: float, share: float = 1.0) -> tuple[float, float]:
    """Both as floats; ValueError for a margin, or a share of the error rate, that is none."""
    if not (is_number(margin) and 0 < margin <= 10):  # noqa: PLR2004
        raise ValueError(f"margin: expected a fraction above 0 and up to 10, found {margin!r}")
    if not (is_number(share) and 0 < share <= 1):
        raise ValueError(f"share: expected a fraction above 0 and up to 1, found {share!r}")
    return float(margin), float(share)


def fraction(log_ratio: float) -> float:
    """A log ratio as a slowdown; infinite where no float can hold it."""
    return math.expm1(log_ratio) if log_ratio < _LARGEST_LOG else math.inf


def too_early(ratios: Sequence[float], besides: str = "") -> Verdict:
    """Before the first look; the estimate, where there is one, is shown and decides nothing."""
    blocks = len(ratios)
    return Verdict(
        outcome="inconclusive",
        slowdown=fraction(fmean(ratios)) if ratios else 0.0,
        interval=(-1.0, math.inf),
        blocks=blocks,
        blocks_needed=FIRST_LOOK,
        sentence=f"not decided: {blocks} of at least {FIRST_LOOK} blocks were measured{besides}",
    )


def verdict(
    outcome: Outcome,
    found: Found,
    margin: float,
    *,
    blocks: int,
    needed: int | None = None,
    besides: str = "",
) -> Verdict:
    """Put what was found into a value and a sentence."""
    slowdown = fraction(found.log_ratio)
    decided = {
        "pass": f"surely less than the accepted {margin:.1%} slower",
        "fail": f"surely more than the accepted {margin:.1%} slower",
        "inconclusive": f"not decided whether by more than the accepted {margin:.1%}"
        + (f"; about {needed} blocks would decide" if needed else ""),
    }[outcome]
    return Verdict(
        outcome=outcome,
        slowdown=slowdown,
        interval=(fraction(found.low), fraction(found.high)),
        blocks=blocks,
        blocks_needed=needed,
        sentence=f"{change(slowdown)} ({interval_text(found)}, {blocks} blocks): {decided}"
        f"{besides}",
    )


def change(slowdown: float) -> str:
    """A slowdown in words."""
    return f"{_percent(abs(slowdown))} {'slower' if slowdown >= 0 else 'faster'}"


def interval_text(found: Found) -> str:
    """The interval with what it holds the truth with."""
    shown = formatting.interval(fraction(found.low), fraction(found.high))
    return f"{1 - 2 * found.level:.0%} interval {shown}"


def _percent(value: float) -> str:
    return f"{value:.1%}" if value < _LONG else f"{100 * value:.3g}%"
