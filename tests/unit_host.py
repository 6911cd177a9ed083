"""A captured host that units are linted for."""

from pathlib import Path


def two_nodes(root: Path) -> Path:
    """Two nodes with two CPUs each, below ``root``."""
    node, cpu = "sys/devices/system/node", "sys/devices/system/cpu"
    files = {f"{cpu}/online": "0-3", f"{node}/online": "0-1"}
    files |= {f"{cpu}/cpu{one}/topology/thread_siblings": f"{1 << one:x}" for one in range(4)}
    files |= {f"{node}/node{one}/cpulist": cpus for one, cpus in enumerate(("0-1", "2-3"))}
    files |= {f"{node}/node{one}/meminfo": f"Node {one} MemTotal: 8388608 kB" for one in (0, 1)}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root
