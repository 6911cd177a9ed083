"""The acceptance of an inference service on a NUMA host.

This is what runs with --numa-node or --cpus when no test is named. A mark alone is a whole test;
copy this file into your own tests to change what is accepted.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_numa.launch import Service


def test_the_service_runs_as_the_unit_says(numa_service: "Service", numa_pid: int) -> None:
    """The unit is installed, started and answering, and its main process is there."""
    assert numa_pid in numa_service.pids


@pytest.mark.numa_placement
def test_every_thread_and_page_is_where_the_policy_says() -> None:
    """After each load: allowed CPUs of every thread, and the node of every page."""


@pytest.mark.numa_throughput
def test_the_unit_gives_the_throughput_of_pinning_by_hand() -> None:
    """Output tokens per second, against the same command under numactl and taskset."""


@pytest.mark.numa_latency("mean")
def test_the_unit_gives_the_mean_latency_of_pinning_by_hand() -> None:
    """From sending a request to the end of its answer."""


@pytest.mark.numa_latency("ttft_p50")
def test_the_unit_gives_the_time_to_first_token_of_pinning_by_hand() -> None:
    """The median over the requests of a run."""
