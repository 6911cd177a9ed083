"""Lines of a name and a count: /proc/vmstat, a node's numastat, a cgroup's cpu.stat, memory.events.

Format: proc_vmstat(5), numastat in the kernel's Documentation/admin-guide/numastat.rst, and "flat
keyed" in its Documentation/admin-guide/cgroup-v2.rst.
"""

import re

from pytest_numa.errors import ParseError

_LINE = re.compile(r"([a-zA-Z_][a-zA-Z0-9_.]*) (-?[0-9]{1,20})")


def parse(text: str, *, source: str) -> dict[str, int]:
    """Read the counts by name; ParseError for a line that is none, and for no line at all."""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.strip("\0\n").split("\n"), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"{source}:{number}", expected="NAME COUNT", found=line)
        counts[match[1]] = int(match[2])
    return counts
