"""numastat of a node, and vmstat: lines of a name and a count."""

from pathlib import Path

import pytest

from pytest_numa.errors import ParseError
from pytest_numa.kernel import numastat, vmstat
from pytest_numa.kernel.numastat import Numastat
from pytest_numa.kernel.vmstat import Vmstat

# Linux 6.18.
NODE = """\
numa_hit 135066745
numa_miss 21
numa_foreign 3
interleave_hit 1146
local_node 135066745
other_node 22
"""
# Linux 6.18, shortened; older kernels have fewer paths of demotion, or none.
HOST = """\
nr_free_pages 241213
numa_hint_faults 70
numa_pages_migrated 7
pgmigrate_success 9
pgdemote_kswapd 1
pgdemote_direct 2
pgdemote_khugepaged 0
"""


def test_the_counters_of_a_node_are_read() -> None:
    found = numastat.parse(NODE, source="numastat")

    assert found == Numastat(numa_hit=135066745, numa_miss=21, numa_foreign=3, other_node=22)


def test_a_node_without_a_counter_is_refused() -> None:
    with pytest.raises(ParseError) as caught:
        numastat.parse(NODE.replace("numa_miss", "numa_mist"), source="n")

    assert str(caught.value).startswith("n: expected a line 'numa_miss', found 'numa_hit 1350")


def test_migrations_are_read_and_demotions_added_up() -> None:
    found = vmstat.parse(HOST, source="vmstat")

    assert found == Vmstat(
        numa_hint_faults=70, numa_pages_migrated=7, pgmigrate_success=9, pgdemote=3
    )


def test_what_a_kernel_without_balancing_lacks_is_unknown() -> None:
    found = vmstat.parse("nr_free_pages 1\n", source="vmstat")

    assert found == Vmstat(
        numa_hint_faults=None, numa_pages_migrated=None, pgmigrate_success=None, pgdemote=None
    )


def test_the_running_kernel_is_understood() -> None:
    path = Path("/proc/vmstat")

    found = vmstat.parse(path.read_text(), source=str(path))

    assert found.pgmigrate_success is None or found.pgmigrate_success >= 0
