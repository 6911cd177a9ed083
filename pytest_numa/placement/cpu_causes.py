"""Why threads may run off the policy's CPUs, and what mends it.

The cases were measured with systemd 252 on Linux 6.1: systemd.exec(5), systemd.resource-control(5).
"""

from typing import Literal

from pytest_numa.placement.clues import Clues, cpu_lines, remove_drop_in, shown
from pytest_numa.policy import Policy
from pytest_numa.services.unit_facts import UnitFacts

Extent = Literal["threads", "process", "service"]
"""Who strays: single threads of a process, all threads of one process, or of all processes."""

Explained = tuple[str, str]
"""A cause and a fix."""


def explain(extent: Extent, mask: frozenset[int], policy: Policy, clues: Clues) -> Explained:
    """Name the most probable cause that the clues support."""
    if extent == "threads":
        return (
            "these threads set their own mask (OpenMP, --cpu-mask, a library that pins itself)",
            f"AllowedCPUs={policy.cpu_list} in [Service], which no thread can leave; switch the "
            "program's own binding off (VLLM_CPU_OMP_THREADS_BIND=nobind, OMP_PROC_BIND=false)",
        )
    if extent == "process":
        return (
            "this process set its own mask, or was started with one (taskset, numactl), while "
            "others of the service kept theirs",
            f"{cpu_lines(policy)}; leave taskset and numactl out of what the service starts",
        )
    found = _of_the_unit(mask, policy, clues) or _of_the_host(mask, policy, clues)
    if found:
        return found
    if clues.unit is None:
        return (
            "the command was started without these CPUs, or has widened its own mask",
            f"start it with taskset --cpu-list {policy.cpu_list}, or from a unit with "
            f"AllowedCPUs={policy.cpu_list} and CPUAffinity={policy.cpu_list}",
        )
    return (
        "the unit's CPU lines did not take effect, or the program widened its own mask",
        cpu_lines(policy),
    )


def _of_the_unit(mask: frozenset[int], policy: Policy, clues: Clues) -> Explained | None:
    unit = clues.unit
    if unit is None:
        return None
    if binder := clues.binder():
        return (
            f"{binder} in ExecStart= sets another mask after systemd has set the unit's: "
            f"{unit.exec_start}",
            f"leave {binder} out of ExecStart= and write {cpu_lines(policy)}",
        )
    for path in clues.drop_ins("AllowedCPUs", "CPUAffinity"):
        if "system.control" in path or not mask <= policy.cpus:
            return (
                f"a drop-in overrides the unit, as a former systemctl set-property leaves it: "
                f"{path}",
                remove_drop_in(path, unit.name),
            )
    if clues.fell_open("AllowedCPUs", "EffectiveCPUs", "'cpuset.cpus'"):
        return (
            f"AllowedCPUs={unit.properties['AllowedCPUs']} could not be applied (cpuset.cpus), and "
            "systemd then starts the service on all CPUs: the setting fell open",
            f"name CPUs that exist and are online: {cpu_lines(policy)}",
        )
    return _of_its_lines(unit, mask, policy, clues)


def _of_its_lines(
    unit: UnitFacts, mask: frozenset[int], policy: Policy, clues: Clues
) -> Explained | None:
    affinity, allowed = unit.cpus("CPUAffinity"), unit.cpus("AllowedCPUs")
    if not affinity and not allowed:
        return (
            "the unit has neither AllowedCPUs= nor CPUAffinity=",
            cpu_lines(policy),
        )
    for name, cpus in (("AllowedCPUs", allowed), ("CPUAffinity", affinity)):
        if cpus and not cpus & clues.topology.cpus_online <= policy.cpus:
            return (f"the unit itself says {name}={shown(cpus)}", cpu_lines(policy))
    if not affinity and not clues.has_cpuset:
        return (
            f"AllowedCPUs= has no effect here: the manager {unit.manager} has no cpuset controller "
            "of cgroup version 2",
            f"CPUAffinity={policy.cpu_list} in [Service]",
        )
    offline = _of_the_host(mask, policy, clues)
    if offline or not affinity or mask <= affinity:
        return offline
    return (
        f"the unit says CPUAffinity={shown(affinity)} and the mask is wider: one of these CPUs was "
        "offline for a while (where the cpuset controller is on the kernel then widens the mask "
        "and never takes that back), or the program widened it",
        f"systemctl restart {unit.name}; {cpu_lines(policy)} keeps it from happening again",
    )


def _of_the_host(mask: frozenset[int], policy: Policy, clues: Clues) -> Explained | None:
    offline = policy.cpus & clues.topology.cpus_offline
    online = mask & clues.topology.cpus_online
    if not offline or (online and online <= policy.cpus):
        return None
    first = min(offline)
    return (
        f"CPU {shown(offline)} is offline: where the cpuset controller is on (some unit of the "
        "host has AllowedCPUs=) the kernel then widens every mask that held it",
        f"echo 1 > /sys/devices/system/cpu/cpu{first}/online && systemctl restart "
        f"{clues.unit_name}: the mask does not come back by itself",
    )
