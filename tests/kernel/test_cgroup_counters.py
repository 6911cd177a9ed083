"""cpu.stat and memory.events: how a cgroup was held back."""

import pytest

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpu_stat, memory_events
from pytest_numa.kernel.cpu_stat import CpuStat
from pytest_numa.kernel.memory_events import MemoryEvents

# The lines of version 2, in the order of Linux 6.x; the figures are made up.
QUOTA = """\
usage_usec 5003541
user_usec 4999318
system_usec 4222
nr_periods 101
nr_throttled 100
throttled_usec 4992810
nr_bursts 0
burst_usec 0
"""
# Linux 6.18, one busy loop for a second with half a CPU.
QUOTA_1 = "nr_periods 11\nnr_throttled 10\nthrottled_time 493401279\nnr_bursts 0\nburst_time 0\n"
EVENTS = "low 0\nhigh 14\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"


def test_throttling_by_a_quota_is_read() -> None:
    assert cpu_stat.parse(QUOTA, source="cpu.stat") == CpuStat(
        nr_throttled=100, throttled_us=4992810
    )


def test_version_1_counts_in_nanoseconds() -> None:
    assert cpu_stat.parse(QUOTA_1, source="cpu.stat") == CpuStat(
        nr_throttled=10, throttled_us=493401
    )


def test_without_the_controller_nothing_is_known_of_throttling() -> None:
    text = "usage_usec 5003541\nuser_usec 4999318\nsystem_usec 4222\n"

    assert cpu_stat.parse(text, source="cpu.stat") == CpuStat(nr_throttled=None, throttled_us=None)


def test_the_limits_that_were_hit_are_read() -> None:
    assert memory_events.parse(EVENTS, source="memory.events") == MemoryEvents(
        high=14, max=3, oom=2, oom_kill=1
    )


def test_old_kernels_do_not_count_the_killed() -> None:
    text = "low 0\nhigh 0\nmax 0\noom 0\n"

    assert memory_events.parse(text, source="memory.events").oom_kill is None


def test_events_without_a_counter_are_refused() -> None:
    with pytest.raises(ParseError) as caught:
        memory_events.parse("low 0\nhigh 0\noom 0\n", source="m")

    assert str(caught.value).startswith("m: expected a line 'max'")
