"""Builds /sys and /proc trees of hosts for tests."""

import tarfile
from pathlib import Path

import pytest

_SAMPLES = Path(__file__).parents[3] / "shared/samples/sysfs"


def unpack(factory: pytest.TempPathFactory, name: str) -> Path:
    """Unpack a captured machine, once a session, and return its root."""
    if not _SAMPLES.is_dir():
        pytest.skip("the captured samples are not on this machine")
    folder = factory.getbasetemp() / "machines"
    if not (folder / name).exists():
        with tarfile.open(_SAMPLES / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return folder / name


def write(root: Path, name: str, text: str) -> None:
    """Write a file of the tree."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def build(root: Path) -> Path:
    """Build a host of two CPUs in two nodes of 1 GiB, whose files a test may change."""
    write(root, "sys/devices/system/cpu/online", "0-1\n")
    write(root, "sys/devices/system/node/online", "0-1\n")
    for number in (0, 1):
        cpu = f"sys/devices/system/cpu/cpu{number}/topology"
        node = f"sys/devices/system/node/node{number}"
        write(root, f"{cpu}/core_id", f"{number}\n")
        write(root, f"{cpu}/physical_package_id", "0\n")
        write(root, f"{cpu}/thread_siblings_list", f"{number}\n")
        write(root, f"{node}/cpulist", f"{number}\n")
        write(root, f"{node}/distance", ("10 21\n", "21 10\n")[number])
        write(root, f"{node}/meminfo", f"Node {number} MemTotal: 1048576 kB\n")
    return root
