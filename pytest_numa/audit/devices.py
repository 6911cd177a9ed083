"""Devices: interrupts, and which node GPUs, network adapters and their links are at."""

import re

from pytest_numa.audit.check import Fix, Outcome, failed, passed, skipped, unknown
from pytest_numa.audit.machine import Machine, UnreadableError
from pytest_numa.host import Device
from pytest_numa.kernel import cpulist

_DEVICES = "sys/bus/pci/devices"
_SHOWN = 3
_VIRTIO = "0x1af4"
_NO_POLICY = "what a service is to have was not said: --numa-node, --cpus"


def interrupts(machine: Machine) -> Outcome:
    """N13: which interrupts are handled by the service's CPUs."""
    if machine.policy is None:
        return skipped(_NO_POLICY)
    come = {number: one for number, one in _counts(machine).items() if one[0]}
    busy = [number for number in come if _handled_by(machine, number) & machine.policy.cpus]
    if not busy:
        return passed(
            f"none of {len(come)} interrupts that have come on CPUs {machine.policy.cpu_list}"
        )
    worst = sorted(busy, key=lambda number: come[number][0], reverse=True)[:_SHOWN]
    shown = ", ".join(f"{come[number][1]} ({number})" for number in worst)
    return failed(
        f"{len(busy)} of {len(come)} interrupts that have come are handled by the service's CPUs, "
        f"most of them {shown}",
        Fix(
            text=f"IRQBALANCE_BANNED_CPULIST={machine.policy.cpu_list} for irqbalance, or write "
            "other CPUs to /proc/irq/N/smp_affinity_list (those that the kernel manages refuse)"
        ),
    )


def _handled_by(machine: Machine, number: int) -> frozenset[int]:
    return machine.parse(f"proc/irq/{number}/effective_affinity_list", cpulist.parse)


def _counts(machine: Machine) -> dict[int, tuple[int, str]]:
    """How often each numbered interrupt has come, and what it is for: proc_interrupts(5)."""
    head, *lines = machine.read("proc/interrupts").split("\n")
    cpus = head.split()
    if not cpus or not all(re.fullmatch(r"CPU\d+", one) for one in cpus):
        raise UnreadableError(f"/proc/interrupts: expected CPU0 and on, found {head[:40]!r}")
    found: dict[int, tuple[int, str]] = {}
    for line in lines:
        number, _, rest = line.partition(":")
        if number.strip().isdecimal():
            words = rest.split()
            # As many counts as CPUs: some controllers have a number of their own after them.
            found[int(number)] = (sum(map(int, words[: len(cpus)])), words[-1] if words else "")
    return found


def accelerators(machine: Machine) -> Outcome:
    """N14: whether the service is where its GPU is."""
    found = machine.topology.accelerators
    _know_all(machine)
    if not found:
        return skipped("no GPU")
    shown = ", ".join(f"{one.address} on node {_node(one)}" for one in found)
    if any(one.node is None for one in found):
        return unknown(f"firmware does not say where each is: {shown}")
    machine.require(
        [f"{_DEVICES}/{one.address}" for one in found], any_of=["local_cpulist", "local_cpus"]
    )
    if machine.policy is None:
        return skipped(f"{shown}; {_NO_POLICY}")
    near = machine.topology.nodes_of(machine.policy.cpus) | machine.policy.memory_nodes
    if any(one.node in near for one in found):
        return passed(shown)
    return failed(
        f"{shown}; none at the service's node {machine.policy.node_list}",
        Fix(text="give the service the node of its GPU: --numa-node auto"),
    )


def _know_all(machine: Machine) -> None:
    """UnreadableError where a device is there of which it is not told what it is."""
    if not machine.exists(_DEVICES):
        raise UnreadableError(f"there is no /{_DEVICES}")
    folders = machine.names(f"{_DEVICES}/*:*")
    machine.require(folders, any_of=["class"])
    # What a VGA controller is the vendor tells.
    vga = [one for one in folders if machine.read(f"{one}/class").startswith("0x0300")]
    machine.require(vga, any_of=["vendor"])


def fabric(machine: Machine) -> Outcome:
    """N15: whether GPUs have an RDMA adapter at their own node."""
    gpus = machine.topology.accelerators
    adapters = machine.names("sys/class/infiniband/*")
    _know_all(machine)
    if not gpus:
        return skipped("no GPU")
    if not adapters:
        return skipped("no RDMA adapter")
    nodes = {machine.number(f"{name}/device/numa_node") for name in adapters}
    if -1 in nodes or any(one.node is None for one in gpus):
        return unknown("firmware does not say where each GPU and RDMA adapter is")
    lacking = [one for one in gpus if one.node not in nodes]
    if not lacking:
        return passed(f"an RDMA adapter at the node of each of {len(gpus)} GPUs")
    return failed(
        ", ".join(f"{one.address} on node {_node(one)}" for one in lacking)
        + f" without one; adapters are on nodes {cpulist.format(nodes)}",
        Fix(text="move the adapter to a slot of that socket"),
    )


def links(machine: Machine) -> Outcome:
    """N16: whether devices run at the width and speed that they could."""
    _know_all(machine)
    known = [one for one in machine.topology.devices if _is_on_link(machine, one)]
    if not known:
        return skipped("no device on a PCI Express link")
    narrow = [one for one in known if _is_less(machine, one, "width")]
    if narrow:
        return failed(
            ", ".join(_link(machine, one) for one in narrow),
            Fix(text="seat the device anew, or give it a slot with all lanes"),
        )
    slow = [one for one in known if _is_less(machine, one, "speed")]
    if slow:
        return unknown(
            ", ".join(_link(machine, one) for one in slow)
            + ": idle devices slow their links down; look again under load"
        )
    return passed(f"{len(known)} devices at full width and speed")


def _is_on_link(machine: Machine, device: Device) -> bool:
    folder = f"{_DEVICES}/{device.address}"
    if device.kind == "gpu" and not device.is_accelerator:
        return False
    if not machine.exists(f"{folder}/max_link_width") and _is_virtio(machine, folder):
        return False
    # 0 is said of what sits on no link: functions of the chipset, and devices of a hypervisor.
    return machine.read(f"{folder}/max_link_width") not in ("0", "255")


def _is_virtio(machine: Machine, folder: str) -> bool:
    return machine.read_if_any(f"{folder}/vendor") == _VIRTIO


def _is_less(machine: Machine, device: Device, what: str) -> bool:
    now, most = (
        _leading(machine, f"{_DEVICES}/{device.address}/{which}_link_{what}")
        for which in ("current", "max")
    )
    return now < most


def _link(machine: Machine, device: Device) -> str:
    folder = f"{_DEVICES}/{device.address}"
    now, most = (
        f"x{machine.read(f'{folder}/{which}_link_width')} "
        f"{machine.read(f'{folder}/{which}_link_speed')}"
        for which in ("current", "max")
    )
    return f"{device.kind} {device.address} at {now} of {most}"


def _leading(machine: Machine, name: str) -> float:
    """The number before the unit; a speed may be ``Unknown``."""
    text = machine.read(name)
    found = re.match(r"\d{1,6}(?:\.\d{1,6})?", text, re.ASCII)
    if found is None:
        raise UnreadableError(f"/{name}: expected a number, found {text[:40]!r}")
    return float(found[0])


def _node(device: Device) -> str:
    return "unknown" if device.node is None else str(device.node)
