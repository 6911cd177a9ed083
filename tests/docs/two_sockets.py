"""The host that most pages speak of: two sockets of 16 CPUs and a GPU each, as a folder.

No machine was captured for it: it stands for the reader's own, of which pages can only say what it
is like.
"""

from pathlib import Path

_CPUS_OF_NODE = {0: range(16), 1: range(16, 32)}
_MEMORY_KB = 256 * 2**20
_GPU_CLASS, _NVIDIA = "0x030200", "0x10de"


def build(root: Path) -> Path:
    """Write ``sys`` and ``proc`` below a folder, and return it."""
    devices = root / "sys/devices/system"
    _write(devices / "cpu/online", "0-31")
    _write(devices / "cpu/possible", "0-31")
    _write(devices / "node/online", "0-1")
    for node, cpus in _CPUS_OF_NODE.items():
        _node(devices / f"node/node{node}", node, cpus)
        for cpu in cpus:
            _cpu(devices / f"cpu/cpu{cpu}/topology", cpu, node)
        _gpu(root / f"sys/bus/pci/devices/0000:{node + 1}7:00.0", node)
    _write(root / "proc/meminfo", f"MemTotal: {2 * _MEMORY_KB} kB\nMemAvailable: {_MEMORY_KB} kB")
    return root


def _node(folder: Path, node: int, cpus: range) -> None:
    _write(folder / "cpulist", f"{cpus[0]}-{cpus[-1]}")
    _write(folder / "distance", ("10 21", "21 10")[node])
    amounts = {"MemTotal": _MEMORY_KB, "MemFree": _MEMORY_KB // 2, "FilePages": 0}
    lines = [f"Node {node} {name}: {size} kB" for name, size in amounts.items()]
    _write(folder / "meminfo", "\n".join(lines))


def _cpu(folder: Path, cpu: int, node: int) -> None:
    _write(folder / "core_id", f"{cpu % 16}")
    _write(folder / "physical_package_id", f"{node}")
    _write(folder / "thread_siblings_list", f"{cpu}")


def _gpu(folder: Path, node: int) -> None:
    _write(folder / "class", _GPU_CLASS)
    _write(folder / "vendor", _NVIDIA)
    _write(folder / "numa_node", f"{node}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="utf-8")
