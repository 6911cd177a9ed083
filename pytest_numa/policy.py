"""Which CPUs and memory nodes a service is to have, checked against the host.

The pinned mode uses numactl(8) for the memory and taskset(1) for the CPUs, in this order:
``numactl --cpunodebind`` would widen an affinity that taskset has set before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_numa import formatting
from pytest_numa.errors import ParseError, PolicyError
from pytest_numa.host import Node, Topology
from pytest_numa.kernel import cpulist

_AUTO = "auto"
# Nodes whose available memory differs by less are alike: else `auto` would choose now this and
# now that node of an idle host, and each has a baseline of its own.
_ALIKE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The CPUs that threads may run on and the nodes that memory is bound to."""

    cpus: frozenset[int]
    memory_nodes: frozenset[int]

    def __post_init__(self) -> None:
        if not self.cpus or not self.memory_nodes:
            raise PolicyError(
                "a policy: expected at least one CPU and one memory node, "
                f"found CPUs {self.cpu_list!r} and nodes {self.node_list!r}"
            )

    @property
    def cpu_list(self) -> str:
        """The CPUs as the kernel writes them: ``0-15``."""
        return cpulist.format(self.cpus)

    @property
    def node_list(self) -> str:
        """The memory nodes as the kernel writes them: ``0,2``."""
        return cpulist.format(self.memory_nodes)

    def control_argv(self, command: Sequence[str]) -> list[str]:
        """Wrap a command so that it runs pinned by hand."""
        memory = ["numactl", f"--membind={self.node_list}"]
        return [*memory, "taskset", "--cpu-list", self.cpu_list, *command]


def resolve(
    topology: Topology,
    *,
    node_option: str | None,
    cpus_option: str | None,
    allowed_cpus: frozenset[int] | None = None,
) -> Policy:
    """Turn the options into a policy, or refuse them and say what the host has.

    ``node_option`` is a list of nodes or ``auto``; without it the nodes follow from the CPUs.
    ``cpus_option`` is a list of CPUs; without it all online CPUs of the nodes are meant.
    ``allowed_cpus`` are those that the calling process may use (a container's cpuset).
    """
    try:
        nodes, cpus = _wanted(topology, node_option=node_option, cpus_option=cpus_option)
        _check_allowed(cpus, allowed_cpus)
    except (_Refusal, ParseError) as error:
        raise PolicyError(f"{error}\nchoose of what this host has:\n{_shown(topology)}") from None
    return Policy(cpus=cpus, memory_nodes=frozenset(node.id for node in nodes))


def expected(topology: Topology, *, node_option: str | None, cpus_option: str | None) -> Policy:
    """Turn the options into the policy that a service which runs already is judged by.

    It may name offline CPUs, which the service lost, and nodes that have memory alone. Without
    CPUs the nodes' online ones are meant: of hosts without SMT half of them may be off on purpose.
    """
    try:
        nodes, cpus = _expected(topology, node_option, cpus_option)
    except (_Refusal, ParseError) as error:
        raise PolicyError(f"{error}\nchoose of what this host has:\n{_shown(topology)}") from None
    return Policy(cpus=cpus, memory_nodes=frozenset(node.id for node in nodes))


class _Refusal(Exception):  # noqa: N818 - becomes a PolicyError, with the host's nodes added
    pass


def _expected(
    topology: Topology, node_option: str | None, cpus_option: str | None
) -> tuple[list[Node], frozenset[int]]:
    if node_option is None and cpus_option is None:
        raise _Refusal("no placement is wanted: give --numa-node, --cpus or both")
    cpus = None if cpus_option is None else _existing_cpus(topology, cpus_option)
    if node_option is None:
        own = topology.nodes_of(cpus or frozenset())
        nodes = [node for node in topology.nodes if node.id in own]
    else:
        nodes = _parse_nodes(topology, node_option)
    if cpus is None:
        cpus = frozenset[int]().union(*(node.cpus for node in nodes))
    if not cpus or not nodes:
        raise _Refusal(
            f"expected CPUs and nodes with CPUs, found CPUs {cpulist.format(cpus) or 'none'} and "
            f"nodes {cpulist.format(node.id for node in nodes) or 'none'}; give both --numa-node "
            "and --cpus"
        )
    return nodes, cpus


def _wanted(
    topology: Topology, *, node_option: str | None, cpus_option: str | None
) -> tuple[list[Node], frozenset[int]]:
    cpus = None if cpus_option is None else _parse_cpus(topology, cpus_option)
    if node_option is not None:
        nodes = _parse_nodes(topology, node_option)
    elif cpus is not None:
        nodes = [node for node in topology.nodes if node.id in topology.nodes_of(cpus)]
    else:
        raise _Refusal("no placement is wanted: give --numa-node, --cpus or both")
    for node in nodes:
        _check_usable(node)
    node_cpus = frozenset[int]().union(*(node.cpus for node in nodes))
    if cpus is None:
        return nodes, node_cpus
    if not nodes:
        raise _Refusal(
            f"--cpus: expected CPUs of a node, found {cpulist.format(cpus)!r}, of none; "
            "name other CPUs"
        )
    if outside := cpus - node_cpus:
        shown = cpulist.format(node.id for node in nodes)
        raise _Refusal(
            f"--cpus: expected CPUs of node {shown} "
            f"({cpulist.format(node_cpus)}), found {cpulist.format(outside)!r} besides; "
            "name other CPUs, or give --numa-node all the nodes that they belong to"
        )
    return nodes, cpus


def _existing_cpus(topology: Topology, option: str) -> frozenset[int]:
    cpus = cpulist.parse(option, source="--cpus")
    if not cpus:
        raise _Refusal(f"--cpus: expected a list such as 0-3,8, found {option!r}")
    if absent := cpus - topology.cpus_online - topology.cpus_offline:
        raise _Refusal(
            f"--cpus: expected CPUs of this host, found {cpulist.format(absent)!r}, "
            "which do not exist"
        )
    return cpus


def _parse_cpus(topology: Topology, option: str) -> frozenset[int]:
    cpus = _existing_cpus(topology, option)
    if offline := cpus & topology.cpus_offline:
        shown = cpulist.format(offline)
        raise _Refusal(
            f"--cpus: expected online CPUs, found {shown!r}, offline; leave them out, or switch "
            f"them on: echo 1 > /sys/devices/system/cpu/cpu{min(offline)}/online"
        )
    return cpus


def _parse_nodes(topology: Topology, option: str) -> list[Node]:
    if option.strip() == _AUTO:
        return [_chosen(topology)]
    wanted = cpulist.parse(option, source="--numa-node")
    if not wanted:
        raise _Refusal(f"--numa-node: expected nodes such as 0 or 0,1, or auto, found {option!r}")
    nodes = [node for node in topology.nodes if node.id in wanted]
    if absent := wanted - {node.id for node in nodes}:
        raise _Refusal(
            f"--numa-node: expected nodes of this host, found {cpulist.format(absent)!r}, "
            "which do not exist"
        )
    return nodes


def _check_usable(node: Node) -> None:
    if not node.cpus:
        what = "all its CPUs are offline" if node.cpus_offline else "it is memory only"
        raise _Refusal(
            f"node {node.id}: expected a node with online CPUs, found none: {what}; "
            "name a node with CPUs"
        )
    if not node.memory_bytes:
        raise _Refusal(
            f"node {node.id}: expected a node with memory, found none; name a node that has "
            "both memory and CPUs"
        )


def _check_allowed(cpus: frozenset[int], allowed: frozenset[int] | None) -> None:
    if allowed is None or cpus <= allowed:
        return
    usable = cpulist.format(cpus & allowed)
    advice = f"give --cpus {usable}, or " if usable else ""
    raise _Refusal(
        f"--cpus: expected CPUs that this process may use ({cpulist.format(allowed)}), found "
        f"{cpulist.format(cpus - allowed)!r}; {advice}start pytest with a wider affinity "
        "(taskset, the container's cpuset)"
    )


def _chosen(topology: Topology) -> Node:
    """Choose the node of the GPU, or without a GPU the node with the most available memory."""
    candidates = [node for node in topology.nodes if node.cpus and node.memory_bytes]
    if not candidates:
        raise _Refusal("--numa-node auto: expected a node with CPUs and memory, found none")
    if len(candidates) == 1:
        return candidates[0]
    if topology.accelerators:
        return _node_of_gpus(topology)
    most = max(map(_available_bytes, candidates))
    return next(node for node in candidates if _available_bytes(node) >= most * _ALIKE)


def _node_of_gpus(topology: Topology) -> Node:
    gpus = topology.accelerators
    (node_id, *others) = {gpu.node for gpu in gpus}
    node = None if node_id is None or others else topology.node(node_id)
    if node is None:
        shown = ", ".join(
            f"{gpu.address} on node {'unknown' if gpu.node is None else gpu.node}" for gpu in gpus
        )
        raise _Refusal(
            f"--numa-node auto: expected all GPUs on one known node, found {shown}; name the "
            "node: --numa-node N"
        )
    return node


def _available_bytes(node: Node) -> int:
    available = node.memory_available_bytes
    return node.memory_bytes if available is None else available


def _shown(topology: Topology) -> str:
    return "\n".join(
        f"  node {node.id}: CPUs {cpulist.format(node.cpus) or 'none'}"
        f"{f' (offline {offline})' if (offline := cpulist.format(node.cpus_offline)) else ''}, "
        f"{formatting.bytes_iec(node.memory_bytes)} of memory"
        for node in topology.nodes
    )
