"""A pytest plugin for the guest: what the kernel says of the service, read without pytest-numa.

It runs beside the packaged acceptance suite (``-p seen_from_outside``) and writes ``seen.json``.
"""

import json
import re
from pathlib import Path

import pytest

_SEEN = Path("seen.json")


@pytest.fixture(autouse=True)
def _seen(numa_pid: int) -> None:
    process = Path("/proc", str(numa_pid))
    cgroup = (process / "cgroup").read_text().strip().partition("::")[2]
    group = Path("/sys/fs/cgroup", cgroup.lstrip("/"))
    seen = {
        "cgroup": cgroup,
        "allowed_cpus": _status(process, "Cpus_allowed_list"),
        "allowed_nodes": _status(process, "Mems_allowed_list"),
        "cpuset_cpus": (group / "cpuset.cpus.effective").read_text().strip(),
        "cpuset_nodes": (group / "cpuset.mems.effective").read_text().strip(),
        "anonymous_bytes": _anonymous(group / "memory.numa_stat"),
    }
    _SEEN.write_text(json.dumps(seen))


def _status(process: Path, key: str) -> list[str]:
    """All values of a key over the threads of a process, each once."""
    texts = (path.read_text() for path in process.glob("task/*/status"))
    return sorted({value for text in texts for value in re.findall(rf"(?m)^{key}:\s*(.*)$", text)})


def _anonymous(path: Path) -> dict[str, int]:
    """Bytes by node, as ``{"N0": 0}``; the format is that of cgroup-v2.rst, memory.numa_stat."""
    line = next(line for line in path.read_text().splitlines() if line.startswith("anon "))
    return {node: int(size) for node, size in (pair.split("=") for pair in line.split()[1:])}
