"""Why memory lies off the policy's nodes, and what mends it.

Sources: set_mempolicy(2), the kernel's Documentation/admin-guide/mm/numa_memory_policy.rst,
filesystems/tmpfs.rst and admin-guide/mm/hugetlbpage.rst; measured with systemd 252 on Linux 6.1.
"""

import re

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist
from pytest_numa.placement.clues import Clues, memory_lines, remove_drop_in
from pytest_numa.placement.cpu_causes import Explained
from pytest_numa.policy import Policy
from pytest_numa.process import Process, Region

_BEFORE = (
    "it was allocated before the policy held: set_mempolicy() and mbind() leave the pages where "
    "they are"
)


def explain(region: Region, process: Process, policy: Policy, clues: Clues) -> Explained:
    """Name the most probable cause for the region of the process that strays most."""
    if region.kind == "huge":
        return _of_huge_pages(policy)
    if region.kind == "shared" and (found := _of_shared_memory(region, process, policy)):
        return found
    return (
        _of_the_unit(region, policy, clues)
        or _of_its_policy(region, process, policy, clues)
        or (_BEFORE, memory_lines(policy))
    )


def of_page_cache(path: str) -> Explained:
    """Why a mapped file lies elsewhere."""
    return (
        "it is page cache of an earlier reader, and lies where that ran: a policy decides only "
        "when a page is first read from the disk",
        f"stop the service, evict the file (dd of={path} oflag=nocache conv=notrunc,fdatasync "
        "count=0) and start it again; or load the weights without mmap (--no-mmap)",
    )


def _of_huge_pages(policy: Policy) -> Explained:
    node = min(policy.memory_nodes)
    return (
        "huge pages come from the pool (hugetlb) of a node: that of the policy's node had none "
        "free, or no policy held when they were mapped",
        f"echo COUNT > /sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages"
        f", with {memory_lines(policy)}",
    )


def _of_shared_memory(region: Region, process: Process, policy: Policy) -> Explained | None:
    own = _main_policy(process)
    if region.mount_policy or (region.policy != own and region.policy.partition(":")[2]):
        given = region.mount_policy or region.policy
        return (
            f"{region.path} lies on a tmpfs (or is shared memory) with a memory policy of its own, "
            f"{given}, which beats the process's",
            f"mount -o remount,mpol=bind:{policy.node_list} of that tmpfs, and create the file "
            "anew: its pages stay where they are",
        )
    return None


def _of_the_unit(region: Region, policy: Policy, clues: Clues) -> Explained | None:
    unit = clues.unit
    if unit is None:
        return None
    named = _nodes_of(region.policy)
    if clues.binder() == "numactl" and named and not named <= policy.memory_nodes:
        return (
            f"numactl in ExecStart= sets another policy after systemd has set the unit's: "
            f"{unit.exec_start}",
            f"leave numactl out of ExecStart= and write {memory_lines(policy)}",
        )
    if region.policy.startswith(("prefer", "interleave", "weighted")):
        return None
    for path in clues.drop_ins("AllowedMemoryNodes", "NUMAPolicy", "NUMAMask"):
        return (
            f"a drop-in overrides the unit, as a former systemctl set-property leaves it: {path}",
            remove_drop_in(path, unit.name),
        )
    if clues.fell_open("AllowedMemoryNodes", "EffectiveMemoryNodes", "'cpuset.mems'"):
        return (
            f"AllowedMemoryNodes={unit.properties['AllowedMemoryNodes']} could not be applied "
            "(cpuset.mems), and systemd then starts the service on all nodes: the setting fell "
            "open",
            f"name nodes that exist: {memory_lines(policy)}",
        )
    return None


def _of_its_policy(
    region: Region, process: Process, policy: Policy, clues: Clues
) -> Explained | None:
    cause = _why(region.policy, process, policy)
    if not region.policy:
        return cause, (
            f"{memory_lines(policy)}; for the reason look at all pages (--pages full) when nothing "
            "is being measured"
        )
    if region.policy.startswith("prefer"):
        free = clues.free_on(policy.memory_nodes)
        return (
            f"{cause}{f' ({free} now)' if free else ''}",
            f"{memory_lines(policy)}; make room on the node first: bind fails where it is full",
        )
    return (cause, memory_lines(policy)) if cause else None


def _why(text: str, process: Process, policy: Policy) -> str:
    """What the policy of the ranges, as numa_maps has it, says of where their pages are."""
    if not text:
        return "the reason shows in the policy of its ranges, which a sample does not read"
    if text.startswith("prefer"):
        return (
            f"its policy is {text}, preferred and not bound: where the node was full, memory went "
            "elsewhere without a word"
        )
    if text.startswith(("interleave", "weighted")):
        return f"its policy is {text}, which spreads it over nodes"
    if text.startswith("bind") and not _nodes_of(text) <= policy.memory_nodes:
        return f"its policy is {text}: it was bound to other nodes"
    if text == "local" or (text == "default" and not _is_held_by_cpuset(process, policy)):
        held = "its policy is local" if text == "local" else "no memory policy holds (no bind)"
        return f"{held}: memory lies where the thread ran that touched it first"
    return ""


def _is_held_by_cpuset(process: Process, policy: Policy) -> bool:
    masks = [thread.mems_allowed for thread in process.threads if thread.mems_allowed]
    return bool(masks) and all(mask <= policy.memory_nodes for mask in masks)


def _main_policy(process: Process) -> str:
    """The policy of most of the process's own memory."""
    own = (
        [one for one in process.memory.regions if one.kind == "anonymous"] if process.memory else []
    )
    return own[0].policy if own else "default"


def _nodes_of(policy_text: str) -> frozenset[int]:
    """The nodes that a policy names; none for ``default``, and for relative ones."""
    match = re.fullmatch(r"(?!.*relative)[^:]*:([0-9,-]+)", policy_text)
    try:
        return cpulist.parse(match[1], source="policy") if match else frozenset()
    except ParseError:
        return frozenset()


def described(region: Region) -> str:
    """The region by name: its file, or what it is, and its policy."""
    names = {"anonymous": "heap, stacks and other anonymous memory", "huge": "huge pages"}
    path = f" {region.path}" if region.path else ""
    named = (
        f"{names.get(region.kind, 'shared memory' if region.kind == 'shared' else 'file')}{path}"
    )
    return f"{named}, policy {region.policy}" if region.policy else named
