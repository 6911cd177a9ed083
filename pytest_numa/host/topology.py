"""Nodes, CPUs and devices of a host, as values."""

from collections.abc import Mapping
from dataclasses import dataclass

_ASSUMED_CPUS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """One logical CPU. An offline one has no topology."""

    id: int
    is_online: bool
    core_id: int | None
    socket_id: int | None
    siblings: frozenset[int]
    """The online CPUs of its core, itself among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. Without CPUs it is memory alone (CXL, GPU); without memory, CPUs alone."""

    id: int
    cpus: frozenset[int]
    """Online CPUs."""
    cpus_offline: frozenset[int]
    """Offline CPUs, as far as the kernel still lists them: running kernels do not."""
    memory_bytes: int
    memory_free_bytes: int | None
    memory_available_bytes: int | None
    """Free memory and page cache that can be given up; None where not even free is known."""
    distances: Mapping[int, int]
    """To each online node, 10 being local; empty where firmware and capture say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A PCI device. ``node`` is None where firmware does not say; never guess node 0."""

    address: str
    kind: str
    """``gpu``, ``nic`` or ``nvme``."""
    node: int | None
    is_accelerator: bool
    """Whether it is a GPU that computes, not the console of a BMC or virtual machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The host at the time of reading."""

    nodes: tuple[Node, ...]
    cpus: tuple[Cpu, ...]
    devices: tuple[Device, ...]
    is_numa: bool
    """False where the kernel knows no nodes; then node 0 stands for the whole host."""

    @property
    def cpus_online(self) -> frozenset[int]:
        """All CPUs that can run threads."""
        return frozenset(cpu.id for cpu in self.cpus if cpu.is_online)

    @property
    def cpus_offline(self) -> frozenset[int]:
        """CPUs that are present and switched off."""
        return frozenset(cpu.id for cpu in self.cpus if not cpu.is_online)

    @property
    def sockets(self) -> tuple[int, ...]:
        """Physical package ids of the online CPUs, ascending."""
        return tuple(sorted({cpu.socket_id for cpu in self.cpus if cpu.socket_id is not None}))

    @property
    def is_smt(self) -> bool:
        """Whether any core runs two or more CPUs now."""
        return any(len(cpu.siblings) > 1 for cpu in self.cpus)

    @property
    def accelerators(self) -> tuple[Device, ...]:
        """The GPUs that compute."""
        return tuple(device for device in self.devices if device.is_accelerator)

    def node(self, node_id: int) -> Node | None:
        """Find a node by its id; ids need not be contiguous."""
        return next((node for node in self.nodes if node.id == node_id), None)

    def nodes_of(self, cpus: frozenset[int]) -> frozenset[int]:
        """Find the nodes of these CPUs, online or not."""
        return frozenset(node.id for node in self.nodes if cpus & (node.cpus | node.cpus_offline))


def assumed_topology(nodes: frozenset[int], cpus: frozenset[int]) -> Topology:
    """A host of which nothing is known but these: all CPUs that may be are taken for online."""
    everything = cpus | frozenset(range(_ASSUMED_CPUS))
    return Topology(
        nodes=tuple(
            Node(
                id=node,
                cpus=cpus,
                cpus_offline=frozenset(),
                memory_bytes=0,
                memory_free_bytes=None,
                memory_available_bytes=None,
                distances={},
            )
            for node in sorted(nodes)
        ),
        cpus=tuple(
            Cpu(
                id=number,
                is_online=True,
                core_id=None,
                socket_id=None,
                siblings=frozenset({number}),
            )
            for number in sorted(everything)
        ),
        devices=(),
        is_numa=True,
    )
