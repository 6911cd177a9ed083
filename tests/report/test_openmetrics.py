"""Figures as OpenMetrics text: what a label may hold."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.report import openmetrics


@given(st.text())
def test_a_label_stays_within_its_quotes(value: str) -> None:
    (line,) = openmetrics.family("numa_x", "told", [({"unit": value}, 1.0)])[2:]

    assert "\n" not in line
    inside = line.removeprefix('numa_x{unit="').removesuffix('"} 1')
    # No quote but an escaped one: else the rest would be read as another label.
    assert inside.replace("\\\\", "").replace('\\"', "").find('"') == -1


def test_a_moment_keeps_its_seconds() -> None:
    (line,) = openmetrics.family("numa_x", "told", [({}, 1795479930.5)])[2:]

    assert line == "numa_x 1795479930.5"


def test_a_figure_that_nobody_has_is_left_out() -> None:
    assert openmetrics.family("numa_x", "told", []) == []
