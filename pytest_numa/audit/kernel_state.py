"""What the kernel and its daemons are up to: errors, noise, limits, cgroups."""

import errno
import re
from collections.abc import Mapping

from pytest_numa.audit.check import Fix, Outcome, failed, passed, skipped, unknown
from pytest_numa.audit.machine import Machine, UnreadableError
from pytest_numa.kernel import cpu_times, cpulist

_CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
# Read without a system call.
_FAST_CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")
_COUNTS = (
    ("uncorrected memory errors", "sys/devices/system/edac/mc/mc[0-9]*", "ue_count"),
    (
        "times slowed down by heat",
        "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle",
        "package_throttle_count",
    ),
)
_MOST_STEAL = 0.001
_MOST_PRESSURE = 1.0
_RESOURCES = ("cpu", "memory", "io")
_LEAST_MAPS = 65530
_LEAST_PIDS = 32768
_NEVER_OVERCOMMIT = 2
_KSM = "sys/kernel/mm/ksm"
_MOVERS = {
    "numad": "it moves processes and pages to where it likes",
    "earlyoom": "it kills the largest process when memory is short",
    "systemd-oomd": "it kills cgroups under memory pressure",
}
_CGROUPS = "sys/fs/cgroup"
_SLICES = ("system.slice", "user.slice", "init.scope")
_NO_POLICY = "what a service is to have was not said: --numa-node, --cpus"


def housekeeping(machine: Machine) -> Outcome:
    """N12: whether all else on the host is kept off the service's CPUs."""
    if machine.policy is None:
        return skipped(_NO_POLICY)
    lacking = [name for name in _SLICES if not machine.exists(f"{_CGROUPS}/{name}")]
    # A user's slice is there while a user is.
    if set(lacking) - {"user.slice"}:
        return unknown(f"there is no {', '.join(lacking)} below /{_CGROUPS}")
    present = {name: _cpus(machine, name) for name in _SLICES if name not in lacking}
    shared = [name for name, cpus in present.items() if cpus is None or cpus & machine.policy.cpus]
    if not shared:
        return passed(f"{', '.join(present)} are off CPUs {machine.policy.cpu_list}")
    rest = machine.topology.cpus_online - machine.policy.cpus
    return failed(
        f"{', '.join(shared)} may run on CPUs {machine.policy.cpu_list}",
        Fix(
            text=f"AllowedCPUs={cpulist.format(rest) or 'OTHERS'} for these slices, the service in "
            "a slice of its own"
        ),
    )


def _cpus(machine: Machine, name: str) -> frozenset[int] | None:
    """The CPUs of a cgroup; None where no cpuset holds it."""
    try:
        return machine.parse(f"{_CGROUPS}/{name}/cpuset.cpus.effective", cpulist.parse)
    except UnreadableError as error:
        if error.number == errno.ENOENT:
            return None
        raise


def health(machine: Machine) -> Outcome:
    """N21: errors of memory, processes killed, heat; since boot."""
    found: dict[str, int] = {}
    kills = re.search(r"^oom_kill (\d+)$", machine.read("proc/vmstat"), re.MULTILINE)
    if kills:
        found["processes killed for want of memory"] = int(kills[1])
    for what, pattern, file in _COUNTS:
        if folders := machine.names(pattern):
            found[what] = max(machine.number(f"{folder}/{file}") for folder in folders)
    if not found:
        return unknown("neither kills, memory errors nor heat are counted here")
    bad = [f"{what}: {count}" for what, count in found.items() if count]
    if bad:
        return failed(
            f"since boot, {', '.join(bad)}",
            Fix(text="journalctl -k tells when; mend the cause before anything is measured"),
        )
    return passed(f"since boot no {', no '.join(found)}; the kernel's log was not read")


def noise(machine: Machine) -> Outcome:
    """N22: whether time can be had cheaply, and whether others take it."""
    clock = machine.read(_CLOCK)
    if clock not in _FAST_CLOCKS:
        return failed(
            f"clock source {clock}: each look at the time is a system call",
            Fix(text="tsc, where the kernel holds it for stable (journalctl -k, 'clocksource')"),
        )
    times = machine.parse("proc/stat", cpu_times.parse).values()
    busy, stolen = (sum(one.busy_ticks for one in times), sum(one.steal_ticks for one in times))
    share = stolen / max(1, busy + stolen)
    if share > _MOST_STEAL:
        return failed(
            f"the hypervisor has taken {share:.1%} of the time that CPUs had work",
            Fix(text="CPUs of its own for this virtual machine, or a host of its own"),
        )
    waiting = {name: _pressure(machine, name) for name in _RESOURCES}
    high = {name: value for name, value in waiting.items() if value >= _MOST_PRESSURE}
    if high:
        shown = ", ".join(f"{name} {value:g} %" for name, value in high.items())
        return failed(
            f"work has waited in the last 10 s: {shown}",
            Fix(text="let what else runs here end before anything is measured"),
        )
    return passed(f"clock source {clock}, {share:.2%} stolen, no pressure")


def _pressure(machine: Machine, name: str) -> float:
    text = machine.read(f"proc/pressure/{name}")
    found = re.search(r"^some avg10=(\d+\.\d+)", text, re.MULTILINE)
    if found is None:
        raise UnreadableError(f"/proc/pressure/{name}: expected some avg10=N, found {text[:40]!r}")
    return float(found[1])


def limits(machine: Machine) -> Outcome:
    """N23: limits of the kernel that engines run into."""
    found = {
        "vm.max_map_count": machine.number("proc/sys/vm/max_map_count"),
        "kernel.pid_max": machine.number("proc/sys/kernel/pid_max"),
        "vm.overcommit_memory": machine.number("proc/sys/vm/overcommit_memory"),
    }
    least = {"vm.max_map_count": _LEAST_MAPS, "kernel.pid_max": _LEAST_PIDS}
    wrong = {key: least[key] for key in least if found[key] < least[key]}
    if found["vm.overcommit_memory"] == _NEVER_OVERCOMMIT:
        wrong["vm.overcommit_memory"] = 0
    if not wrong:
        return passed(", ".join(f"{key} = {value}" for key, value in found.items()))
    return failed(
        ", ".join(f"{key} = {found[key]}" for key in wrong),
        Fix(
            text="to last: the same in /etc/sysctl.d/",
            commands=tuple(f"sysctl -w {key}={value}" for key, value in wrong.items()),
            undo=tuple(f"sysctl -w {key}={found[key]}" for key in wrong),
        ),
    )


def daemons(machine: Machine) -> Outcome:
    """N24: programs that move, merge or kill what others run."""
    folders = machine.names("proc/[0-9]*")
    running = {folder: machine.read_if_any(f"{folder}/comm") for folder in folders}
    found = [f"{name} runs: {why}" for name, why in _MOVERS.items() if name in running.values()]
    if machine.exists(_KSM) and machine.number(f"{_KSM}/run") == 1:
        found.append("ksm merges pages that are alike, across nodes unless told otherwise")
    if not found and (why_not := _unseen(machine, running)):
        return unknown(f"not all is known: {why_not}")
    if found:
        return failed(
            "; ".join(found),
            Fix(text="stop it, or exempt the service, and say so in what you declare of the host"),
        )
    others = sorted({"irqbalance", "tuned"} & {name for name in running.values() if name})
    return passed(f"none that moves processes; {', '.join(others) or 'no irqbalance, no tuned'}")


def _unseen(machine: Machine, running: Mapping[str, str | None]) -> str | None:
    """Why the list of processes is not the whole, or None."""
    # A capture has the processes of a service, and no others.
    for one in ("proc/1", "sys/kernel/mm"):
        if not machine.exists(one):
            return f"there is no /{one}"
    if "kthreadd" not in running.values():
        return "this is a container, which does not see the host's"
    # One that has ended meanwhile has left no folder.
    hidden = [one for one, name in running.items() if name is None and machine.exists(one)]
    return f"/{hidden[0]}/comm cannot be read" if hidden else None


def cgroups(machine: Machine) -> Outcome:
    """N26: without cgroup version 2 systemd ignores AllowedCPUs= and AllowedMemoryNodes=."""
    fix = Fix(text="boot with systemd.unified_cgroup_hierarchy=1")
    controllers = machine.read_if_any("sys/fs/cgroup/cgroup.controllers")
    if controllers is None:
        mounts = [line.split() for line in machine.read("proc/mounts").splitlines()]
        kinds = {fields[2] for fields in mounts if len(fields) > 2}  # noqa: PLR2004 - proc_mounts(5)
        if "cgroup" in kinds:
            return failed("version 1, or both versions", fix)
        return unknown(
            "version 2, but there is no /sys/fs/cgroup/cgroup.controllers"
            if "cgroup2" in kinds
            else "no cgroup file system is mounted"
        )
    lacking = {"cpuset", "memory"} - set(controllers.split())
    if lacking:
        return failed(
            f"version 2 without the controllers {', '.join(sorted(lacking))}",
            Fix(text="in a container: run on the host; else a kernel with CONFIG_CPUSETS, MEMCG"),
        )
    return passed("version 2 with cpuset and memory")
