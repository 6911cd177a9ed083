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


@pytest.mark.parametrize(("t", "freedom"), [(float("nan"), 5.0), (1.0, 0.0)])
def test_the_distribution_of_nothing_is_refused(t: float, freedom: float) -> None:
    with pytest.raises(ValueError, match="expected freedom > 0 and a number"):
        stats.t_cdf(t, freedom)


def test_the_spread_of_one_value_is_none() -> None:
    assert stats.sd([3.0]) == 0.0
    assert stats.sd([1.0, 3.0]) == pytest.approx(math.sqrt(2))


SERIES = [0.01, -0.02, 0.015, 0.0, -0.012, 0.007, 0.02, -0.009]


def test_a_trend_that_both_modes_share_widens_no_interval_of_ten_blocks() -> None:
    control = [*SERIES, 0.004, -0.011]
    candidate = [value + 0.03 for value in reversed(control)]
    steady = stats.of_series(control, candidate)

    drifting = stats.of_series(
        [value + 0.01 * block for block, value in enumerate(control)],
        [value + 0.01 * block for block, value in enumerate(candidate)],
    )

    assert drifting.log_ratio == pytest.approx(steady.log_ratio)
    assert drifting.error == pytest.approx(steady.error)


def test_a_trend_takes_no_freedom_from_fewer_than_ten_blocks() -> None:
    few = stats.of_series(SERIES, SERIES[::-1])
    many = stats.of_series([*SERIES, 0.0, 0.0], [*SERIES[::-1], 0.0, 0.0])

    assert (few.freedom, many.freedom) == (2 * 8 - 2, 2 * 10 - 3)


def test_what_strikes_both_modes_of_a_block_is_in_no_difference() -> None:
    host = [0.0, 0.3, -0.2, 0.1, 0.4, -0.3, 0.2, 0.0]
    control = [value + shift for value, shift in zip(SERIES, host, strict=True)]
    candidate = [value + shift for value, shift in zip(reversed(SERIES), host, strict=True)]

    paired = stats.of_differences(
        [now - then for then, now in zip(control, candidate, strict=True)]
    )

    assert paired.error < 0.02 < stats.of_series(control, candidate).error


def test_one_outlier_among_many_blocks_is_drawn_in_and_costs_freedom() -> None:
    plain = stats.of_series(SERIES, SERIES[::-1])
    struck = stats.of_series(SERIES, [*SERIES[:0:-1], SERIES[0] + 0.5])

    assert struck.log_ratio < 0.02
    assert struck.freedom == plain.freedom - 1


def test_two_steps_of_a_coarse_clock_are_no_outliers() -> None:
    control = [0.0] * 7 + [0.1] * 3
    candidate = [0.1] * 7 + [0.0] * 3

    estimate = stats.of_series(control, candidate)

    assert estimate.log_ratio == pytest.approx(0.04)
    assert estimate.error > 0.02


def test_blocks_that_follow_each_other_make_nobody_surer() -> None:
    restless = [0.01, -0.01] * 4
    sluggish = [0.01] * 4 + [-0.01] * 4

    assert stats.of_differences(sluggish).error > 1.5 * stats.of_differences(restless).error


def test_values_that_are_all_alike_keep_a_spread() -> None:
    assert stats.of_series([1.0] * 4, [1.0] * 4).error == pytest.approx(0.001)
    assert stats.of_differences([0.0] * 4).error == pytest.approx(0.001)


def test_a_stray_run_is_drawn_in_to_its_block() -> None:
    means = stats.block_means([[0.0, 0.01, 0.02], [0.0, 0.01, 5.0], [-0.01, 0.01, 0.02]])

    assert means == pytest.approx([0.01, 0.0133, 0.0067], abs=0.004)


def test_runs_in_pairs_count_alike() -> None:
    assert stats.block_means([[1.0, 3.0], [5.0]]) == [2.0, 5.0]
