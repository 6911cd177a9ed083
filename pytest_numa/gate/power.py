"""What the gate will do on a host with a given noise, by simulation: how many blocks, how sure.

The noise of a run, in log, is normal with the spread that was given, in each mode by itself, about
a drift of the host of 0.2 % a block.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_numa.gate.paired import judge
from pytest_numa.gate.verdict import FIRST_LOOK

_DRIFT = 0.002
_LONG = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What becomes of sessions with one true slowdown: shares of 1, and blocks."""

    slowdown: float
    passed: float
    failed: float
    blocks: float

    @property
    def undecided(self) -> float:
        """The share that spends its budget without a verdict."""
        return max(0.0, 1 - self.passed - self.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How runs scatter: the coefficient of variation of one, and how many a block has."""

    cv: float
    runs: int = 1


def curve(
    noise: Noise,
    slowdowns: Sequence[float],
    *,
    margin: float,
    most_blocks: int,
    repetitions: int,
    seed: int = 1,
) -> list[Expected]:
    """What to expect at each true slowdown."""
    found = []
    for slowdown in slowdowns:
        drawn = random.Random(f"{seed}/{slowdown}")  # noqa: S311 - a simulation, to be repeated
        sessions = [
            _decided(noise, slowdown, margin=margin, most_blocks=most_blocks, drawn=drawn)
            for _ in range(repetitions)
        ]
        outcomes = [outcome for outcome, _ in sessions]
        found.append(
            Expected(
                slowdown=slowdown,
                passed=outcomes.count("pass") / repetitions,
                failed=outcomes.count("fail") / repetitions,
                blocks=fmean(blocks for _, blocks in sessions),
            )
        )
    return found


def blocks_for(
    noise: Noise, share: float, *, margin: float, repetitions: int, seed: int = 1
) -> int | None:
    """After how many blocks that share of sessions of an unchanged service has passed.

    None where more than 64 were needed.
    """
    drawn = random.Random(f"{seed}/blocks")  # noqa: S311 - a simulation, to be repeated
    sessions = [
        _decided(noise, 0.0, margin=margin, most_blocks=_LONG, drawn=drawn)
        for _ in range(repetitions)
    ]
    passed = sorted(blocks for outcome, blocks in sessions if outcome == "pass")
    needed = math.ceil(share * repetitions)
    return passed[needed - 1] if len(passed) >= needed else None


def _decided(
    noise: Noise, slowdown: float, *, margin: float, most_blocks: int, drawn: random.Random
) -> tuple[str, int]:
    sides: tuple[list[list[float]], list[list[float]]] = ([], [])
    shifts = (0.0, math.log1p(slowdown))
    for block in range(most_blocks):
        for side, shift in zip(sides, shifts, strict=True):
            level = shift + _DRIFT * block
            side.append([math.exp(level + drawn.gauss(0, noise.cv)) for _ in range(noise.runs)])
        if block + 1 >= FIRST_LOOK:
            outcome = judge(*sides, margin=margin, better="lower").outcome
            if outcome != "inconclusive":
                return outcome, block + 1
    return "inconclusive", most_blocks
