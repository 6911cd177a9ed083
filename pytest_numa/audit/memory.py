"""Memory: what moves pages, what takes them away, and whether there is enough on the node."""

import re

from pytest_numa import formatting
from pytest_numa.audit.check import Fix, Outcome, failed, passed, skipped, unknown, write
from pytest_numa.audit.machine import Machine, UnreadableError
from pytest_numa.kernel import cpulist

_THP = "sys/kernel/mm/transparent_hugepage"
_BALANCING = "proc/sys/kernel/numa_balancing"
_RECLAIM = "proc/sys/vm/zone_reclaim_mode"
_DEMOTION = "sys/kernel/mm/numa/demotion_enabled"
_NODE = "sys/devices/system/node"
# The words of the kernel's Documentation/admin-guide/mm/transhuge.rst.
_ENABLED = frozenset({"always", "madvise", "never"})
_DEFRAG = frozenset({"always", "defer", "defer+madvise", "madvise", "never"})
_SWITCH = {"true": True, "1": True, "false": False, "0": False}
_SWAP_FIELDS = 5
_SPARE = 1.1
# Firmware and the kernel take some GiB from the first node.
_ALIKE = 0.9
_NO_POLICY = "what a service is to have was not said: --numa-node, --cpus"


def huge_pages(machine: Machine) -> Outcome:
    """N6: transparent huge pages; the active word stands in brackets."""
    enabled = _chosen(machine, f"{_THP}/enabled", _ENABLED)
    defrag = _chosen(machine, f"{_THP}/defrag", _DEFRAG)
    if enabled == "never":
        return failed(
            "never: every page is a small one",
            _write(
                f"{_THP}/enabled", "madvise", enabled, text="at boot: transparent_hugepage=madvise"
            ),
        )
    if defrag == "always":
        return failed(
            f"{enabled}; defrag always: a page fault may wait for memory to be compacted",
            _write(f"{_THP}/defrag", "madvise", defrag, text="to last: a tmpfiles.d line"),
        )
    return passed(f"{enabled}; defrag {defrag}")


def balancing(machine: Machine) -> Outcome:
    """N7: automatic NUMA balancing makes pages fault to see who uses them, pinned ones too."""
    if len(machine.topology.nodes) == 1:
        return skipped("one node: there is nothing to balance")
    return _must_be_zero(machine, _BALANCING, "kernel.numa_balancing")


def reclaim(machine: Machine) -> Outcome:
    """N8: whether a node gives up its page cache before another one is used."""
    return _must_be_zero(machine, _RECLAIM, "vm.zone_reclaim_mode")


def swap(machine: Machine) -> Outcome:
    """N9: whether the service can be swapped out."""
    header, *areas = [line.split() for line in machine.read("proc/swaps").splitlines()] or [[]]
    if header[:1] != ["Filename"] or any(len(one) < _SWAP_FIELDS for one in areas):
        raise UnreadableError("/proc/swaps: expected the table of proc_swaps(5)")
    if not areas:
        return passed("no swap")
    used_bytes = sum(int(one[3]) for one in areas if one[3].isdecimal()) * 1024
    return unknown(
        f"{', '.join(one[0] for one in areas)}, {formatting.bytes_iec(used_bytes)} used; whether "
        "the service may be swapped out its unit says",
        Fix(text="MemorySwapMax=0 in the unit, or swapoff -a"),
    )


def demotion(machine: Machine) -> Outcome:
    """N10: whether the kernel moves cold pages to slower memory, whatever a cpuset says."""
    slow = [node.id for node in machine.topology.nodes if not node.cpus and node.memory_bytes]
    if not slow:
        return skipped("no node of memory alone that pages could be moved to")
    text = machine.read(_DEMOTION)
    if text not in _SWITCH:
        raise UnreadableError(f"/{_DEMOTION}: expected true or false, found {text[:40]!r}")
    if not _SWITCH[text]:
        return passed(f"off; nodes of memory alone: {cpulist.format(slow)}")
    return failed(
        f"on, to nodes {cpulist.format(slow)}",
        _write(_DEMOTION, "false", text, text="off, unless these tiers are wanted"),
    )


def reserved(machine: Machine) -> Outcome:
    """N17: huge pages that were set aside, by node."""
    counts: dict[int, int] = {}
    for name in machine.names(f"{_NODE}/node[0-9]*/hugepages/hugepages-*"):
        found = re.search(r"node(\d{1,7})/hugepages/hugepages-(\d{1,15})kB$", name)
        if found:
            size_bytes = machine.number(f"{name}/nr_hugepages") * int(found[2]) * 1024
            counts[int(found[1])] = counts.get(int(found[1]), 0) + size_bytes
    if not counts:
        return unknown("there is no /sys/devices/system/node/node*/hugepages")
    if not any(counts.values()):
        return skipped("none set aside")
    shown = ", ".join(
        f"{formatting.bytes_iec(size)} on node {node}" for node, size in sorted(counts.items())
    )
    if machine.policy is None:
        return skipped(f"{shown}; {_NO_POLICY}")
    if all(counts.get(node) for node in machine.policy.memory_nodes):
        return passed(shown)
    return failed(
        f"{shown}; none on a node of the service's ({machine.policy.node_list})",
        Fix(text="set them aside by node: hugepages=NODE:COUNT at boot, or node*/hugepages/"),
    )


def room(machine: Machine) -> Outcome:
    """N18: whether what the service needs fits on its node: bind kills where it does not."""
    if machine.policy is None or machine.needs_bytes is None:
        return skipped("what a service needs was not said: --numa-node, --memory")
    wanted = machine.policy.memory_nodes
    nodes = [node for node in machine.topology.nodes if node.id in wanted]
    known = [
        node.memory_available_bytes for node in nodes if node.memory_available_bytes is not None
    ]
    if len(known) < len(nodes):
        return unknown("how much memory is available on the node is not told")
    shown = f"{formatting.bytes_iec(sum(known))} available on node {machine.policy.node_list}"
    if sum(known) >= _SPARE * machine.needs_bytes:
        return passed(shown)
    return failed(
        f"{shown}, {formatting.bytes_iec(machine.needs_bytes)} and a tenth are needed",
        Fix(
            text="stop what else has memory there, give the service more nodes, or a smaller model"
        ),
    )


def symmetry(machine: Machine) -> Outcome:
    """N20: nodes with CPUs should have as much memory each: as many channels are populated."""
    if machine.topology.is_numa:
        folders = [f"{_NODE}/node{node.id}" for node in machine.topology.nodes]
        machine.require(folders, any_of=["cpulist", "cpumap"])
    nodes = [node for node in machine.topology.nodes if node.cpus or node.cpus_offline]
    if len(nodes) < 2:  # noqa: PLR2004 - to be compared
        return skipped("one node with CPUs")
    sizes = {node.id: node.memory_bytes for node in nodes}
    if not any(sizes.values()):
        return unknown("the nodes' memory is not told")
    shown = ", ".join(f"node {node} {formatting.bytes_iec(size)}" for node, size in sizes.items())
    if min(sizes.values()) >= _ALIKE * max(sizes.values()):
        return passed(f"alike: {shown}")
    return failed(shown, Fix(text="populate the memory channels of all nodes alike"))


def _must_be_zero(machine: Machine, name: str, key: str) -> Outcome:
    value = machine.number(name)
    if value == 0:
        return passed(f"{key} = 0")
    return failed(
        f"{key} = {value}",
        Fix(
            text=f"to last: {key} = 0 in /etc/sysctl.d/",
            commands=(f"sysctl -w {key}=0",),
            undo=(f"sysctl -w {key}={value}",),
        ),
    )


def _write(name: str, value: str, before: str, *, text: str) -> Fix:
    return Fix(
        text=text,
        commands=(write(name, value),),
        undo=(write(name, before),),
    )


def _chosen(machine: Machine, name: str, words: frozenset[str]) -> str:
    """The word in brackets."""
    text = machine.read(name)
    found = re.search(r"\[([^]]*)\]", text)
    if found is None or found[1] not in words:
        expected = ", ".join(sorted(words))
        raise UnreadableError(f"/{name}: expected [one] of {expected}, found {text[:40]!r}")
    return found[1]
