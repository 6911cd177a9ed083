"""Why one mode was slower: what the kernel counted more of, and what is no reason."""

from dataclasses import fields, replace
from typing import Any

import pytest

from pytest_numa import reasons
from pytest_numa.evidence import Change

NOTHING = Change(
    **{one.name: None for one in fields(Change)}  # type: ignore[arg-type]
    | {"elapsed_s": 10.0, "threads": 4, "threads_born": 0, "threads_ended": 0, "unknown": {}}
)


def told(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = reasons.probable([replace(NOTHING, **then)] * 3, [replace(NOTHING, **now)] * 3)
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("then", "now", "text"),
    [
        (
            {"run_queue_delay_s": 0.1},
            {"run_queue_delay_s": 1.2},
            "its threads waited for a CPU, all together: 12.0% of the time, and 1.0% of the time "
            "there",
        ),
        (
            {"quota_throttled_s": 0.0},
            {"quota_throttled_s": 1.0},
            "a CPU quota held it back: 10.0% of the time, and 0.0% of the time there",
        ),
        (
            {"migrations": 10},
            {"migrations": 1000},
            "its threads moved between CPUs: 100 a second, and 1 a second there",
        ),
        (
            {"other_node_by_node": {0: 5, 1: 0}},
            {"other_node_by_node": {0: 5000, 1: 5}},
            "pages came from another node (whole host): 5005 a run, and 5 a run there",
        ),
        (
            {"frequency_mhz": 3000.0},
            {"frequency_mhz": 2500.0},
            "its CPUs ran at a lower clock: 2500 MHz, and 3000 MHz there",
        ),
        (
            {"cgroup_pressure_s": {"memory full": 0.0}},
            {"cgroup_pressure_s": {"memory full": 5.0}},
            "it stood still for want of memory: 50.0% of the time, and 0.0% of the time there",
        ),
    ],
)
def test_what_the_slower_mode_had_more_of_is_told(
    then: dict[str, Any], now: dict[str, Any], text: str
) -> None:
    assert told(then, now) == [text]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({}, {}),
        ({"run_queue_delay_s": 5.0}, {"run_queue_delay_s": 5.5}),
        ({"run_queue_delay_s": 0.001}, {"run_queue_delay_s": 0.01}),
        ({"run_queue_delay_s": None}, {"run_queue_delay_s": 5.0}),
        ({"major_faults": 0}, {"major_faults": 3}),
        ({"frequency_mhz": 3000.0}, {"frequency_mhz": 2990.0}),
        ({"elapsed_s": 0.0, "steal_s": 0.0}, {"elapsed_s": 0.0, "steal_s": 1.0}),
    ],
)
def test_what_both_had_or_what_is_little_is_no_reason(
    then: dict[str, Any], now: dict[str, Any]
) -> None:
    assert told(then, now) == []


def test_one_run_that_went_astray_is_no_reason() -> None:
    usual, astray = replace(NOTHING, steal_s=0.0), replace(NOTHING, steal_s=9.0)

    assert reasons.probable([usual] * 3, [usual, usual, astray]) == []


def test_nothing_counted_is_no_reason() -> None:
    assert reasons.probable([], []) == []
