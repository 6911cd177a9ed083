"""From two readings to what changed between them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pytest_numa.errors import HostError, ParseError
from pytest_numa.evidence import host_wide, tasks
from pytest_numa.evidence.snapshot import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was counted between two readings; None for what is not known, ``unknown`` says why.

    Of a thread that ended meanwhile only what it did before the first reading is known: its
    switches, migrations, waiting and CPU time are missing here. Its page faults are not.
    """

    elapsed_s: float
    threads: int
    """At the end."""
    threads_born: int
    threads_ended: int
    voluntary_switches: int | None
    involuntary_switches: int | None
    migrations: int | None
    run_queue_delay_s: float | None
    """Of all threads together: ready to run, but on no CPU."""
    cpu_time_by_node_s: Mapping[int, float] | None
    """A thread's time counts for the node where it ran last; exact where none can change node."""
    minor_faults: int | None
    major_faults: int | None
    numa_miss_by_node: Mapping[int, int] | None
    """Pages, of the whole host."""
    other_node_by_node: Mapping[int, int] | None
    """Pages, of the whole host."""
    numa_pages_migrated: int | None
    """By automatic NUMA balancing, of the whole host."""
    numa_hint_faults: int | None
    host_pressure_s: Mapping[str, float] | None
    """Time in which work waited on the host, by ``cpu some``, ``memory full`` and so on."""
    cgroup_pressure_s: Mapping[str, float] | None
    """The same of the service's own cgroup."""
    frequency_mhz: float | None
    """Mean of some of the policy's CPUs at the last reading, when the run had just ended."""
    core_throttles: int | None
    """Of the policy's CPUs, for heat."""
    package_throttles: int | None
    """The most of any package."""
    steal_s: float | None
    """Of the policy's CPUs together."""
    quota_throttled_periods: int | None
    quota_throttled_s: float | None
    memory_events: Mapping[str, int] | None
    """Of the cgroup: ``high``, ``max``, ``oom`` and ``oom_kill``."""
    hardware: Mapping[str, float] | None
    """Counters of perf over the run and the readings, by event: ``cycles``, ``instructions``."""
    unknown: Mapping[str, str]

    def as_document(self) -> dict[str, Any]:
        """For JSON: what is known, and why the rest is not."""
        return {
            name: {str(key): one for key, one in value.items()}
            if isinstance(value, Mapping)
            else value
            for name, value in asdict(self).items()
            if value is not None
        }


def between(
    before: Evidence,
    after: Evidence,
    hardware: Mapping[str, float] | str = "perf was not asked",
) -> Change:
    """What changed; ``hardware`` has perf's counters, or says why there are none."""
    unknown = {"hardware": hardware} if isinstance(hardware, str) else {}
    try:
        threads = tasks.growth(before, after)
    except ParseError as error:
        unknown["threads"] = str(error)
        threads = tasks.Growth(pairs=(), ended=0)
    found: dict[str, Any] = {}
    for name, read in {**_COUNTERS, **_of_threads(threads)}.items():
        try:
            found[name] = read(before, after)
        except (HostError, ParseError) as error:
            found[name] = None
            unknown[name] = str(error)
    return Change(
        elapsed_s=after.at_s - before.at_s,
        threads=len(after.threads),
        threads_born=threads.born,
        threads_ended=threads.ended,
        hardware=None if isinstance(hardware, str) else hardware,
        unknown=unknown,
        **found,
    )


_Reader = Callable[[Evidence, Evidence], object]
_COUNTERS: Mapping[str, _Reader] = {
    "minor_faults": tasks.minor_faults,
    "major_faults": tasks.major_faults,
    "numa_miss_by_node": host_wide.numa_miss,
    "other_node_by_node": host_wide.other_node,
    "numa_pages_migrated": host_wide.pages_migrated,
    "numa_hint_faults": host_wide.hint_faults,
    "host_pressure_s": host_wide.pressure_s,
    "cgroup_pressure_s": host_wide.cgroup_pressure_s,
    "frequency_mhz": host_wide.frequency_mhz,
    "core_throttles": host_wide.core_throttles,
    "package_throttles": host_wide.package_throttles,
    "steal_s": host_wide.steal_s,
    "quota_throttled_periods": host_wide.quota_periods,
    "quota_throttled_s": host_wide.quota_s,
    "memory_events": host_wide.limits_hit,
}


def _of_threads(threads: tasks.Growth) -> Mapping[str, _Reader]:
    return {
        "voluntary_switches": lambda *_: threads.of(
            lambda one: one.switches.voluntary_switches, what="switches"
        ),
        "involuntary_switches": lambda *_: threads.of(
            lambda one: one.switches.involuntary_switches, what="switches"
        ),
        "migrations": lambda *_: threads.of(lambda one: one.switches.migrations, what="migrations"),
        "run_queue_delay_s": lambda *_: (
            threads.of(lambda one: one.wait_ns, what="run-queue delay") / 1e9
        ),
        "cpu_time_by_node_s": lambda _, after: threads.run_s_by_node(host_wide.node_of_cpu(after)),
    }
