"""What each CPU spent its time on: /proc/stat. Format: proc_stat(5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_LINE = re.compile(r"cpu([0-9]{1,5}) ((?:[0-9]{1,20} ?){4,12})", re.ASCII)
_IDLE = (3, 4)  # idle and iowait
_STEAL = 7
# The time of guests stands in user and nice already.
_FIRST_GUEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """One CPU since boot, in clock ticks (sysconf _SC_CLK_TCK)."""

    busy_ticks: int
    """All but idle, waiting for I/O, and stolen."""
    steal_ticks: int
    """Time that the hypervisor gave to others while this CPU had work."""


def parse(text: str, *, source: str) -> Mapping[int, CpuTimes]:
    """Read the lines of the single CPUs, by number; ParseError where there is none.

    CPUs that are offline are not in the file.
    """
    times: dict[int, CpuTimes] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        # They come first; the line of all together before them, interrupts after.
        if not line.startswith("cpu"):
            break
        if line.startswith("cpu "):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"{source}:{number}", expected="cpuN and four or more", found=line)
        times[int(match[1])] = _times([int(field) for field in match[2].split()])
    if not times:
        raise ParseError(source, expected="a line cpu0", found=text)
    return times


def _times(fields: list[int]) -> CpuTimes:
    own = fields[:_FIRST_GUEST]
    steal = own[_STEAL] if len(own) > _STEAL else 0
    return CpuTimes(
        busy_ticks=sum(own) - sum(own[i] for i in _IDLE if i < len(own)) - steal, steal_ticks=steal
    )
