"""What the host is: nodes, CPUs, memory, distances, PCI devices, and its class."""

from pytest_numa.host.identity import HostIdentity, read_identity
from pytest_numa.host.sysfs import read_topology
from pytest_numa.host.topology import Cpu, Device, Node, Topology, assumed_topology

__all__ = [
    "Cpu",
    "Device",
    "HostIdentity",
    "Node",
    "Topology",
    "assumed_topology",
    "read_identity",
    "read_topology",
]
