"""Blocks of run values to one log a block; positive direction is slower."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from numbers import Real
from typing import Any, Literal

from pytest_numa import stats

Better = Literal["lower", "higher"]
Runs = Sequence[float]

_LONGEST = 60


def logs(blocks: Sequence[Runs], better: Better) -> list[float]:
    """The mean log of each block's runs, in which a stray run is drawn in.

    ValueError for values that are none.
    """
    return stats.block_means(_run_logs(blocks, better))


def both_logs(
    control: Sequence[Runs], candidate: Sequence[Runs], better: Better
) -> tuple[list[float], list[float]]:
    """One log of each block of the control, and one of each block of the candidate."""
    counts = len(_sequence(control, "blocks")), len(_sequence(candidate, "blocks"))
    if counts[0] != counts[1]:
        raise ValueError(
            f"expected as many blocks of the control as of the candidate, "
            f"found {counts[0]} and {counts[1]}"
        )
    # Together: what a stray run is, both of them tell.
    found = logs([*control, *candidate], better)
    return found[: len(control)], found[len(control) :]


def _run_logs(blocks: Sequence[Runs], better: Better) -> list[list[float]]:
    if better not in ("lower", "higher"):
        raise ValueError(f"better: expected 'lower' or 'higher', found {better!r}")
    sign = 1 if better == "lower" else -1
    return [
        [sign * math.log(_positive(value)) for value in _runs(block)]
        for block in _sequence(blocks, "blocks")
    ]


def is_number(value: object) -> bool:
    """Whether it is a real number, numpy's included, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _sequence(found: Any, of: str) -> Sequence[Any]:  # noqa: ANN401 - whatever a caller has
    # By what it can do: an array of numpy is no Sequence.
    is_one = hasattr(found, "__len__") and hasattr(found, "__getitem__")
    if not is_one or isinstance(found, (str, bytes, bytearray, Mapping, AbstractSet)):
        raise ValueError(f"expected a sequence of {of}, found {_shown(found)}")
    return found  # type: ignore[no-any-return]


def _runs(block: Any) -> Sequence[Any]:  # noqa: ANN401 - whatever a caller has
    runs = _sequence(block, "runs in each block")
    if not len(runs):
        raise ValueError("expected at least one run in each block, found an empty block")
    return runs


def _positive(value: Any) -> float:  # noqa: ANN401 - whatever a caller has
    try:
        number = float(value) if type(value) is float or is_number(value) else math.nan
    except OverflowError:
        number = math.inf
    if not 0.0 < number < math.inf:
        raise ValueError(f"expected run values above 0, found {_shown(value)}")
    return number


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:
        # Python writes out no whole number of more than 4,300 digits.
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
