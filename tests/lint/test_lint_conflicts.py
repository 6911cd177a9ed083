"""Directives that undo each other, or that numactl and taskset undo: the measured matrix."""

import pytest
from lint_sample import GENERIC, findings, text

NO_CPUSET = ("AllowedCPUs", "AllowedMemoryNodes")
BARE = (*NO_CPUSET, "CPUAffinity", "NUMAPolicy", "NUMAMask")


def wrapped(wrapper: str, *changed: str, without: tuple[str, ...] = ()) -> str:
    return text(*changed, command=f"{wrapper} {GENERIC}", without=without)


@pytest.mark.parametrize(
    ("unit_text", "subject", "found"),
    [
        (
            text("CPUAffinity=0-1", "AllowedCPUs=2-3"),
            "CPUAffinity= and AllowedCPUs=",
            "0-1 and 2-3: the start fails (215/CPUAFFINITY)",
        ),
        (
            text("CPUAffinity=0,2", "AllowedCPUs=2-3"),
            "CPUAffinity= and AllowedCPUs=",
            "silently narrowed to 2",
        ),
        (
            text("CPUAffinity=0-1"),
            "CPUAffinity= and AllowedCPUs=",
            "the service may widen what it has",
        ),
        (
            text("AllowedMemoryNodes=1"),
            "NUMAMask= and AllowedMemoryNodes=",
            "0 and 1: the start fails (242/NUMA_POLICY)",
        ),
        (
            text("NUMAMask=0-1"),
            "NUMAMask= and AllowedMemoryNodes=",
            "silently narrowed to 0",
        ),
        (text(without=("NUMAMask",)), "NUMAPolicy=", "none: the start fails (242/NUMA_POLICY)"),
        (text("NUMAPolicy=preferred", "NUMAMask=0-1"), "NUMAMask=", "the start fails (242"),
        (text("NUMAPolicy=local"), "NUMAMask=", "NUMAPolicy=local, which ignores it"),
        (text(without=("NUMAPolicy",)), "NUMAMask=", "NUMAPolicy=, which ignores it"),
        (
            text("NUMAPolicy=preferred", without=NO_CPUSET),
            "memory",
            "preferred: it goes to other nodes without a word",
        ),
        (text("StartupAllowedCPUs=0-1"), "StartupAllowedCPUs=", "0-1: while the host boots"),
        (text("StartupAllowedMemoryNodes=1"), "StartupAllowedMemoryNodes=", "is moved afterwards"),
        (
            wrapped("taskset -c 2-3", "CPUAffinity=0-1", without=NO_CPUSET),
            "taskset and what is set before it",
            "taskset with 2-3: taskset wins without a word",
        ),
        (
            wrapped("/usr/bin/taskset 0xc", "CPUAffinity=0-1", without=NO_CPUSET),
            "taskset and what is set before it",
            "taskset with 2-3",
        ),
        (
            wrapped("taskset -c 4-5"),
            "taskset and what is set before it",
            "the cpuset does not allow them, and the command ends",
        ),
        (
            wrapped("numactl --physcpubind=2-3", "CPUAffinity=0-1", without=NO_CPUSET),
            "numactl and what is set before it",
            "numactl says `is invalid` and ends; `systemctl start` says nothing of it",
        ),
        (
            wrapped("numactl --all --physcpubind=2-3", "CPUAffinity=0-1", without=NO_CPUSET),
            "numactl and what is set before it",
            "numactl with 2-3: numactl wins without a word",
        ),
        (
            wrapped("numactl --physcpubind=0-3 --all", without=NO_CPUSET),
            "numactl --all",
            "after it, where it has no effect",
        ),
        (
            wrapped("numactl -N 0 -m 0", "CPUAffinity=0-1", without=NO_CPUSET),
            "numactl --cpunodebind",
            "it widens them to all of node 0",
        ),
        (
            wrapped("taskset -c 0-1 numactl -N0 -m0", without=BARE),
            "numactl --cpunodebind",
            "it widens them to all of node 0",
        ),
        (
            wrapped("numactl --membind=1"),
            "numactl and AllowedMemoryNodes=0",
            "1: numactl says `is invalid` and ends",
        ),
        (
            wrapped("numactl --preferred=1", without=NO_CPUSET),
            "numactl and NUMAPolicy=bind",
            "numactl sets preferred 1, and wins",
        ),
        (
            wrapped("numactl -C 0-3 -N 0", without=BARE),
            "memory",
            "nothing that binds it",
        ),
        (
            wrapped("numactl --membind=7 taskset -c 0-3", without=BARE),
            "numactl bind",
            "7, which do not exist: numactl ends with an error",
        ),
        (
            wrapped("numactl --membind=x taskset -c 0-3", without=BARE),
            "numactl bind",
            "'x': numactl ends with an error",
        ),
        (
            wrapped("numactl --membind=0 taskset -c 0-3,77", without=BARE),
            "taskset physcpubind",
            "77, which do not exist: they are left out without a word",
        ),
        (
            wrapped("numactl --membind=0 taskset -c 77", without=BARE),
            "taskset physcpubind",
            "77, which do not exist: taskset ends",
        ),
    ],
)
def test_a_conflict_is_found_with_what_comes_of_it(
    unit_text: str, subject: str, found: str
) -> None:
    told = findings(unit_text)

    assert [one for one in told if one.subject == subject and found in one.found and one.fix]


@pytest.mark.parametrize(
    "unit_text",
    [
        wrapped("numactl --membind=0 taskset --cpu-list 0-3", without=BARE),
        wrapped("numactl -m0 -C0-3", without=BARE),
        wrapped("/usr/bin/numactl -N 0 -m 0", without=BARE),
        wrapped("numactl -N 0 -m 0 taskset -c 0-1", without=BARE),
        wrapped("numactl --physcpubind=+0-1 --membind=0"),
        wrapped("env A=1 nice -n 5 numactl --membind=0"),
        wrapped("numactl --membind=0"),
        wrapped("taskset -c 0-3"),
        text("NUMAPolicy=preferred"),
        text("StartupAllowedCPUs=0-3"),
    ],
)
def test_what_fits_together_has_no_finding(unit_text: str) -> None:
    assert findings(unit_text) == []
