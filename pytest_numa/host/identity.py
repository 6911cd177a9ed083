"""Which host this is, and which class of hosts it belongs to: what a baseline is valid for."""

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.host import files, sysfs
from pytest_numa.kernel import cpuinfo

_GIB = 2**30
# Device ids of virtio: balloon, memory (virtio specification, section 5).
_MEMORY_DEVICES = frozenset({"0x0005", "0x0018"})
_SELF_EVIDENT = ("CPU model", "architecture")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostIdentity:
    """A host's name and what decides its speed.

    Two hosts of one class may share a baseline. ``memory_gib_per_node`` is rounded to the sizes
    that memory is sold in (see ``nominal_gib``), so that a firmware update, which moves MemTotal
    by some MiB, does not change the class. Where ``is_memory_variable``, the hypervisor may change
    the size while the host runs, and by any amount: no rounding is honest then, and the class
    leaves memory out.
    """

    hostname: str
    kernel_release: str
    machine: str
    """The architecture, as ``uname -m`` prints it."""
    cpu_model: str
    sockets: int
    nodes: tuple[int, ...]
    cpus_per_node: tuple[int, ...]
    """Online CPUs, in the order of ``nodes``."""
    memory_gib_per_node: tuple[float, ...]
    is_memory_variable: bool
    is_smt: bool

    @property
    def host_class(self) -> str:
        """The class as a short text, the same in each session on hosts that are alike."""
        return ", ".join(
            value if name in _SELF_EVIDENT else f"{name} {value}"
            for name, value in self._traits().items()
        )

    def differences(self, other: "HostIdentity") -> tuple[str, ...]:
        """Say what keeps the two out of one class; nothing where they are in the same."""
        theirs = other._traits()  # noqa: SLF001 - of the same class
        return tuple(
            f"{name}: {mine} here, {theirs[name]} there"
            for name, mine in self._traits().items()
            if mine != theirs[name]
        )

    def _traits(self) -> dict[str, str]:
        memory = (
            "variable" if self.is_memory_variable else f"{_alike(self.memory_gib_per_node)} GiB"
        )
        return {
            "CPU model": self.cpu_model,
            "architecture": self.machine,
            "sockets": str(self.sockets),
            "nodes": str(len(self.nodes)),
            "CPUs per node": _alike(self.cpus_per_node),
            "memory per node": memory,
            "SMT": "on" if self.is_smt else "off",
        }


def read_identity(root: Path = Path("/")) -> HostIdentity:
    """Read who the host below ``root`` is. What a capture lacks reads ``unknown``."""
    topology = sysfs.read_topology(root)
    # A live host always answers; a capture must not be given this host's name.
    is_live = root == Path("/")
    return HostIdentity(
        hostname=_kernel_fact(root, "hostname") or (platform.node() if is_live else "unknown"),
        kernel_release=_kernel_fact(root, "osrelease")
        or (platform.release() if is_live else "unknown"),
        # /proc/sys/kernel/arch came with Linux 6.1.
        machine=_kernel_fact(root, "arch") or (platform.machine() if is_live else "unknown"),
        cpu_model=cpuinfo.parse_model(files.read_if_any(root / "proc/cpuinfo") or ""),
        sockets=max(1, len(topology.sockets)),
        nodes=tuple(node.id for node in topology.nodes),
        cpus_per_node=tuple(len(node.cpus) for node in topology.nodes),
        memory_gib_per_node=tuple(nominal_gib(node.memory_bytes) for node in topology.nodes),
        is_memory_variable=_is_memory_variable(root),
        is_smt=topology.is_smt,
    )


def nominal_gib(size_bytes: int) -> float:
    """Round a node's memory up to 1 or 1.5 times a power of two, in GiB.

    The kernel and the firmware keep some per cent to themselves, so that MemTotal is a little less
    than what is installed (119.7 of 128 GiB); modules are sold in these sizes. A size up to 1 %
    above a step still counts to it.
    """
    if size_bytes <= 0:
        return 0
    wanted_gib = size_bytes / _GIB / 1.01
    power = 2.0 ** math.ceil(math.log2(wanted_gib))
    return power * 0.75 if power * 0.75 >= wanted_gib else power


def _is_memory_variable(root: Path) -> bool:
    """Whether a balloon or memory device lets the hypervisor change the memory at run time."""
    paths = (root / "sys/bus/virtio/devices").glob("virtio*/device")
    texts = (files.read_if_any(path) or "" for path in paths)
    has_virtio = any(text.strip() in _MEMORY_DEVICES for text in texts)
    return has_virtio or (root / "sys/devices/system/xen_memory").is_dir()


def _kernel_fact(root: Path, name: str) -> str | None:
    return (files.read_if_any(root / "proc/sys/kernel" / name) or "").strip("\0\n ") or None


def _alike(values: Sequence[float]) -> str:
    """``24`` where all are 24, ``24+24+0`` where they differ."""
    shown = [f"{value:g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else "+".join(shown)
