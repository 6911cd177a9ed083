"""The ranges of a process's memory: /proc/PID/maps. Format: proc_pid_maps(5)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_numa.errors import ParseError

_LINE = re.compile(
    r"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][sp]) ([0-9a-f]{1,16}) "
    r"([0-9a-f]{2,5}:[0-9a-f]{2,5}) ([0-9]{1,20})(?: +(.*))?"
)


class Range(NamedTuple):
    """One range; ``end`` is the first address behind it. A tuple: a process may have 100,000."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    """0 for memory without a file."""
    path: str
    """The file, or the kernel's label as ``[heap]``; empty for anonymous memory."""

    @property
    def is_file(self) -> bool:
        """Whether there is a file behind it, one of tmpfs or hugetlbfs too."""
        return self.inode != 0


def parse(text: str, *, source: str) -> Iterator[Range]:
    """Read the file line by line; ParseError at a line that is not in the format."""
    # Not splitlines(): a path may hold any control character but newline.
    stripped = text.strip("\0\n")
    for number, line in enumerate(stripped.split("\n") if stripped else [], start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(
                f"{source}:{number}",
                expected="START-END PERMISSIONS OFFSET DEVICE INODE [PATH]",
                found=line,
            )
        start, end, permissions, offset, device, inode, path = match.groups()
        if int(start, 16) >= int(end, 16):
            raise ParseError(f"{source}:{number}", expected="START below END", found=line)
        yield Range(
            start=int(start, 16),
            end=int(end, 16),
            permissions=permissions,
            offset=int(offset, 16),
            device=device,
            inode=int(inode),
            # The kernel escapes a newline here, and nothing else: not even the backslash.
            path=path.replace("\\012", "\n") if path else "",
        )
