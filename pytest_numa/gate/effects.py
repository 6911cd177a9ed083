"""How much slower or faster, for people: nothing is decided by it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_numa.gate.paired import compared
from pytest_numa.gate.values import Better, Runs, both_logs
from pytest_numa.gate.verdict import change, fraction, interval_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A slowdown with its interval, for people; nothing is decided by it."""

    slowdown: float
    interval: tuple[float, float]
    sentence: str


def effect(control: Sequence[Runs], candidate: Sequence[Runs], *, better: Better) -> Effect:
    """How much slower the candidate is, with its interval."""
    before, now = both_logs(control, candidate, better)
    if len(now) < 2:  # noqa: PLR2004
        slowdown = fraction(fmean(now) - fmean(before))
        sentence = f"{change(slowdown)} (one block: no interval)"
        return Effect(slowdown=slowdown, interval=(-1.0, math.inf), sentence=sentence)
    found = compared(before, now)
    low, high, slowdown = map(fraction, (found.low, found.high, found.log_ratio))
    shown = f"{change(slowdown)} ({interval_text(found)}, {len(now)} blocks)"
    undecided = low < 0 < high
    sentence = f"{shown}{': no difference is shown' if undecided else ''}"
    return Effect(slowdown=slowdown, interval=(low, high), sentence=sentence)
