"""Devices: interrupts, and which node GPUs, network adapters and their links are at."""

import re

from pytest_numa.audit.check import Fix, Outcome, failed, passed, skipped, unknown
from pytest_numa.audit.machine import Machine
from pytest_numa.host import Device
from pytest_numa.kernel import cpulist

_DEVICES = "sys/bus/pci/devices"
_SHOWN = 3
_NO_POLICY = "what a service is to have was not said: --numa-node, --cpus"


def interrupts(machine: Machine) -> Outcome:
    """N13: which interrupts are handled by the service's CPUs."""
    if machine.policy is None:
        return skipped(_NO_POLICY)
    names = machine.names("proc/irq/[0-9]*/effective_affinity_list")
    if not names:
        return unknown("there is no /proc/irq/*/effective_affinity_list")
    counts = _counts(machine.read("proc/interrupts"))
    busy = [
        number
        for number in (int(name.split("/")[2]) for name in names)
        if counts.get(number, (0, ""))[0] and _handled_by(machine, number) & machine.policy.cpus
    ]
    if not busy:
        return passed(f"none of {len(names)} interrupts on CPUs {machine.policy.cpu_list}")
    worst = sorted(busy, key=lambda number: counts[number][0], reverse=True)[:_SHOWN]
    shown = ", ".join(f"{counts[number][1]} ({number})" for number in worst)
    return failed(
        f"{len(busy)} of {len(names)} interrupts that have come are handled by the service's CPUs, "
        f"most of them {shown}",
        Fix(
            text=f"IRQBALANCE_BANNED_CPULIST={machine.policy.cpu_list} for irqbalance, or write "
            "other CPUs to /proc/irq/N/smp_affinity_list (those that the kernel manages refuse)"
        ),
    )


def _handled_by(machine: Machine, number: int) -> frozenset[int]:
    return machine.parse(f"proc/irq/{number}/effective_affinity_list", cpulist.parse)


def _counts(text: str) -> dict[int, tuple[int, str]]:
    """How often each numbered interrupt has come, and what it is for: proc_interrupts(5)."""
    found: dict[int, tuple[int, str]] = {}
    for line in text.splitlines()[1:]:
        number, _, rest = line.partition(":")
        if number.strip().isdecimal():
            words = rest.split()
            counts = [int(word) for word in words if word.isdecimal()]
            found[int(number)] = (sum(counts), words[-1] if words else "")
    return found


def accelerators(machine: Machine) -> Outcome:
    """N14: whether the service is where its GPU is."""
    found = machine.topology.accelerators
    if not found:
        return _no_gpu(machine)
    shown = ", ".join(f"{one.address} on node {_node(one)}" for one in found)
    if any(one.node is None for one in found):
        return unknown(f"firmware does not say where each is: {shown}")
    if machine.policy is None:
        return skipped(f"{shown}; {_NO_POLICY}")
    near = machine.topology.nodes_of(machine.policy.cpus) | machine.policy.memory_nodes
    if any(one.node in near for one in found):
        return passed(shown)
    return failed(
        f"{shown}; none at the service's node {machine.policy.node_list}",
        Fix(text="give the service the node of its GPU: --numa-node auto"),
    )


def _no_gpu(machine: Machine) -> Outcome:
    if not machine.exists(_DEVICES):
        return unknown(f"there is no /{_DEVICES}")
    return skipped("no GPU")


def fabric(machine: Machine) -> Outcome:
    """N15: whether GPUs have an RDMA adapter at their own node."""
    gpus = machine.topology.accelerators
    adapters = machine.names("sys/class/infiniband/*/device/numa_node")
    if not gpus:
        return _no_gpu(machine)
    if not adapters:
        return skipped("no RDMA adapter")
    nodes = {machine.number(name) for name in adapters}
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
    devices = [
        one for one in machine.topology.devices if one.is_accelerator or one.kind in ("nic", "nvme")
    ]
    known = [
        one
        for one in devices
        if machine.exists(f"{_DEVICES}/{one.address}/max_link_width")
        # 0 is said of what sits on no link: functions of the chipset, and devices of a hypervisor.
        and machine.read(f"{_DEVICES}/{one.address}/max_link_width") not in ("0", "255")
    ]
    if not machine.exists(_DEVICES) or (devices and not known):
        return unknown("the devices' links are not told")
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


def _is_less(machine: Machine, device: Device, what: str) -> bool:
    pair = [
        machine.read(f"{_DEVICES}/{device.address}/{which}_link_{what}")
        for which in ("current", "max")
    ]
    now, most = (_leading(text) for text in pair)
    return now is not None and most is not None and now < most


def _link(machine: Machine, device: Device) -> str:
    folder = f"{_DEVICES}/{device.address}"
    now, most = (
        f"x{machine.read(f'{folder}/{which}_link_width')} "
        f"{machine.read(f'{folder}/{which}_link_speed')}"
        for which in ("current", "max")
    )
    return f"{device.kind} {device.address} at {now} of {most}"


def _leading(text: str) -> float | None:
    found = re.match(r"\d+(?:\.\d+)?", text)
    return float(found[0]) if found else None


def _node(device: Device) -> str:
    return "unknown" if device.node is None else str(device.node)
