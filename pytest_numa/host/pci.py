"""Read the PCI devices that matter to an inference service, and where they are.

Formats: the kernel's Documentation/ABI/testing/sysfs-bus-pci; classes from the PCI Code and ID
Assignment Specification.
"""

import re
from pathlib import Path

from pytest_numa.errors import ParseError
from pytest_numa.host import files
from pytest_numa.host.topology import Device, Node
from pytest_numa.kernel import cpulist

_DEVICES = "sys/bus/pci/devices"
_VGA = 0x0300
# By base class and subclass. GPUs that compute are VGA controllers, 3D controllers (0302),
# "display, other" (0380, AMD) or processing accelerators (1200, AMD and others).
_KINDS = {_VGA: "gpu", 0x0302: "gpu", 0x0380: "gpu", 0x1200: "gpu", 0x0108: "nvme"}
_NETWORK_BASE_CLASS = 0x02
# AMD, NVIDIA, Intel. A VGA controller of others is the console of a BMC or of a virtual machine.
_GPU_VENDORS = frozenset({0x1002, 0x10DE, 0x8086})


def read_devices(root: Path, nodes: tuple[Node, ...]) -> tuple[Device, ...]:
    """Read the GPUs, NICs and NVMe drives, in the order of their addresses."""
    found: list[Device] = []
    for directory in sorted((root / _DEVICES).glob("*:*")):
        # Bits 0-7 of the class are the programming interface.
        device_class = (_number(directory / "class") or 0) >> 8
        kind = _kind(device_class)
        if kind is not None:
            is_accelerator = kind == "gpu" and (
                device_class != _VGA or _number(directory / "vendor") in _GPU_VENDORS
            )
            found.append(
                Device(
                    address=directory.name,
                    kind=kind,
                    node=_node(directory, nodes),
                    is_accelerator=is_accelerator,
                )
            )
    return tuple(found)


def _kind(device_class: int) -> str | None:
    if device_class >> 8 == _NETWORK_BASE_CLASS:
        return "nic"
    return _KINDS.get(device_class)


def _node(directory: Path, nodes: tuple[Node, ...]) -> int | None:
    """Read the device's node; None for -1 (firmware does not say), or where the files disagree.

    With -1 local_cpulist holds every CPU, or what the driver of the bus guessed: no node follows
    from it.
    """
    number = _number(directory / "numa_node")
    node = next((node for node in nodes if node.id == number), None)
    text = files.read_if_any(directory / "local_cpulist")
    if node is None:
        return None
    if text is None:
        return node.id
    local = cpulist.parse(text, source=str(directory / "local_cpulist"))
    own = node.cpus | node.cpus_offline
    disagrees = bool(local) and bool(own) and not local & own
    return None if disagrees else node.id


def _number(path: Path) -> int | None:
    text = files.read_if_any(path)
    if text is None:
        return None
    stripped = text.strip("\0\n ")
    if not re.fullmatch(r"-?(?:0x[0-9a-f]{1,8}|[0-9]{1,10})", stripped):
        raise ParseError(str(path), expected="a number", found=text)
    return int(stripped, base=16 if "x" in stripped else 10)
