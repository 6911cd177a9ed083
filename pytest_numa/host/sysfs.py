"""Read nodes, CPUs and memory below a root directory: a captured machine reads like this one.

Formats: the kernel's Documentation/ABI/stable/sysfs-devices-node and
Documentation/admin-guide/cputopology.rst. Nothing is cached: memory comes and goes at run time
(hot-plug, balloons), and CPUs go offline.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pytest_numa.errors import HostError, ParseError
from pytest_numa.host import files, pci
from pytest_numa.host.topology import Cpu, Node, Topology
from pytest_numa.kernel import cpulist, cpumask, distance, meminfo

_NODES = "sys/devices/system/node"
_CPUS = "sys/devices/system/cpu"
_LOCAL_DISTANCE = 10


def read_topology(root: Path = Path("/")) -> Topology:
    """Read the machine below ``root``; HostError where there is none."""
    cpus = _read_cpus(root)
    if not cpus:
        raise HostError(
            f"{root}: expected a machine, found no {_CPUS}/cpuN; give a directory that holds "
            "captured sys/ and proc/ trees, or / for this "
            "host"
        )
    # has_cpu and its like are not read: they are empty or wrong on some hosts.
    node_ids = [number for number, _ in _numbered(root / _NODES, "node")]
    nodes = _read_nodes(root, node_ids, cpus) if node_ids else (_whole_host(root, cpus),)
    return Topology(
        nodes=nodes, cpus=cpus, devices=pci.read_devices(root, nodes), is_numa=bool(node_ids)
    )


def _read_cpus(root: Path) -> tuple[Cpu, ...]:
    directories = dict(_numbered(root / _CPUS, "cpu"))
    listed = _list_if_any(root / _CPUS / "online")
    online = frozenset(
        number
        for number, directory in directories.items()
        if (number in listed if listed is not None else _is_switched_on(directory))
    )
    return tuple(
        _read_cpu(number, directory, online) for number, directory in sorted(directories.items())
    )


def _is_switched_on(directory: Path) -> bool:
    # A CPU that cannot be switched off has no such file.
    return (files.read_if_any(directory / "online") or "1").strip("\0\n ") == "1"


def _read_cpu(number: int, directory: Path, online: frozenset[int]) -> Cpu:
    topology = directory / "topology"
    is_online = number in online
    siblings = _members_if_any(topology / "thread_siblings") if is_online else None
    return Cpu(
        id=number,
        is_online=is_online,
        core_id=_number_if_any(topology / "core_id") if is_online else None,
        socket_id=_number_if_any(topology / "physical_package_id") if is_online else None,
        siblings=(siblings or frozenset({number})) & online,
    )


def _read_nodes(root: Path, node_ids: list[int], cpus: tuple[Cpu, ...]) -> tuple[Node, ...]:
    online_nodes = _list_if_any(root / _NODES / "online")
    # The columns of node*/distance follow the online nodes, directories or not.
    columns = sorted(online_nodes) if online_nodes else node_ids
    return tuple(_read_node(root, node_id, columns, cpus) for node_id in node_ids)


def _read_node(root: Path, node_id: int, columns: list[int], cpus: tuple[Cpu, ...]) -> Node:
    directory = root / _NODES / f"node{node_id}"
    online = frozenset(cpu.id for cpu in cpus if cpu.is_online)
    offline = frozenset(cpu.id for cpu in cpus if not cpu.is_online)
    members = _members_if_any(directory / "cpu") or frozenset()
    distances = files.read_if_any(directory / "distance")
    return _node(
        node_id,
        directory / "meminfo",
        cpus=members & online,
        cpus_offline=members & offline,
        distances=distance.parse(distances, online=columns, source=str(directory / "distance"))
        if distances is not None
        else {},
    )


def _whole_host(root: Path, cpus: tuple[Cpu, ...]) -> Node:
    """Node 0 of a kernel that knows no nodes (CONFIG_NUMA off)."""
    return _node(
        0,
        root / "proc/meminfo",
        cpus=frozenset(cpu.id for cpu in cpus if cpu.is_online),
        cpus_offline=frozenset(cpu.id for cpu in cpus if not cpu.is_online),
        distances={0: _LOCAL_DISTANCE},
    )


def _node(
    node_id: int,
    memory_file: Path,
    *,
    cpus: frozenset[int],
    cpus_offline: frozenset[int],
    distances: dict[int, int],
) -> Node:
    memory = meminfo.parse(files.read(memory_file), source=str(memory_file))
    return Node(
        id=node_id,
        cpus=cpus,
        cpus_offline=cpus_offline,
        memory_bytes=memory.total_bytes,
        memory_free_bytes=memory.free_bytes,
        memory_available_bytes=memory.available_bytes,
        distances=distances,
    )


def _numbered(directory: Path, prefix: str) -> Iterator[tuple[int, Path]]:
    """Directories ``PREFIXn`` in the order of n."""
    pattern = re.compile(rf"{prefix}([0-9]{{1,7}})")
    found = {
        int(match[1]): path
        for path in directory.glob(f"{prefix}[0-9]*")
        if (match := pattern.fullmatch(path.name)) and path.is_dir()
    }
    yield from sorted(found.items())


def _members_if_any(path: Path) -> frozenset[int] | None:
    """Read ``PATHlist`` (nodeN/cpu) or ``PATH_list`` (thread_siblings), else the mask file."""
    for name in (f"{path.name}list", f"{path.name}_list"):
        if (listed := _list_if_any(path.with_name(name))) is not None:
            return listed
    for mask_path in (path, path.with_name(f"{path.name}map")):
        text = files.read_if_any(mask_path)
        if text is not None:
            return cpumask.parse(text, source=str(mask_path))
    return None


def _list_if_any(path: Path) -> frozenset[int] | None:
    text = files.read_if_any(path)
    return None if text is None else cpulist.parse(text, source=str(path))


def _number_if_any(path: Path) -> int | None:
    """Read a number; None for -1, with which firmware says that it does not know."""
    text = files.read_if_any(path)
    if text is None:
        return None
    stripped = text.strip("\0\n ")
    if not re.fullmatch(r"-?[0-9]{1,10}", stripped):
        raise ParseError(str(path), expected="a number", found=text)
    return int(stripped) if int(stripped) >= 0 else None
