"""What a sample of pages proves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.placement import bounds


@pytest.mark.parametrize(
    ("strays", "looked_at", "limit"),
    # Clopper and Pearson's one-sided limits, from the quantiles of the beta distribution.
    [(0, 4096, 0.0007311), (0, 20, 0.1391), (1, 20, 0.2161), (5, 50, 0.1988), (10, 100, 0.1637)],
)
def test_the_upper_limit_is_the_exact_one(strays: int, looked_at: int, limit: float) -> None:
    assert bounds.upper_fraction(strays, looked_at) == pytest.approx(limit, rel=2e-3)


def test_nothing_looked_at_proves_nothing() -> None:
    assert bounds.upper_fraction(0, 0) == 1.0
    assert bounds.upper_fraction(7, 7) == 1.0
    assert bounds.lower_fraction(0, 9) == 0.0


def test_the_sentence_is_that_of_a_specialist() -> None:
    said = bounds.sentence(0, 4096)

    assert said == "0 of 4096 sampled pages off node: < 0.073 % at 95 %"


@given(st.integers(1, 5000), st.integers(0, 60))
def test_the_limits_lie_around_the_fraction_seen(looked_at: int, strays: int) -> None:
    strays = min(strays, looked_at)
    fraction = strays / looked_at

    assert bounds.lower_fraction(strays, looked_at) <= fraction + 1e-9
    assert bounds.upper_fraction(strays, looked_at) >= fraction - 1e-9


@given(st.floats(1e-5, 0.5))
def test_so_many_pages_are_needed_that_none_astray_shows_the_fraction(fraction: float) -> None:
    count = bounds.pages_needed(fraction)

    assert bounds.upper_fraction(0, count) <= fraction * 1.0001
    assert count == 1 or bounds.upper_fraction(0, math.floor(count * 0.9)) > fraction * 0.99
