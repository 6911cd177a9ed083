"""Which request is sent next, and when it is due; time is the caller's."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_numa.load.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A request to be sent. ``at_s`` is when, on an open loop; None: as soon as there is a slot."""

    number: int
    at_s: float | None = None


class Schedule:
    """The requests of one run, in order. Not for several threads at once."""

    def __init__(self, numbers: Iterator[int], *, until_s: float = float("inf")) -> None:
        self._numbers = numbers
        self._until_s = until_s
        self._next: Due | None = None
        self._is_over = False

    def peek(self, now_s: float) -> Due | None:
        """The next request; None where there is no more."""
        if self._next is None and not self._is_over:
            self._next = self._made()
        due = self._next
        if due is None or (now_s if due.at_s is None else due.at_s) >= self._until_s:
            self.close()
            return None
        return due

    def taken(self) -> None:
        """The request that ``peek`` gave is on its way."""
        self._next = None

    def close(self) -> None:
        """No further request."""
        self._next = None
        self._is_over = True

    def rest(self) -> int:
        """How many would still have come, of a run with a number of requests; closes it."""
        is_counted = self._until_s == float("inf")
        left = (self._next is not None) + sum(1 for _ in self._numbers) if is_counted else 0
        self.close()
        return left

    def _made(self) -> Due | None:
        number = next(self._numbers, None)
        return None if number is None else Due(number=number)


class OpenSchedule(Schedule):
    """Requests at a rate, whether or not the server keeps up."""

    def __init__(
        self, numbers: Iterator[int], workload: Workload, *, begin_s: float, until_s: float
    ) -> None:
        super().__init__(numbers, until_s=until_s)
        self._rate_per_s = workload.rate_per_s or 1.0
        self._is_poisson = workload.arrival == "poisson"
        self._drawn = random.Random(f"{workload.seed}/arrival")  # noqa: S311 - no secret
        self._at_s = begin_s

    def _made(self) -> Due | None:
        number = next(self._numbers, None)
        if number is None:
            return None
        due = Due(number=number, at_s=self._at_s)
        # Gaps of a Poisson process are exponential.
        self._at_s += (
            self._drawn.expovariate(self._rate_per_s) if self._is_poisson else 1 / self._rate_per_s
        )
        return due


def of(workload: Workload, *, begin_s: float) -> Schedule:
    """The schedule of a measured run that begins then."""
    until_s = float("inf") if workload.duration_s is None else begin_s + workload.duration_s
    if workload.duration_s is None:
        numbers: Iterator[int] = iter(range(workload.n_requests))
    else:
        numbers = iter(range(10**9))
    if workload.rate_per_s is None:
        return Schedule(numbers, until_s=until_s)
    return OpenSchedule(numbers, workload, begin_s=begin_s, until_s=until_s)
