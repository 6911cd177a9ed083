"""Right and wrong units under systemd as process 1: each wrong one is caught with its cause.

For each wrong unit there is a right one that differs in the line that matters. The cases are those
that were measured with systemd 252 on Linux 6.1; `occupant.py` is the service.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from guest import Guest

pytestmark = pytest.mark.lab

OCCUPANT = Path(__file__).with_name("occupant.py")
WANTED = "--numa-node 1 --cpus 2-3"
POOL = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"

AFFINITY = "CPUAffinity=2-3\n"
POLICY = "NUMAPolicy=bind\nNUMAMask=1\n"
CPUSET = "AllowedCPUs=2-3\nAllowedMemoryNodes=1\n"
NATIVE = AFFINITY + POLICY
FULL = NATIVE + CPUSET


@dataclass(frozen=True)
class Case:
    """A unit, what the service does, what is done before and after its start."""

    lines: str = FULL
    does: str = ""
    wrapper: str = ""
    before: str = "true"
    after: str = "true"
    undo: str = "true"
    wanted: str = WANTED


@dataclass(frozen=True)
class Wrong(Case):
    """Words of the cause and of the fix."""

    cause: str = ""
    fix: str = ""


RIGHT = {
    "all lines": Case(),
    "affinity and policy": Case(lines=NATIVE),
    "cpuset alone": Case(lines=CPUSET),
    "numactl in ExecStart": Case(lines="", wrapper="/usr/bin/numactl --cpunodebind=1 --membind=1"),
    "taskset of the same CPUs": Case(wrapper="/usr/bin/taskset -c 2-3"),
    "fewer CPUs": Case(lines=f"CPUAffinity=3\n{POLICY}"),
    "derived affinity": Case(lines=f"CPUAffinity=numa\n{POLICY}"),
    "DynamicUser": Case(lines=f"{FULL}DynamicUser=yes\n"),
    "children inside": Case(does="--children 2"),
    "children in cgroups of their own": Case(
        lines=f"{FULL}Delegate=yes\n", does="--children 1 --child-group sub"
    ),
    "a thread that pins itself inside": Case(does="--repin 3"),
    "preferred, with room": Case(lines=f"{AFFINITY}NUMAPolicy=preferred\nNUMAMask=1\n"),
    "huge pages of the node": Case(
        does="--hugetlb-mib 8",
        before=f"echo 4 > {POOL.format(1)}",
        undo=f"echo 0 > {POOL.format(1)}",
    ),
    "tmpfs without a policy": Case(
        does="--create /run/plain/f",
        before="mkdir -p /run/plain && mount -t tmpfs tmpfs /run/plain",
        undo="umount /run/plain",
    ),
    "weights that nobody has read before": Case(
        does="--map /root/weights.gguf",
        before="dd if=/dev/zero of=/root/weights.gguf bs=1M count=72 status=none && sync && "
        "echo 3 > /proc/sys/vm/drop_caches",
        undo="rm /root/weights.gguf",
    ),
}

WRONG = {
    "AllowedCPUs=99": Wrong(
        lines=f"AllowedCPUs=99\n{POLICY}",
        cause="AllowedCPUs=99 could not be applied (cpuset.cpus)",
        fix="AllowedCPUs=2-3",
    ),
    "AllowedMemoryNodes=5": Wrong(
        lines=f"{AFFINITY}AllowedMemoryNodes=5\n",
        cause="AllowedMemoryNodes=5 could not be applied (cpuset.mems)",
        fix="AllowedMemoryNodes=1",
    ),
    "AllowedMemoryNodes=5 and memory elsewhere": Wrong(
        lines=f"{AFFINITY}AllowedMemoryNodes=5\n",
        does="--first-on 0",
        cause="AllowedMemoryNodes=5 could not be applied (cpuset.mems)",
        fix="AllowedMemoryNodes=1",
    ),
    "a thread that pins itself": Wrong(
        lines=NATIVE,
        does="--repin 0",
        cause="these threads set their own mask",
        fix="AllowedCPUs=2-3",
    ),
    "a child outside the CPUs": Wrong(
        lines=NATIVE,
        does="--children 1 --child-cpu 0",
        cause="this process set its own mask",
        fix="AllowedCPUs=2-3",
    ),
    "taskset in ExecStart": Wrong(
        lines=NATIVE,
        wrapper="/usr/bin/taskset -c 0-1",
        cause="taskset in ExecStart= sets another mask",
        fix="leave taskset out of ExecStart=",
    ),
    "numactl in ExecStart": Wrong(
        lines=NATIVE,
        wrapper="/usr/bin/numactl --membind=0",
        cause="numactl in ExecStart= sets another policy",
        fix="leave numactl out of ExecStart=",
    ),
    "no CPU lines": Wrong(
        lines=POLICY,
        cause="the unit has neither AllowedCPUs= nor CPUAffinity=",
        fix="CPUAffinity=2-3",
    ),
    "other CPUs": Wrong(
        lines=f"CPUAffinity=0-1\n{POLICY}", cause="the unit itself says CPUAffinity=0-1", fix="2-3"
    ),
    "a CPU taken offline": Wrong(
        lines=NATIVE,
        after="echo 0 > /sys/devices/system/cpu/cpu3/online",
        undo="echo 1 > /sys/devices/system/cpu/cpu3/online",
        cause="CPU 3 is offline",
        fix="/sys/devices/system/cpu/cpu3/online",
    ),
    "a CPU taken offline beside a cpuset": Wrong(
        lines=NATIVE,
        before="systemctl start companion",
        after="echo 0 > /sys/devices/system/cpu/cpu3/online; sleep 1",
        undo="echo 1 > /sys/devices/system/cpu/cpu3/online; systemctl stop companion",
        cause="CPU 3 is offline",
        fix="/sys/devices/system/cpu/cpu3/online",
    ),
    "a CPU that was offline beside a cpuset": Wrong(
        lines=NATIVE,
        before="systemctl start companion",
        after="echo 0 > /sys/devices/system/cpu/cpu3/online; sleep 1; "
        "echo 1 > /sys/devices/system/cpu/cpu3/online; sleep 1",
        undo="systemctl stop companion",
        cause="was offline for a while",
        fix="systemctl restart wrong-",
    ),
    "a former set-property": Wrong(
        lines=CPUSET,
        after="systemctl set-property $UNIT AllowedCPUs=0-1 && systemctl restart $UNIT",
        undo="rm -r /etc/systemd/system.control/$UNIT.d; systemctl daemon-reload",
        cause=".service.d/50-AllowedCPUs.conf",
        fix="systemctl daemon-reload",
    ),
    "a former set-property of the memory": Wrong(
        lines=f"{AFFINITY}AllowedMemoryNodes=1\n",
        after="systemctl set-property $UNIT AllowedMemoryNodes=0 && systemctl restart $UNIT",
        undo="rm -r /etc/systemd/system.control/$UNIT.d; systemctl daemon-reload",
        cause=".service.d/50-AllowedMemoryNodes.conf",
        fix="systemctl daemon-reload",
    ),
    "a preferred node that is full": Wrong(
        lines=f"{AFFINITY}NUMAPolicy=preferred\nNUMAMask=2\n",
        does="--mib 320",
        wanted="--numa-node 2 --cpus 2-3",
        cause="preferred and not bound: where the node was full",
        fix="NUMAPolicy=bind, NUMAMask=2",
    ),
    "no memory policy": Wrong(
        lines=AFFINITY, does="--first-on 0", cause="no memory policy holds", fix="NUMAPolicy=bind"
    ),
    "no memory policy, and DynamicUser": Wrong(
        lines=f"{AFFINITY}DynamicUser=yes\n",
        does="--first-on 0",
        cause="no memory policy holds",
        fix="NUMAPolicy=bind",
    ),
    "memory bound elsewhere": Wrong(
        lines=f"{AFFINITY}NUMAPolicy=bind\nNUMAMask=0\n",
        cause="its policy is bind:0: it was bound to other nodes",
        fix="NUMAMask=1",
    ),
    "interleaved": Wrong(
        lines=f"{AFFINITY}NUMAPolicy=interleave\nNUMAMask=0-1\n",
        cause="interleave:0-1, which spreads it over nodes",
        fix="NUMAPolicy=bind",
    ),
    "memory from before the policy": Wrong(
        lines=AFFINITY,
        does="--bind-late",
        cause="allocated before the policy held",
        fix="then restart: pages stay where they are",
    ),
    "page cache of another reader": Wrong(
        does="--map /root/weights.gguf",
        before="numactl --membind=0 dd if=/dev/zero of=/root/weights.gguf bs=1M count=72 "
        "status=none",
        undo="rm /root/weights.gguf",
        cause="page cache of an earlier reader",
        fix="evict the file",
    ),
    "tmpfs with a policy of its own": Wrong(
        lines=NATIVE,
        does="--create /run/own/f",
        before="mkdir -p /run/own && mount -t tmpfs -o mpol=bind:0 tmpfs /run/own",
        undo="umount /run/own",
        cause="/run/own/f lies on a tmpfs",
        fix="mpol=bind:1",
    ),
    "huge pages of another node": Wrong(
        lines=AFFINITY,
        does="--hugetlb-mib 8",
        before=f"echo 4 > {POOL.format(0)}",
        undo=f"echo 0 > {POOL.format(0)}",
        cause="pool (hugetlb)",
        fix=POOL.format(1),
    ),
}

OTHERS = {
    "a thread that pins itself for a moment": Case(lines=NATIVE, does="--repin 0 --repin-for 4"),
    "a child": Case(does="--children 1"),
}
UNITS: Mapping[str, Case] = {
    f"{kind}-{number}.service": case
    for kind, cases in (("right", RIGHT), ("wrong", WRONG), ("other", OTHERS))
    for number, case in enumerate(cases.values())
}

# A unit with a cpuset switches the controller on for all others of its slice: only then do masks
# follow the CPUs that come and go.
COMPANION = "[Service]\nExecStart=/bin/sleep infinity\nAllowedCPUs=0-3\n"

Start = Callable[[Case], str]


def unit_text(case: Case) -> str:
    wrapper = f"{case.wrapper} " if case.wrapper else ""
    return (
        "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=120\n"
        f"ExecStart={wrapper}/usr/bin/python3 /opt/occupant.py {case.does}\n{case.lines}"
    )


@pytest.fixture(scope="module")
def occupied(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """The guest with all units: under emulation systemd takes seconds to read them anew."""
    folder = tmp_path_factory.mktemp("units")
    texts = {name: unit_text(case) for name, case in UNITS.items()}
    texts["companion.service"] = COMPANION
    for name, text in texts.items():
        (folder / name).write_text(text)
    # Where also a user without rights can read it.
    guest.copy_in(OCCUPANT, "/opt/occupant.py")
    guest.copy_in(folder, "/opt/units")
    guest.must("cp /opt/units/* /etc/systemd/system && systemctl daemon-reload", 120)
    yield guest
    guest.must(f"cd /etc/systemd/system && rm {' '.join(texts)} && systemctl daemon-reload", 120)


@pytest.fixture
def start(occupied: Guest) -> Iterator[Start]:
    """Start a case's unit and return its name; afterwards the guest is as it was before."""
    undo: list[str] = []

    def started(case: Case) -> str:
        unit = next(name for name, one in UNITS.items() if one is case)
        undo.append(f"systemctl stop $UNIT; {case.undo}; systemctl reset-failed $UNIT")
        undo.append(f"UNIT={unit}")
        commands = f"({case.before}) && systemctl start $UNIT && ({case.after})"
        occupied.must(f"UNIT={unit}; {commands}", 180)
        return unit

    yield started
    occupied.run("; ".join(reversed(undo)), 120)


def looked_at(guest: Guest, words: str, prefix: str = "") -> tuple[int, dict[str, Any]]:
    done = guest.run(f"{prefix}/opt/lab/bin/pytest-numa placement {words} --json", 180)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT.keys())
def test_a_right_unit_has_no_finding(occupied: Guest, start: Start, case: Case) -> None:
    code, found = looked_at(occupied, f"{start(case)} {case.wanted}")

    assert (code, found["verdict"], found["findings"], found["unread"]) == (0, "pass", [], [])
    assert set(found["bytes_by_node"]) >= {"1"}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_unit_is_caught_with_its_cause(occupied: Guest, start: Start, case: Wrong) -> None:
    code, found = looked_at(occupied, f"{start(case)} {case.wanted}")

    causes = [finding["cause"] for finding in found["findings"]]
    assert (code, found["verdict"]) == (1, "fail"), found
    assert all(case.cause in cause for cause in causes), causes
    assert all(case.fix in finding["fix"] for finding in found["findings"]), found["findings"]


def test_a_thread_that_pins_itself_for_a_moment_is_seen_by_a_watch(
    occupied: Guest, start: Start
) -> None:
    unit = start(OTHERS["a thread that pins itself for a moment"])

    code, found = looked_at(occupied, f"{unit} {WANTED} --watch 12")

    (finding,) = found["findings"]
    assert code == 1
    assert "was allowed off the policy's CPUs for a while" in finding["subject"]


def test_a_service_of_another_user_is_unknown_and_not_passed(occupied: Guest, start: Start) -> None:
    unit = start(RIGHT["all lines"])
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups "

    code, found = looked_at(occupied, f"{unit} {WANTED}", prefix=nobody)

    assert (code, found["verdict"], found["findings"]) == (3, "unknown", [])
    assert "numa_maps: Permission denied" in found["unread"][0]


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("nosuch.service", "the unit nosuch.service does not exist"),
        ("right-0", "right-0.service has no main process: it is inactive"),
    ],
)
def test_a_unit_that_does_not_run_is_unknown(occupied: Guest, unit: str, message: str) -> None:
    code, found = looked_at(occupied, f"{unit} {WANTED}")

    assert (code, found["verdict"]) == (3, "unknown")
    assert message in found["unread"][0]


def test_without_options_what_the_unit_declares_is_wanted(occupied: Guest, start: Start) -> None:
    code, found = looked_at(occupied, start(RIGHT["all lines"]))

    assert (code, found["wanted"]["cpus"], found["wanted"]["memory_nodes"]) == (0, "2-3", "1")


def test_a_process_id_stands_for_the_whole_unit(occupied: Guest, start: Start) -> None:
    unit = start(OTHERS["a child"])
    pid = occupied.must(f"systemctl show --property=MainPID --value {unit}", 60).strip()

    code, found = looked_at(occupied, f"{pid} {WANTED}")

    assert (code, len(found["processes"])) == (0, 2)
    assert found["notes"][0].startswith(f"{unit} says CPUAffinity=2-3")


def test_a_captured_service_is_judged_as_the_live_one(occupied: Guest, start: Start) -> None:
    unit = start(WRONG["a child outside the CPUs"])
    pid = occupied.must(f"systemctl show --property=MainPID --value {unit}", 60).strip()
    occupied.must(
        f"rm -rf /root/captured; /opt/lab/bin/pytest-numa capture /root/captured {pid}", 180
    )

    _, live = looked_at(occupied, f"{pid} {WANTED}")
    code, found = looked_at(occupied, f"{pid} {WANTED} --root /root/captured")

    assert code == 1
    assert found["processes"] == live["processes"]
    assert [one["subject"] for one in found["findings"]] == [
        one["subject"] for one in live["findings"]
    ]
