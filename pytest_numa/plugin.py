"""The pytest side: hooks and fixtures. They translate and call; every decision is made below.

Without a policy (--numa-node, --cpus) nothing is imported, registered or run beyond this file.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_numa import benchmark_entries, marks, options

if TYPE_CHECKING:
    from pytest_numa.active import ActivePlugin
    from pytest_numa.baseline import Baseline
    from pytest_numa.host import Topology
    from pytest_numa.launch import Service
    from pytest_numa.load.results import RunResult
    from pytest_numa.policy import Policy
    from pytest_numa.services.unit import Unit

ACTIVE = pytest.StashKey["ActivePlugin"]()
_IDLE = "no NUMA policy was asked for: run pytest with --numa-node N or --cpus LIST"


@pytest.hookimpl(trylast=True)
def pytest_addoption(parser: pytest.Parser) -> None:
    options.register(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, object, object]:
    result = yield
    # Only now: a conftest.py that has a --cpus of its own keeps it.
    options.register_short_name(parser)
    return result


def pytest_configure(config: pytest.Config) -> None:
    for line in marks.HELP:
        config.addinivalue_line("markers", line)
    if not options.is_active(config):
        config.pluginmanager.register(benchmark_entries.NoEntries(_IDLE), "numa-latencies")
        return
    # An idle plugin costs nothing.
    from pytest_numa import annotations, junit  # noqa: PLC0415
    from pytest_numa.active import ActivePlugin  # noqa: PLC0415

    plugin = ActivePlugin(config)
    config.stash[ACTIVE] = plugin
    config.pluginmanager.register(plugin, "numa-active")
    config.pluginmanager.register(plugin.entries(), "numa-latencies")
    config.pluginmanager.register(junit, "numa-junit")
    config.pluginmanager.register(junit.Properties(plugin), "numa-properties")
    if annotations.are_wanted():
        config.pluginmanager.register(annotations.Annotations(config, plugin), "numa-annotations")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if ACTIVE in config.stash:
        return
    for item in items:
        # Empty bodies would pass, and nothing would have been measured.
        if any(marks.is_ours(mark) for mark in item.iter_markers()):
            item.add_marker(pytest.mark.skip(reason=_IDLE))


def _active(request: pytest.FixtureRequest) -> "ActivePlugin":
    if ACTIVE not in request.config.stash:
        pytest.skip(_IDLE)
    return request.config.stash[ACTIVE]


@pytest.fixture(scope="session")
def numa_topology() -> "Topology":
    """The host's nodes, CPUs, memory, distances and PCI devices."""
    from pytest_numa import host  # noqa: PLC0415 - an idle plugin costs nothing

    return host.read_topology(Path("/"))


@pytest.fixture(scope="session")
def numa_policy(request: pytest.FixtureRequest) -> "Policy":
    """The placement that is wanted: ``cpus`` and ``memory_nodes``."""
    return _active(request).settings.policy


@pytest.fixture(scope="session")
def numa_unit(request: pytest.FixtureRequest) -> "Unit":
    """The rendered unit, installed while the tests run: ``name`` and ``text``."""
    return _active(request).installed_unit()


@pytest.fixture(scope="session")
def numa_service(request: pytest.FixtureRequest) -> "Service":
    """The unit, started and answering: ``pid``, ``pids``, ``url`` and ``log_tail()``."""
    return _active(request).service()


@pytest.fixture
def numa_pid(numa_service: "Service") -> int:
    """The main process id of the running service, now."""
    return numa_service.pid


@pytest.fixture(scope="session")
def numa_load(request: pytest.FixtureRequest) -> "Callable[..., RunResult]":
    """Load the running service: ``numa_load(n_requests=8, concurrency=2)`` returns the figures.

    The names are those of the workload options; what is left out is as on the command line.
    """
    return _active(request).load


@pytest.fixture(scope="session")
def numa_baseline(request: pytest.FixtureRequest) -> "Baseline | None":
    """The recorded pinned baseline of this class of host, or None."""
    return _active(request).settings.baseline


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Say in pytest-benchmark's files which policy held while they were written."""
    if ACTIVE in config.stash:
        machine_info["numa"] = config.stash[ACTIVE].machine_info()
