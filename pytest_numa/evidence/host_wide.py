"""What the host and the service's cgroup counted between two readings.

Every function raises HostError where the host does not tell, and ParseError where it tells
something else.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from pytest_numa.errors import HostError
from pytest_numa.evidence import snapshot
from pytest_numa.evidence.snapshot import Evidence
from pytest_numa.kernel import (
    count,
    cpu_stat,
    cpu_times,
    cpulist,
    memory_events,
    numastat,
    pressure,
    vmstat,
)
from pytest_numa.kernel.pressure import Pressure
from pytest_numa.kernel.vmstat import Vmstat

Parsed_co = TypeVar("Parsed_co", covariant=True)
_EVENTS = ("high", "max", "oom", "oom_kill")
_NUMASTAT = re.compile(r"sys/devices/system/node/node([0-9]+)/numastat")


class _Parse(Protocol[Parsed_co]):
    def __call__(self, text: str, *, source: str) -> Parsed_co: ...


def node_of_cpu(evidence: Evidence) -> dict[int, int]:
    """The node of each CPU; none where the kernel knows of no NUMA, and all is node 0."""
    lists = {
        node: evidence.files.get(snapshot.node_file(node, "cpulist"), "")
        for node in _nodes(evidence)
    }
    return {
        cpu: node
        for node, text in lists.items()
        for cpu in cpulist.parse(text.strip(), source=f"node{node}/cpulist")
    }


def numa_miss(before: Evidence, after: Evidence) -> dict[int, int]:
    """Pages allocated on a node although another one was preferred, by node."""
    pairs = _numastats(before, after)
    return {node: now.numa_miss - then.numa_miss for node, (then, now) in pairs.items()}


def other_node(before: Evidence, after: Evidence) -> dict[int, int]:
    """Pages allocated on a node by a process that ran on another one, by node."""
    pairs = _numastats(before, after)
    return {node: now.other_node - then.other_node for node, (then, now) in pairs.items()}


def pages_migrated(before: Evidence, after: Evidence) -> int:
    """Pages that automatic NUMA balancing moved to another node."""
    return _balanced(before, after, lambda one: one.numa_pages_migrated)


def hint_faults(before: Evidence, after: Evidence) -> int:
    """Faults that automatic NUMA balancing made to see who uses a page."""
    return _balanced(before, after, lambda one: one.numa_hint_faults)


def pressure_s(before: Evidence, after: Evidence) -> dict[str, float]:
    """Time in which work waited on the host, by resource and ``some`` or ``full``."""
    pairs = {
        name: _pair(before, after, f"proc/pressure/{name}", pressure.parse)
        for name in snapshot.RESOURCES
    }
    return _stalled_s(pairs)


def cgroup_pressure_s(before: Evidence, after: Evidence) -> dict[str, float]:
    """The same of the cgroup."""
    pairs = {
        name: _cgroup_pair(before, after, f"{name}.pressure", pressure.parse)
        for name in snapshot.RESOURCES
    }
    return _stalled_s(pairs)


def quota_periods(before: Evidence, after: Evidence) -> int:
    """Periods in which the cgroup's CPU quota was used up."""
    then, now = _cgroup_pair(before, after, "cpu.stat", cpu_stat.parse)
    return _quota(now.nr_throttled, then.nr_throttled)


def quota_s(before: Evidence, after: Evidence) -> float:
    """How long the cgroup's tasks waited for the next period, each CPU's time added."""
    then, now = _cgroup_pair(before, after, "cpu.stat", cpu_stat.parse)
    return _quota(now.throttled_us, then.throttled_us) / 1e6


def limits_hit(before: Evidence, after: Evidence) -> dict[str, int]:
    """How often the cgroup hit its memory limits, by event."""
    then, now = _cgroup_pair(before, after, "memory.events", memory_events.parse)
    grown = {name: _less(getattr(now, name), getattr(then, name)) for name in _EVENTS}
    return {name: by for name, by in grown.items() if by is not None}


def frequency_mhz(_: Evidence, after: Evidence) -> float:
    """Mean of the CPUs that were looked at."""
    names = [snapshot.frequency_file(cpu) for cpu in sorted(after.cpus)]
    found = [count.parse(after.files[name], source=name) for name in names if name in after.files]
    if not found:
        reasons = [after.unreadable[name] for name in names if name in after.unreadable]
        raise HostError(next(iter(reasons), "no CPU of a policy was given"))
    return sum(found) / len(found) / 1000


def core_throttles(before: Evidence, after: Evidence) -> int:
    """Times that a core was slowed down for heat."""
    return sum(_throttles(before, after, "core_throttle_count"))


def package_throttles(before: Evidence, after: Evidence) -> int:
    """The most times that any package was slowed down for heat; its CPUs all have its count."""
    return max(_throttles(before, after, "package_throttle_count"))


def steal_s(before: Evidence, after: Evidence) -> float:
    """Time that the hypervisor took from the policy's CPUs, or from all without a policy."""
    then, now = _pair(before, after, "proc/stat", cpu_times.parse)
    chosen = after.cpus or now.keys()
    seen = [cpu for cpu in chosen if cpu in then and cpu in now]
    ticks = sum(now[cpu].steal_ticks - then[cpu].steal_ticks for cpu in seen)
    return ticks / os.sysconf("SC_CLK_TCK")


def _balanced(before: Evidence, after: Evidence, counter: Callable[[Vmstat], "int | None"]) -> int:
    then, now = _pair(before, after, "proc/vmstat", vmstat.parse)
    grown = _less(counter(now), counter(then))
    if grown is None:
        raise HostError("the kernel has no NUMA balancing (CONFIG_NUMA_BALANCING)")
    return grown


def _quota(now: int | None, then: int | None) -> int:
    grown = _less(now, then)
    if grown is None:
        raise HostError("the cpu controller is not enabled for the service's cgroup")
    return grown


def _nodes(evidence: Evidence) -> list[int]:
    return sorted(int(match[1]) for name in evidence.files if (match := _NUMASTAT.fullmatch(name)))


def _numastats(
    before: Evidence, after: Evidence
) -> dict[int, tuple[numastat.Numastat, numastat.Numastat]]:
    found = _nodes(after)
    if not found:
        raise HostError("the kernel has no counters of NUMA nodes (CONFIG_NUMA)")
    return {
        node: _pair(before, after, snapshot.node_file(node, "numastat"), numastat.parse)
        for node in found
    }


def _throttles(before: Evidence, after: Evidence, name: str) -> list[int]:
    if not after.cpus:
        raise HostError("no CPU of a policy was given")
    pairs = [
        _pair(before, after, snapshot.throttle_file(cpu, name), count.parse)
        for cpu in sorted(after.cpus)
    ]
    return [now - then for then, now in pairs]


def _stalled_s(pairs: Mapping[str, tuple[Pressure, Pressure]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (then, now) in pairs.items():
        found[f"{name} some"] = (now.some_us - then.some_us) / 1e6
        full_us = _less(now.full_us, then.full_us)
        if full_us is not None:
            found[f"{name} full"] = full_us / 1e6
    return found


def _less(now: int | None, then: int | None) -> int | None:
    return None if now is None or then is None else now - then


def _pair(
    before: Evidence, after: Evidence, name: str, parse: _Parse[Parsed_co]
) -> tuple[Parsed_co, Parsed_co]:
    return (
        _parsed(before.files, before.unreadable, name, parse),
        _parsed(after.files, after.unreadable, name, parse),
    )


def _cgroup_pair(
    before: Evidence, after: Evidence, name: str, parse: _Parse[Parsed_co]
) -> tuple[Parsed_co, Parsed_co]:
    if before.cgroup is None or after.cgroup is None:
        raise HostError("the service had no cgroup of its own in this mode")
    return (
        _parsed(before.cgroup, before.unreadable, name, parse),
        _parsed(after.cgroup, after.unreadable, name, parse),
    )


def _parsed(
    texts: Mapping[str, str], unreadable: Mapping[str, str], name: str, parse: _Parse[Parsed_co]
) -> Parsed_co:
    if name not in texts:
        raise HostError(unreadable.get(name, f"{name}: not read"))
    return parse(texts[name], source=name)
