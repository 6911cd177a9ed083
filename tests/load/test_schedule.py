"""Which request is due when."""

import statistics
from itertools import pairwise

import pytest

from pytest_numa.load import schedule
from pytest_numa.load.workload import Workload


def due_times(workload: Workload, count: int) -> list[float]:
    planned = schedule.of(workload, begin_s=100.0)
    found: list[float] = []
    while len(found) < count and (due := planned.peek(0.0)) is not None:
        planned.taken()
        found.append(float(due.at_s or 0.0))
    return found


def test_a_constant_rate_has_equal_gaps() -> None:
    found = due_times(Workload(rate_per_s=4.0, arrival="constant"), 5)

    assert found == [100.0, 100.25, 100.5, 100.75, 101.0]


def test_a_poisson_rate_has_the_rate_and_the_spread_of_one() -> None:
    found = due_times(Workload(rate_per_s=10.0, n_requests=5000), 5000)

    gaps = [later - earlier for earlier, later in pairwise(found)]
    # Mean and standard deviation of an exponential are equal; 5000 gaps tell them within 5 %.
    assert statistics.fmean(gaps) == pytest.approx(0.1, rel=0.05)
    assert statistics.pstdev(gaps) == pytest.approx(0.1, rel=0.08)


def test_the_same_seed_gives_the_same_arrivals() -> None:
    assert due_times(Workload(rate_per_s=3.0), 9) == due_times(Workload(rate_per_s=3.0), 9)
    assert due_times(Workload(rate_per_s=3.0), 9) != due_times(Workload(rate_per_s=3.0, seed=2), 9)


def test_a_number_of_requests_ends_with_the_last() -> None:
    planned = schedule.of(Workload(n_requests=2), begin_s=0.0)

    numbers = []
    while (due := planned.peek(5.0)) is not None:
        numbers.append(due.number)
        planned.taken()

    assert numbers == [0, 1]


def test_a_duration_ends_a_closed_loop_by_the_clock() -> None:
    planned = schedule.of(Workload(duration_s=2.0, n_requests=1), begin_s=100.0)

    assert planned.peek(101.9) is not None
    planned.taken()
    assert planned.peek(101.95) is not None
    assert planned.peek(102.0) is None
    assert planned.peek(101.0) is None


def test_a_duration_ends_an_open_loop_by_what_is_due() -> None:
    workload = Workload(duration_s=1.0, rate_per_s=4.0, arrival="constant")

    assert len(due_times(workload, 99)) == 4


def test_what_would_still_come_is_told_once() -> None:
    planned = schedule.of(Workload(n_requests=9), begin_s=0.0)
    planned.peek(0.0)
    planned.taken()
    planned.peek(0.0)

    assert (planned.rest(), planned.peek(0.0)) == (8, None)


def test_of_a_run_by_duration_nobody_knows_what_would_still_come() -> None:
    assert schedule.of(Workload(duration_s=9.0), begin_s=0.0).rest() == 0
