"""Lists of CPUs or nodes as the kernel writes them: ``0-3,8``.

Format: cpuset(7) "List format", and bitmap_parselist() in the kernel's lib/bitmap.c, which also
reads ``0-30:2/4`` (of every 4 numbers the first 2). systemctl separates with blanks.
"""

import re
from collections.abc import Iterable

from pytest_numa.errors import ParseError

# No kernel is built for more (CONFIG_NR_CPUS is at most 8192); keeps a typing mistake such as
# 0-99999999999 from filling the memory.
LARGEST = 1_048_575

_REGION = re.compile(
    r"(?P<first>[0-9]{1,12})(?:-(?P<last>[0-9]{1,12})(?::(?P<used>[0-9]{1,7})/(?P<group>[0-9]{1,7}))?)?"
)


def parse(text: str, *, source: str) -> frozenset[int]:
    """Read a list; empty text is the empty set. ``source`` names the text in the error."""
    stripped = text.strip("\0\n\t ")
    if not stripped:
        return frozenset()
    members: set[int] = set()
    for region in re.split(r"[ \t]*,[ \t]*|[ \t]+", stripped):
        members.update(_region(region, text=stripped, source=source))
    return frozenset(members)


def format(members: Iterable[int]) -> str:  # noqa: A001 - called as cpulist.format(), beside parse
    """Write a list as the kernel does; the empty set is empty text."""
    runs: list[list[int]] = []
    for member in sorted(set(members)):
        if runs and member == runs[-1][-1] + 1:
            runs[-1][1:] = [member]
        else:
            runs.append([member])
    return ",".join("-".join(map(str, run)) for run in runs)


def _region(region: str, *, text: str, source: str) -> Iterable[int]:
    match = _REGION.fullmatch(region)
    if match is None:
        raise ParseError(source, expected="a list such as 0-3,8", found=text)
    first = int(match["first"])
    last = int(match["last"] or first)
    if not first <= last <= LARGEST:
        raise ParseError(
            source, expected=f"ascending numbers up to {LARGEST} in a list", found=text
        )
    if match["used"] is None:
        return range(first, last + 1)
    used, group = int(match["used"]), int(match["group"])
    if not 1 <= used <= group:
        raise ParseError(source, expected="USED/GROUP with 1 <= USED <= GROUP", found=text)
    return (number for number in range(first, last + 1) if (number - first) % group < used)
