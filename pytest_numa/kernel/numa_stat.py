"""A cgroup's memory by kind and node: memory.numa_stat.

Formats: the kernel's Documentation/admin-guide/cgroup-v2.rst (bytes, ``anon N0=4096 N1=0``) and
cgroup-v1/memory.rst, section 5.6 (pages, ``hierarchical_anon=1 N0=1 N1=0``).
"""

import re
from collections.abc import Mapping

from pytest_numa.errors import ParseError

_PAGE_BYTES = 4096
_LINE = re.compile(r"([a-z_0-9]+)(=[0-9]{1,20})?((?: N[0-9]{1,6}=[0-9]{1,20})*)")


def parse(
    text: str, *, source: str, page_bytes: int = _PAGE_BYTES
) -> Mapping[str, Mapping[int, int]]:
    """Read the file: bytes by kind, as ``anon``, and node, of the cgroup and all below it.

    Version 1 knows ``total``, ``anon``, ``file`` and ``unevictable``, in pages of ``page_bytes``.
    """
    found: dict[str, dict[int, int]] = {}
    for number, line in enumerate(text.strip("\0\n").split("\n"), start=1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ParseError(f"{source}:{number}", expected="KIND N0=SIZE N1=SIZE…", found=line)
        # Version 1 has the sum before the nodes.
        unit_bytes = page_bytes if match[2] else 1
        words = (word[1:].split("=") for word in match[3].split())
        found[match[1]] = {int(node): int(size) * unit_bytes for node, size in words}
    below = {
        kind.removeprefix("hierarchical_"): sizes
        for kind, sizes in found.items()
        if kind.startswith("hierarchical_")
    }
    return below or found
