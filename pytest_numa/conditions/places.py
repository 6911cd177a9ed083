"""Where a noisy neighbour works: on the service's node, or on another one."""

from dataclasses import dataclass
from typing import Literal

from pytest_numa.errors import HostError
from pytest_numa.host import Node, Topology
from pytest_numa.kernel import cpulist
from pytest_numa.policy import Policy

Where = Literal["same", "other"]

# What each process of a neighbour copies from and to: with more than its share of the last-level
# cache it works in memory. All of them together leave a service the memory that it may need.
_BUFFER_BYTES = 64 * 2**20
_MOST_OF_AVAILABLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The CPUs of a neighbour, and what a reader should know of them."""

    where: Where
    cpus: frozenset[int]
    buffer_bytes: int
    """Each process has two of them."""
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the condition."""
        return f"neighbour {self.where}"


def find(
    where: Where,
    topology: Topology,
    policy: Policy,
    *,
    in_reach: frozenset[int],
    client_cpus: frozenset[int] | None,
) -> Place:
    """Choose the CPUs; HostError where there are none.

    ``in_reach`` are the CPUs that we may use, ``client_cpus`` those of the load generator.
    """
    client = client_cpus or frozenset[int]()
    if where == "other":
        return _on_another_node(topology, policy, in_reach=in_reach, client=client)
    own = topology.nodes_of(policy.cpus)
    nodes = [node for node in topology.nodes if node.id in own]
    left = frozenset[int]().union(*(node.cpus for node in nodes)) & in_reach - policy.cpus
    if not left:
        remark = (
            f"the policy has all CPUs of node {cpulist.format(own)}: the neighbour works on the "
            "policy's own, and `pinned` cannot move away from it"
        )
        return Place(
            where="same",
            cpus=policy.cpus,
            buffer_bytes=_buffer_bytes(nodes, policy.cpus),
            remarks=(remark,),
        )
    return _beside(topology, policy, where="same", nodes=nodes, left=left, client=client)


def _on_another_node(
    topology: Topology, policy: Policy, *, in_reach: frozenset[int], client: frozenset[int]
) -> Place:
    own = topology.nodes_of(policy.cpus)
    others = [
        node for node in topology.nodes if node.id not in own and node.cpus & in_reach - policy.cpus
    ]
    if not others:
        raise HostError(
            "--numa-neighbour other: expected CPUs that we may use on another node than "
            f"{cpulist.format(own)}, found none; leave `other` out"
        )
    # The nearest: it shares most with the service's node.
    nearest = min(
        others,
        key=lambda node: (min((node.distances.get(one, 255) for one in own), default=255), node.id),
    )
    left = nearest.cpus & in_reach
    return _beside(topology, policy, where="other", nodes=[nearest], left=left, client=client)


def _beside(
    topology: Topology,
    policy: Policy,
    *,
    where: Where,
    nodes: list[Node],
    left: frozenset[int],
    client: frozenset[int],
) -> Place:
    """On CPUs that the policy leaves over, and off the load generator's as far as can be."""
    cpus = (left - client) or _without_some(topology, left)
    remarks: list[str] = []
    if left <= client and cpus == left:
        remarks.append(
            "the neighbour shares the CPUs of the load generator, since no other is left: "
            "latencies include what the load generator waits for them"
        )
    siblings = frozenset[int]().union(
        *(cpu.siblings for cpu in topology.cpus if cpu.id in policy.cpus)
    )
    if shared := cpus & siblings:
        remarks.append(f"CPUs {cpulist.format(shared)} of it share cores with the policy's")
    return Place(
        where=where, cpus=cpus, buffer_bytes=_buffer_bytes(nodes, cpus), remarks=tuple(remarks)
    )


def _without_some(topology: Topology, cpus: frozenset[int]) -> frozenset[int]:
    """Leave a quarter of the cores to the load generator, at least one where there are two."""
    cores = sorted({cpu.siblings & cpus for cpu in topology.cpus if cpu.id in cpus}, key=min)
    kept = cores[: max(1, len(cores) - max(1, len(cores) // 4))]
    return frozenset[int]().union(*kept)


def _buffer_bytes(nodes: list[Node], cpus: frozenset[int]) -> int:
    available = sum(
        node.memory_bytes if node.memory_available_bytes is None else node.memory_available_bytes
        for node in nodes
    )
    most = available // (_MOST_OF_AVAILABLE * 2 * len(cpus))
    return min(_BUFFER_BYTES, most) if available else _BUFFER_BYTES
