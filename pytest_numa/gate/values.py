"""Blocks of run values to one log a block; positive direction is slower."""

import math
from collections.abc import Sequence
from typing import Literal

from pytest_numa import stats

Better = Literal["lower", "higher"]
Runs = Sequence[float]


def logs(blocks: Sequence[Runs], better: Better) -> list[float]:
    """The mean log of each block's runs, in which a stray run is drawn in.

    ValueError for values that are none.
    """
    return stats.block_means(_run_logs(blocks, better))


def both_logs(
    control: Sequence[Runs], candidate: Sequence[Runs], better: Better
) -> tuple[list[float], list[float]]:
    """One log of each block of the control, and one of each block of the candidate."""
    if len(control) != len(candidate):
        raise ValueError(
            f"expected as many blocks of the control as of the candidate, "
            f"found {len(control)} and {len(candidate)}"
        )
    # Together: what a stray run is, both of them tell.
    found = logs([*control, *candidate], better)
    return found[: len(control)], found[len(control) :]


def _run_logs(blocks: Sequence[Runs], better: Better) -> list[list[float]]:
    if better not in ("lower", "higher"):
        raise ValueError(f"better: expected 'lower' or 'higher', found {better!r}")
    sign = 1 if better == "lower" else -1
    for block in blocks:
        if not len(block):
            raise ValueError("expected at least one run in each block, found an empty block")
        for value in block:
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"expected run values above 0, found {value!r}")
    return [[sign * math.log(value) for value in block] for block in blocks]
