"""The machine that QEMU is told to be: two nodes with CPUs, and a third of memory alone.

Sources: qemu(1), -numa and -object; docs/pcie.txt of QEMU for devices behind pxb-pcie.
"""

from collections.abc import Mapping
from pathlib import Path

from build_image import Image

CPUS = {0: "0-1", 1: "2-3", 2: ""}
MEMORY_MIB = {0: 1024, 1: 1024, 2: 256}
DISTANCES = {
    0: {0: 10, 1: 21, 2: 17},
    1: {0: 21, 1: 10, 2: 28},
    2: {0: 17, 1: 28, 2: 10},
}
DEVICE_NODE = 1
"""Of the NIC and of one of two GPUs; of the other GPU the firmware says no node."""

_CPU_MODELS: Mapping[str, str] = {"kvm": "host", "tcg,thread=multi": "max"}
ACCELERATORS = tuple(_CPU_MODELS)
"""The fastest first."""


def qemu_argv(image: Image, *, accelerator: str, ssh_port: int, console: Path) -> list[str]:
    """Build the command that boots ``image``, which stays as it is; SSH listens on 127.0.0.1."""
    return [
        # Where this process is killed the machine must not outlive it.
        *("setpriv", "--pdeathsig", "KILL"),
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "q35", "-accel", accelerator, "-cpu", _CPU_MODELS[accelerator]),
        *("-m", f"{sum(MEMORY_MIB.values())}M", "-smp", "4,sockets=2,cores=2"),
        *_numa(),
        *("-drive", f"file={image.disk},if=none,id=root,format=raw,snapshot=on"),
        *("-device", "virtio-blk-pci,drive=root,bus=pcie.0"),
        *("-device", "virtio-rng-pci,bus=pcie.0"),
        # A bridge with a node of its own, ports below it, the NIC and a GPU in these.
        *("-device", f"pxb-pcie,id=far,bus=pcie.0,bus_nr=64,numa_node={DEVICE_NODE}"),
        *("-device", "pcie-root-port,id=far-port,bus=far,chassis=1"),
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22"),
        *("-device", "virtio-net-pci,netdev=net,bus=far-port,romfile="),
        # To the kernel a display that is no VGA controller is what a GPU is.
        *("-device", "pcie-root-port,id=far-gpu,bus=far,chassis=2"),
        *("-device", "bochs-display,bus=far-gpu,romfile="),
        *("-device", "bochs-display,bus=pcie.0,romfile="),
        *("-serial", f"file:{console}"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
        # On a busy host the kernel's check of its timer can end in a panic.
        *("-append", "root=/dev/vda rw console=ttyS0 no_timer_check panic=-1"),
    ]


def _numa() -> list[str]:
    argv: list[str] = []
    for node, size_mib in MEMORY_MIB.items():
        cpus = f",cpus={CPUS[node]}" if CPUS[node] else ""
        argv += ["-object", f"memory-backend-ram,id=memory{node},size={size_mib}M"]
        argv += ["-numa", f"node,nodeid={node},memdev=memory{node}{cpus}"]
    for source, row in DISTANCES.items():
        for target, distance in row.items():
            argv += ["-numa", f"dist,src={source},dst={target},val={distance}"]
    return argv
