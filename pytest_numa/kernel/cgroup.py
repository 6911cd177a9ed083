"""In which cgroups a process is: /proc/PID/cgroup.

Format: cgroups(7). A hybrid host prints ``0::PATH`` for the unified hierarchy and lines
``N:CONTROLLERS:PATH`` for those of version 1, which may differ in path.
"""

import re
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_LINE = re.compile(r"([0-9]{1,10}):([^:]*):(/.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The place in one hierarchy. ``path`` is relative to the reader's cgroup namespace."""

    controllers: frozenset[str]
    """Empty for the unified hierarchy; ``name=systemd`` for systemd's own of version 1."""
    path: str

    @property
    def is_unified(self) -> bool:
        """Whether this is cgroup version 2."""
        return not self.controllers


def parse(text: str, *, source: str) -> tuple[Membership, ...]:
    """Read the file; empty text (a kernel without cgroups) is no membership."""
    stripped = text.strip("\0\n")
    lines = stripped.split("\n") if stripped else []
    return tuple(
        _membership(line, source=f"{source}:{number}") for number, line in enumerate(lines, start=1)
    )


def _membership(line: str, *, source: str) -> Membership:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ParseError(source, expected="ID:CONTROLLERS:/PATH", found=line)
    return Membership(
        controllers=frozenset(match[2].split(",")) if match[2] else frozenset(),
        # The kernel marks the cgroup of a zombie whose cgroup was removed.
        path=match[3].removesuffix(" (deleted)"),
    )
