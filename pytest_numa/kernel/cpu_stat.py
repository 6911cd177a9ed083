"""How a cgroup was held back by its CPU quota: cpu.stat.

Format: version 2 in the kernel's Documentation/admin-guide/cgroup-v2.rst, version 1 in its
Documentation/scheduler/sched-bwc.rst, which has the time in ns under another name.
"""

from dataclasses import dataclass

from pytest_numa.kernel import named_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuStat:
    """Since the cgroup was made; None where the controller is not enabled for it."""

    nr_throttled: int | None
    """Periods in which the quota was used up."""
    throttled_us: int | None
    """Time for which its tasks were kept from running, of each CPU."""


def parse(text: str, *, source: str) -> CpuStat:
    """Read either version."""
    counts = named_counts.parse(text, source=source)
    throttled_us = counts.get("throttled_usec")
    if throttled_us is None and "throttled_time" in counts:
        throttled_us = counts["throttled_time"] // 1000
    return CpuStat(nr_throttled=counts.get("nr_throttled"), throttled_us=throttled_us)
