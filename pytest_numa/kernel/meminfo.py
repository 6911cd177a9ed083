"""Memory of the host or of a node: /proc/meminfo, /sys/devices/system/node/nodeN/meminfo.

Format: proc_meminfo(5). The file of a node has ``Node N`` before each name. Unit is KiB, though
the files say kB.
"""

import re
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_LINE = re.compile(r"(?:Node +[0-9]+ +)?([^\s:]+): *([0-9]{1,18})( kB)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meminfo:
    """Sizes at the time of reading; None where the file has no such line."""

    total_bytes: int
    free_bytes: int | None
    file_cache_bytes: int | None
    """Page cache on the LRU lists, which the kernel gives up when memory runs short."""

    @property
    def available_bytes(self) -> int | None:
        """Free memory and page cache; None where not even the free memory is known."""
        if self.free_bytes is None:
            return None
        return self.free_bytes + (self.file_cache_bytes or 0)


def parse(text: str, *, source: str) -> Meminfo:
    """Read either file; ParseError where there is no MemTotal or a line is alien."""
    sizes: dict[str, int] = {}
    for number, line in enumerate(text.strip("\0\n").split("\n"), start=1):
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise ParseError(f"{source}:{number}", expected="NAME: SIZE kB", found=line)
        # A line without unit counts huge pages.
        if match[3]:
            sizes[match[1]] = int(match[2]) * 1024
    if "MemTotal" not in sizes:
        raise ParseError(source, expected="a line MemTotal", found=text)
    lists = [sizes[name] for name in ("Active(file)", "Inactive(file)") if name in sizes]
    return Meminfo(
        total_bytes=sizes["MemTotal"],
        free_bytes=sizes.get("MemFree"),
        file_cache_bytes=sum(lists) if lists else None,
    )
