"""The topology table: for people as markdown, for programs as a document."""

from collections.abc import Iterable

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.host import Node, Topology
from pytest_numa.kernel import cpulist

_GIB = 2**30
_ONE_NODE = (
    "This host has one node: placement between nodes cannot go wrong here, and is not proven."
)
_NO_NODES = "This kernel knows no nodes (CONFIG_NUMA is off): node 0 stands for the whole host."


def topology_document(topology: Topology) -> dict[str, object]:
    """Build what ``pytest-numa topology --json`` prints. CPUs are kernel lists, online ones."""
    return {
        "is_numa": topology.is_numa,
        "sockets": list(topology.sockets),
        "packages": [
            {"id": socket, "cpus": cpulist.format(_cpus_of(topology, socket))}
            for socket in topology.sockets
        ],
        "cpus_online": cpulist.format(topology.cpus_online),
        "cpus_offline": cpulist.format(topology.cpus_offline),
        "siblings": [cpulist.format(core) for core in _cores(topology, topology.cpus_online)],
        "nodes": [_node_document(node) for node in topology.nodes],
        "devices": [
            {
                "address": device.address,
                "kind": device.kind,
                "node": device.node,
                "is_accelerator": device.is_accelerator,
            }
            for device in topology.devices
        ],
    }


def topology_tables(topology: Topology) -> str:
    """Write the nodes and the devices as markdown tables, with a note on what they leave open."""
    parts = [_nodes_table(topology)]
    if topology.devices:
        parts.append(_devices_table(topology))
    if not topology.is_numa:
        parts.append(_NO_NODES)
    if len(topology.nodes) == 1:
        parts.append(_ONE_NODE)
    return "\n\n".join(parts) + "\n"


def _cpus_of(topology: Topology, socket: int) -> frozenset[int]:
    return frozenset(cpu.id for cpu in topology.cpus if cpu.is_online and cpu.socket_id == socket)


def _node_document(node: Node) -> dict[str, object]:
    return {
        "id": node.id,
        "cpus": cpulist.format(node.cpus),
        "cpus_offline": cpulist.format(node.cpus_offline),
        "memory_bytes": node.memory_bytes,
        "memory_free_bytes": node.memory_free_bytes,
        "distances": {str(other): distance for other, distance in node.distances.items()},
    }


def _nodes_table(topology: Topology) -> str:
    ids = [node.id for node in topology.nodes]
    headers = ["Node", "CPUs", "Offline", "Cores", "Memory GiB", "Free GiB"]
    rows = [
        [
            str(node.id),
            cpulist.format(node.cpus) or "none",
            cpulist.format(node.cpus_offline) or "none",
            _cores_shown(topology, node),
            _gib(node.memory_bytes),
            _gib(node.memory_free_bytes),
            *(str(node.distances.get(other, "unknown")) for other in ids),
        ]
        for node in topology.nodes
    ]
    return _table([*headers, *(f"To {other}" for other in ids)], rows)


def _cores_shown(topology: Topology, node: Node) -> str:
    """Count the cores; with SMT show one as an example of how siblings are numbered."""
    cores = _cores(topology, node.cpus)
    shared = next((core for core in cores if len(core) > 1), None)
    if shared is None:
        return str(len(cores))
    return f"{len(cores)}, siblings such as {cpulist.format(shared)}"


def _cores(topology: Topology, cpus: frozenset[int]) -> list[frozenset[int]]:
    siblings = {cpu.siblings for cpu in topology.cpus if cpu.id in cpus}
    return sorted(siblings, key=min)


def _devices_table(topology: Topology) -> str:
    rows = [
        [
            device.address,
            device.kind if device.kind != "gpu" or device.is_accelerator else "gpu (console)",
            "unknown" if device.node is None else str(device.node),
        ]
        for device in topology.devices
    ]
    return _table(["Device", "Kind", "Node"], rows)


def _gib(size_bytes: int | None) -> str:
    return "unknown" if size_bytes is None else f"{size_bytes / _GIB:.1f}"


def _table(headers: list[str], rows: Iterable[list[str]]) -> str:
    cells = [[formatting.markdown_cell(cell) for cell in row] for row in rows]
    # disable_numparse: the list 0,4 is no number.
    return tabulate(cells, headers=headers, tablefmt="pipe", disable_numparse=True)
