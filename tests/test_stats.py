"""Student's t against published tables."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import stats


# NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, to its three digits.
@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.90, 1, 3.078),
        (0.95, 1, 6.314),
        (0.99, 1, 31.821),
        (0.99, 3, 4.541),
        (0.99, 4, 3.747),
        (0.975, 10, 2.228),
        (0.99, 15, 2.602),
        (0.995, 30, 2.750),
        (0.999, 100, 3.174),
    ],
)
def test_quantiles_are_those_of_the_table(
    probability: float, freedom: int, expected: float
) -> None:
    assert stats.t_quantile(probability, freedom) == pytest.approx(expected, abs=5e-4)


def test_one_degree_of_freedom_is_cauchys_distribution() -> None:
    assert stats.t_cdf(1.0, 1) == pytest.approx(0.75, abs=1e-12)
    assert stats.t_quantile(0.99, 1) == pytest.approx(math.tan(0.49 * math.pi), rel=1e-9)


def test_many_degrees_of_freedom_approach_the_normal_distribution() -> None:
    assert stats.t_quantile(0.975, 1e7) == pytest.approx(1.959964, abs=1e-5)


@given(st.floats(min_value=1e-4, max_value=1 - 1e-4), st.floats(min_value=0.5, max_value=1000.0))
def test_the_quantile_inverts_the_distribution(probability: float, freedom: float) -> None:
    quantile = stats.t_quantile(probability, freedom)

    assert stats.t_cdf(quantile, freedom) == pytest.approx(probability, abs=1e-8)


@given(st.floats(min_value=-50, max_value=50), st.floats(min_value=0.5, max_value=1000.0))
def test_the_distribution_is_symmetric(t: float, freedom: float) -> None:
    assert stats.t_cdf(t, freedom) + stats.t_cdf(-t, freedom) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0, float("nan")])
def test_a_probability_that_is_none_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="a probability between 0 and 1"):
        stats.t_quantile(probability, 5)


def test_the_spread_of_one_value_is_none() -> None:
    assert stats.sd([3.0]) == 0.0
    assert stats.sd([1.0, 3.0]) == pytest.approx(math.sqrt(2))
