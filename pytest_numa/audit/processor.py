"""CPUs: which there are, how they are named, how fast they run and how deep they sleep."""

import errno

from pytest_numa.audit.check import Fix, Outcome, failed, passed, skipped, unknown, write
from pytest_numa.audit.machine import Machine, UnreadableError
from pytest_numa.kernel import cpulist

_CPUS = "sys/devices/system/cpu"
# Of tuned's profiles for latency none lets a CPU sleep so deep that waking takes longer.
_MOST_WAKE_US = 30
_NO_POLICY = "what a service is to have was not said: --numa-node, --cpus"


def online(machine: Machine) -> Outcome:
    """N2: proc and sysfs may list CPUs that cannot run anything."""
    offline = machine.topology.cpus_offline
    machine.require([_CPUS], any_of=["online"])
    if machine.policy is None:
        if offline:
            return unknown(f"CPU {cpulist.format(offline)} offline; {_NO_POLICY}")
        return passed(f"all {len(machine.topology.cpus_online)} CPUs online")
    lacking = machine.policy.cpus - machine.topology.cpus_online
    if not lacking:
        return passed(f"CPUs {machine.policy.cpu_list} online")
    present = sorted(lacking & offline)
    files = [f"{_CPUS}/cpu{number}/online" for number in present]
    return failed(
        f"CPU {cpulist.format(lacking)} cannot run anything",
        Fix(
            text="switch them on, and restart the service: it has lost them for good",
            commands=tuple(write(file, "1") for file in files),
            undo=tuple(write(file, "0") for file in files),
        ),
    )


def siblings(machine: Machine) -> Outcome:
    """N3: whole cores, or one CPU of each; sibling numbers need not be next to each other."""
    asked = machine.topology.cpus_online
    if machine.policy is not None:
        asked &= machine.policy.cpus
    folders = [f"{_CPUS}/cpu{number}/topology" for number in sorted(asked)]
    machine.require(folders, any_of=["thread_siblings_list", "thread_siblings"])
    if not machine.topology.is_smt:
        return passed("each core runs one CPU")
    if machine.policy is None:
        return skipped(_NO_POLICY)
    cores = {cpu.siblings for cpu in machine.topology.cpus if cpu.id in machine.policy.cpus}
    taken = {core: len(core & machine.policy.cpus) for core in cores}
    whole = [core for core, count in taken.items() if count == len(core)]
    single = [core for core, count in taken.items() if count == 1 and len(core) > 1]
    if len(whole) == len(cores):
        return passed(f"{len(whole)} whole cores")
    if len(single) == len(cores):
        rest = frozenset().union(*single) - machine.policy.cpus
        return passed(f"one CPU of each core; nothing else should run on {cpulist.format(rest)}")
    split = min((core for core in cores if core not in whole), key=min)
    return failed(
        f"{len(whole)} cores whole and {len(cores) - len(whole)} in part, such as "
        f"{cpulist.format(split & machine.policy.cpus)} of {cpulist.format(split)}",
        Fix(text="take both siblings of each core into --cpus, or one of each"),
    )


def governor(machine: Machine) -> Outcome:
    """N4: whether the clock waits for load before it rises."""
    folders = machine.names(f"{_CPUS}/cpufreq/policy[0-9]*")
    folders = folders or machine.names(f"{_CPUS}/cpu[0-9]*/cpufreq")
    if not folders:
        # A virtual machine has the folder, and nothing in it.
        if not machine.exists(f"{_CPUS}/cpufreq"):
            return unknown(f"there is no /{_CPUS}/cpufreq/policy*/scaling_governor")
        return skipped("no clock to be set: a virtual machine, or firmware that sets it itself")
    found = _governors(machine, folders)
    slow = {name: value for name, value in found.items() if not _is_fast(machine, name, value)}
    if not slow:
        return passed(f"performance, {len(found)} clock domains")
    return failed(
        f"{', '.join(sorted(set(slow.values())))} in {len(slow)} of {len(found)} clock domains",
        Fix(
            text="cpupower frequency-set -g performance, or a tuned profile, to last",
            commands=tuple(write(name, "performance") for name in slow),
            undo=tuple(write(name, value) for name, value in slow.items()),
        ),
    )


def _governors(machine: Machine, folders: list[str]) -> dict[str, str]:
    """The governor of each clock domain by its file, of those with a CPU online."""
    found: dict[str, str] = {}
    for name in (f"{folder}/scaling_governor" for folder in folders):
        try:
            found[name] = machine.read(name)
        except UnreadableError as error:
            # cpufreq.c, show(): all CPUs of the domain are offline.
            if error.number != errno.EBUSY:
                raise
    if not found:
        raise UnreadableError("no clock domain has a CPU online")
    return found


def _is_fast(machine: Machine, name: str, governor: str) -> bool:
    if governor == "performance":
        return True
    # intel_pstate and amd-pstate in active mode: the preference says what the governor does not.
    preference = name.replace("scaling_governor", "energy_performance_preference")
    return machine.read_if_any(preference) == "performance"


def idle(machine: Machine) -> Outcome:
    """N5: how long a CPU takes to wake from the deepest sleep that it may fall into."""
    driver = machine.read(f"{_CPUS}/cpuidle/current_driver")
    if driver in ("none", "(null)"):
        return skipped("no idle driver: the hypervisor puts CPUs to sleep, or nobody does")
    states = machine.names(f"{_CPUS}/cpu[0-9]*/cpuidle/state[0-9]*")
    if not states:
        return unknown(f"the idle driver {driver} tells of no states")
    deep = [
        name
        for name in states
        if machine.number(f"{name}/latency") > _MOST_WAKE_US
        and machine.number(f"{name}/disable") == 0
    ]
    if not deep:
        return passed(f"no state that takes more than {_MOST_WAKE_US} us to wake from")
    worst = max(deep, key=lambda name: machine.number(f"{name}/latency"))
    return failed(
        f"{machine.read_if_any(f'{worst}/name') or 'a state'} takes "
        f"{machine.number(f'{worst}/latency')} us to wake from, unless something holds "
        "/dev/cpu_dma_latency open",
        Fix(
            text="tuned-adm profile latency-performance, to last",
            commands=tuple(write(f"{name}/disable", "1") for name in deep),
            undo=tuple(write(f"{name}/disable", "0") for name in deep),
        ),
    )


def isolation(machine: Machine) -> Outcome:
    """N11: isolated CPUs are not balanced: all threads of a service pile up on the first."""
    isolated = _list(machine, f"{_CPUS}/isolated")
    if not isolated:
        return passed("no CPU is isolated")
    shown = cpulist.format(isolated)
    if machine.policy is None:
        return skipped(f"CPU {shown} isolated; {_NO_POLICY}")
    inside = isolated & machine.policy.cpus
    if not inside:
        return passed(f"CPU {shown} isolated, none of them the service's")
    if len(machine.policy.cpus) == 1:
        return passed(f"CPU {shown} isolated; the service has one CPU alone")
    return failed(
        f"CPU {cpulist.format(inside)} of the service isolated",
        Fix(text="take them off isolcpus= of the kernel's command line, or pin each thread"),
    )


def _list(machine: Machine, name: str) -> frozenset[int]:
    text = machine.read(name)
    return frozenset() if text in ("", "(null)") else machine.parse(name, cpulist.parse)
