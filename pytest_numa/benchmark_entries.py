"""The request latencies of the runs as entries of pytest-benchmark: its table, files, comparison.

pytest-benchmark has no interface for samples that were measured elsewhere. What it does have is a
timer of the user's choice and a set-up before each round: a clock that is set to zero before a
round, and to the sample inside it, makes each round exactly as long as the sample.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_numa.measurement import Run

FIXTURE = "numa_latencies"
_GROUP = "numa: request latency"


class Clock:
    """A clock that shows what it was last set to, in seconds."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def replayed(self) -> float:
        """The time; its name is what pytest-benchmark shows as the timer."""
        return self._now_s

    def set(self, now_s: float) -> None:
        self._now_s = now_s


_CLOCK = pytest.StashKey[Clock]()
_RUNS = pytest.StashKey["Sequence[Run]"]()


def is_wanted(item: pytest.Item) -> bool:
    """Whether the test has an entry."""
    return FIXTURE in getattr(item, "fixturenames", ())


def is_measured(item: pytest.Item) -> bool:
    """Whether the test has an entry, and pytest-benchmark is not told to skip it."""
    return is_wanted(item) and getattr(item.config.option, "benchmark_skip", None) is False


def has_pytest_benchmark(config: pytest.Config) -> bool:
    """Whether pytest-benchmark takes part in this session, however it was loaded."""
    return hasattr(config.option, "benchmark_skip")


class Entries:
    """Registered while a policy is asked for and pytest-benchmark is there.

    ``runs`` measures when it is first asked, and gives the runs of a mode.
    """

    def __init__(
        self,
        *,
        modes: Sequence[str],
        policy: Mapping[str, str],
        runs: "Callable[[str], Sequence[Run]]",
    ) -> None:
        self._modes = modes
        self._policy = policy
        self._runs = runs

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if FIXTURE in metafunc.fixturenames:
            metafunc.parametrize(FIXTURE, self._modes, indirect=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in filter(is_wanted, items):
            clock = item.stash[_CLOCK] = Clock()
            given = item.get_closest_marker("benchmark")
            asked: dict[str, Any] = {"group": _GROUP, **(given.kwargs if given else {})}
            mark = pytest.mark.benchmark(**{**asked, "timer": clock.replayed})
            item.add_marker(mark, append=False)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # Before the fixtures: pytest-benchmark warns of a `benchmark` that was set up and not used.
        if is_wanted(item):
            item.stash[_RUNS] = self._runs(_mode(item))
            if not any(run.latencies_s for run in item.stash[_RUNS]):
                pytest.skip(f"no request was answered in mode {_mode(item)}")

    @pytest.fixture
    def numa_latencies(self, request: pytest.FixtureRequest, benchmark: Any) -> tuple[float, ...]:  # noqa: ANN401 - pytest-benchmark has no types
        """Seconds of each request of a mode's runs, which become an entry of pytest-benchmark.

        A test that asks for it runs once for each measured mode.
        """
        runs, clock = request.node.stash[_RUNS], request.node.stash[_CLOCK]
        found = tuple(latency_s for run in runs for latency_s in run.latencies_s)
        benchmark.extra_info.update(_extra_info(runs, self._policy))
        samples = iter(found)
        benchmark.pedantic(
            lambda: clock.set(next(samples)), setup=lambda: clock.set(0.0), rounds=len(found)
        )
        return found


class NoEntries:
    """Registered where there is nothing to measure, or no pytest-benchmark to tell it."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    @pytest.fixture
    def numa_latencies(self) -> tuple[float, ...]:
        """Seconds of each request of a mode's runs, which become an entry of pytest-benchmark."""
        pytest.skip(self._reason)


def _mode(item: pytest.Item) -> str:
    return str(item.callspec.params[FIXTURE])  # type: ignore[attr-defined] # of a Function


def _extra_info(runs: "Sequence[Run]", policy: Mapping[str, str]) -> dict[str, Any]:
    first = runs[0]
    return {
        "mode": first.mode,
        "policy": dict(policy),
        "workload": dict(first.result.workload),
        # The samples are those of the runs, one after the other.
        "requests_of_runs": [len(run.latencies_s) for run in runs],
        "failed_requests": sum(run.result.failed for run in runs),
    }
