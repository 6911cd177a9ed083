"""Lengths as they are written, and as they are drawn."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.load import lengths


@pytest.mark.parametrize("written", [128, "128", " 128 "])
def test_a_fixed_length_is_drawn_without_chance(written: int | str) -> None:
    found = lengths.parse(written)

    assert {found.draw(random.Random(seed)) for seed in range(20)} == {128}


def test_a_range_has_each_length_of_it() -> None:
    drawn = random.Random(1)

    assert {lengths.parse("3-5").draw(drawn) for _ in range(100)} == {3, 4, 5}


def test_a_lognormal_has_its_median_and_stays_in_bounds() -> None:
    drawn = random.Random(1)
    found = lengths.parse("lognormal:128,0.5")

    values = [found.draw(drawn) for _ in range(4000)]

    # Standard error of the median: 128 * 0.5 * 1.25 / sqrt(4000) = 1.3.
    assert statistics.median(values) == pytest.approx(128, abs=6)
    assert min(values) >= 1
    assert max(values) <= 16 * 128


@given(st.integers(1, 9), st.floats(0, 9.9), st.integers())
def test_no_length_is_below_one(median: int, sigma: float, seed: int) -> None:
    found = lengths.parse(f"lognormal:{median},{sigma:.3f}")

    assert 1 <= found.draw(random.Random(seed)) <= 16 * median


@pytest.mark.parametrize(
    "written", ["0", "-1", "5-3", "0-3", "1.5", "", "lognormal:0,1", "normal:1,1", "٣", True]
)
def test_what_is_no_length_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number from 1 up"):
        lengths.parse(written)  # type: ignore[arg-type]
