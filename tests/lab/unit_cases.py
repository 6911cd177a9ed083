"""Right and wrong units for the guest. Each wrong one differs in one thing from a right one.

The cases are those that were measured with systemd 252 on Linux 6.1; `occupant.py` is the service.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WANTED = "--numa-node 1 --cpus 2-3"
_POOL = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"
_CPU_3 = "/sys/devices/system/cpu/cpu3/online"

_AFFINITY = "CPUAffinity=2-3\n"
_POLICY = "NUMAPolicy=bind\nNUMAMask=1\n"
_CPUSET = "AllowedCPUs=2-3\nAllowedMemoryNodes=1\n"
_NATIVE = _AFFINITY + _POLICY
_FULL = _NATIVE + _CPUSET
_PREFERRED = f"{_AFFINITY}NUMAPolicy=preferred\nNUMAMask=2\n"

COMPANION = "[Service]\nExecStart=/bin/sleep infinity\nAllowedCPUs=0-3\n"
"""companion.service: a cpuset switches the controller on for all other units of the slice."""

_WEIGHTS = "dd if=/dev/zero of=/root/weights.gguf bs=1M count=72 status=none"
_FORGET = "rm -r /etc/systemd/system.control/$UNIT.d; systemctl daemon-reload"


@dataclass(frozen=True)
class Case:
    """A unit, what the service does, what is done before and after its start."""

    lines: str = _FULL
    does: str = ""
    wrapper: str = ""
    before: str = "true"
    after: str = "true"
    undo: str = "true"
    wanted: str = WANTED


@dataclass(frozen=True)
class Wrong(Case):
    """Words of the cause and of the fix, and the right unit that it differs from in one thing."""

    twin: str = "affinity and policy"
    cause: str = ""
    fix: str = ""


RIGHT = {
    "all lines": Case(),
    "affinity and policy": Case(lines=_NATIVE),
    "cpuset alone": Case(lines=_CPUSET),
    "numactl in ExecStart": Case(lines="", wrapper="/usr/bin/numactl --cpunodebind=1 --membind=1"),
    "taskset of the same CPUs": Case(lines=_NATIVE, wrapper="/usr/bin/taskset -c 2-3"),
    "fewer CPUs": Case(lines=f"CPUAffinity=3\n{_POLICY}"),
    "derived affinity": Case(lines=f"CPUAffinity=numa\n{_POLICY}"),
    "beside another unit's cpuset": Case(
        lines=_NATIVE, before="systemctl start companion", undo="systemctl stop companion"
    ),
    "DynamicUser": Case(lines=f"{_FULL}DynamicUser=yes\n"),
    "DynamicUser, first touched elsewhere": Case(
        lines=f"{_NATIVE}DynamicUser=yes\n", does="--first-on 0"
    ),
    "first touched elsewhere, held by the policy": Case(lines=_NATIVE, does="--first-on 0"),
    "first touched elsewhere, held by the cpuset": Case(
        lines=f"{_AFFINITY}AllowedMemoryNodes=1\n", does="--first-on 0"
    ),
    "memory from after the policy": Case(lines=_AFFINITY, does="--bind-first 1"),
    "children inside": Case(lines=_NATIVE, does="--children 2 --child-cpu 3"),
    "children in cgroups of their own": Case(
        lines=f"{_FULL}Delegate=yes\n", does="--children 1 --child-group sub"
    ),
    "a thread that pins itself inside": Case(lines=_NATIVE, does="--repin 3"),
    "preferred, with room": Case(
        lines=_PREFERRED, does="--mib 96", wanted="--numa-node 2 --cpus 2-3"
    ),
    "huge pages of the node": Case(
        lines=_AFFINITY,
        does="--hugetlb-mib 8",
        before=f"echo 4 > {_POOL.format(1)}",
        undo=f"echo 0 > {_POOL.format(1)}",
    ),
    "tmpfs without a policy": Case(
        lines=_NATIVE,
        does="--create /run/own/f",
        before="mkdir -p /run/own && mount -t tmpfs tmpfs /run/own",
        undo="umount /run/own",
    ),
    "weights that nobody has read before": Case(
        does="--map /root/weights.gguf",
        before=f"{_WEIGHTS} && sync && echo 3 > /proc/sys/vm/drop_caches",
        undo="rm /root/weights.gguf",
    ),
}

_WRONG_CPUS = {
    "AllowedCPUs=99": Wrong(
        lines="AllowedCPUs=99\nAllowedMemoryNodes=1\n",
        twin="cpuset alone",
        cause="AllowedCPUs=99 could not be applied (cpuset.cpus)",
        fix="AllowedCPUs=2-3",
    ),
    "a thread that pins itself": Wrong(
        lines=_NATIVE,
        does="--repin 0",
        twin="a thread that pins itself inside",
        cause="these threads set their own mask",
        fix="AllowedCPUs=2-3",
    ),
    "children outside the CPUs": Wrong(
        lines=_NATIVE,
        does="--children 2 --child-cpu 0",
        twin="children inside",
        cause="this process set its own mask",
        fix="AllowedCPUs=2-3",
    ),
    "taskset in ExecStart": Wrong(
        lines=_NATIVE,
        wrapper="/usr/bin/taskset -c 0-1",
        twin="taskset of the same CPUs",
        cause="taskset in ExecStart= sets another mask",
        fix="leave taskset out of ExecStart=",
    ),
    "no CPU lines": Wrong(
        lines=_POLICY,
        cause="the unit has neither AllowedCPUs= nor CPUAffinity=",
        fix="CPUAffinity=2-3",
    ),
    "other CPUs": Wrong(
        lines=f"CPUAffinity=0-1\n{_POLICY}",
        cause="the unit itself says CPUAffinity=0-1",
        fix="2-3",
    ),
    "a CPU taken offline": Wrong(
        lines=_NATIVE,
        after=f"echo 0 > {_CPU_3}",
        undo=f"echo 1 > {_CPU_3}",
        cause="CPU 3 is offline",
        fix=_CPU_3,
    ),
    "a CPU taken offline beside a cpuset": Wrong(
        lines=_NATIVE,
        before="systemctl start companion",
        after=f"echo 0 > {_CPU_3}; sleep 1",
        undo=f"echo 1 > {_CPU_3}; systemctl stop companion",
        twin="beside another unit's cpuset",
        cause="CPU 3 is offline",
        fix=_CPU_3,
    ),
    "a CPU that was offline beside a cpuset": Wrong(
        lines=_NATIVE,
        before="systemctl start companion",
        after=f"echo 0 > {_CPU_3}; sleep 1; echo 1 > {_CPU_3}; sleep 1",
        undo="systemctl stop companion",
        twin="beside another unit's cpuset",
        cause="was offline for a while",
        fix="systemctl restart wrong-",
    ),
    "a former set-property": Wrong(
        lines=_CPUSET,
        after="systemctl set-property $UNIT AllowedCPUs=0-1 && systemctl restart $UNIT",
        undo=_FORGET,
        twin="cpuset alone",
        cause=".service.d/50-AllowedCPUs.conf",
        fix="systemctl daemon-reload",
    ),
}

_WRONG_MEMORY = {
    "AllowedMemoryNodes=5": Wrong(
        lines="AllowedCPUs=2-3\nAllowedMemoryNodes=5\n",
        twin="cpuset alone",
        cause="AllowedMemoryNodes=5 could not be applied (cpuset.mems)",
        fix="AllowedMemoryNodes=1",
    ),
    "AllowedMemoryNodes=5 and memory elsewhere": Wrong(
        lines=f"{_AFFINITY}AllowedMemoryNodes=5\n",
        does="--first-on 0",
        twin="first touched elsewhere, held by the cpuset",
        cause="AllowedMemoryNodes=5 could not be applied (cpuset.mems)",
        fix="AllowedMemoryNodes=1",
    ),
    "a former set-property of the memory": Wrong(
        lines=f"{_AFFINITY}AllowedMemoryNodes=1\n",
        does="--first-on 0",
        after="systemctl set-property $UNIT AllowedMemoryNodes=0 && systemctl restart $UNIT",
        undo=_FORGET,
        twin="first touched elsewhere, held by the cpuset",
        cause=".service.d/50-AllowedMemoryNodes.conf",
        fix="systemctl daemon-reload",
    ),
    "numactl in ExecStart": Wrong(
        lines=_NATIVE,
        wrapper="/usr/bin/numactl --membind=0",
        cause="numactl in ExecStart= sets another policy",
        fix="leave numactl out of ExecStart=",
    ),
    "numactl in ExecStart that prefers": Wrong(
        lines=_NATIVE,
        wrapper="/usr/bin/numactl --preferred=0",
        cause="numactl in ExecStart= sets another policy",
        fix="leave numactl out of ExecStart=",
    ),
    "numactl in ExecStart that interleaves": Wrong(
        lines=_NATIVE,
        wrapper="/usr/bin/numactl --interleave=0,1",
        cause="numactl in ExecStart= sets another policy",
        fix="leave numactl out of ExecStart=",
    ),
    "a preferred node that is full": Wrong(
        lines=_PREFERRED,
        does="--mib 320",
        wanted="--numa-node 2 --cpus 2-3",
        twin="preferred, with room",
        cause="preferred and not bound: where the node was full",
        fix="NUMAPolicy=bind, NUMAMask=2",
    ),
    "no memory policy": Wrong(
        lines=_AFFINITY,
        does="--first-on 0",
        twin="first touched elsewhere, held by the policy",
        cause="no memory policy holds",
        fix="NUMAPolicy=bind",
    ),
    "no memory policy, and DynamicUser": Wrong(
        lines=f"{_AFFINITY}DynamicUser=yes\n",
        does="--first-on 0",
        twin="DynamicUser, first touched elsewhere",
        cause="no memory policy holds",
        fix="NUMAPolicy=bind",
    ),
    "memory bound elsewhere": Wrong(
        lines=f"{_AFFINITY}NUMAPolicy=bind\nNUMAMask=0\n",
        cause="its policy is bind:0: it was bound to other nodes",
        fix="NUMAMask=1",
    ),
    "interleaved": Wrong(
        lines=f"{_AFFINITY}NUMAPolicy=interleave\nNUMAMask=0-1\n",
        cause="interleave:0-1, which spreads it over nodes",
        fix="NUMAPolicy=bind",
    ),
    "memory from before the policy": Wrong(
        lines=_AFFINITY,
        does="--bind-first 0",
        twin="memory from after the policy",
        cause="allocated before the policy held",
        fix="then restart: pages stay where they are",
    ),
    "page cache of another reader": Wrong(
        does="--map /root/weights.gguf",
        before=f"numactl --membind=0 {_WEIGHTS}",
        undo="rm /root/weights.gguf",
        twin="weights that nobody has read before",
        cause="page cache of an earlier reader",
        fix="evict the file",
    ),
    "tmpfs with a policy of its own": Wrong(
        lines=_NATIVE,
        does="--create /run/own/f",
        before="mkdir -p /run/own && mount -t tmpfs -o mpol=bind:0 tmpfs /run/own",
        undo="umount /run/own",
        twin="tmpfs without a policy",
        cause="/run/own/f lies on a tmpfs",
        fix="mpol=bind:1",
    ),
    "huge pages of another node": Wrong(
        lines=_AFFINITY,
        does="--hugetlb-mib 8",
        before=f"echo 4 > {_POOL.format(0)}",
        undo=f"echo 0 > {_POOL.format(0)}",
        twin="huge pages of the node",
        cause="pool (hugetlb)",
        fix=_POOL.format(1),
    ),
}

WRONG = _WRONG_CPUS | _WRONG_MEMORY

OTHERS = {
    "a thread that pins itself on a signal": Case(lines=_NATIVE, does="--repin 0 --repin-for 4"),
    "a child": Case(does="--children 1"),
    "a worker of the other node": Case(
        lines=_AFFINITY, does="--children 1 --child-cpu 0 --child-name worker"
    ),
}
UNITS: Mapping[str, Case] = {
    f"{kind}-{number}.service": case
    for kind, cases in (("right", RIGHT), ("wrong", WRONG), ("other", OTHERS))
    for number, case in enumerate(cases.values())
}


def unit_text(case: Case) -> str:
    """Write the unit that runs the occupant as the case says."""
    wrapper = f"{case.wrapper} " if case.wrapper else ""
    return (
        "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=120\n"
        f"ExecStart={wrapper}/usr/bin/python3 /opt/occupant.py {case.does}\n{case.lines}"
    )
