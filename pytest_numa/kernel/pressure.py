"""How long work stood still for want of a resource: /proc/pressure/cpu, a cgroup's io.pressure.

Format: the kernel's Documentation/accounting/psi.rst.
"""

import re
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_AVERAGE = r"[0-9]{1,3}\.[0-9]{2}"
_LINE = re.compile(
    rf"(some|full) avg10={_AVERAGE} avg60={_AVERAGE} avg300={_AVERAGE} total=([0-9]{{1,20}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """Totals in microseconds since boot, or since the cgroup was made."""

    some_us: int
    """At least one task waited."""
    full_us: int | None
    """All tasks that were not idle waited. None in /proc/pressure/cpu before Linux 5.13."""


def parse(text: str, *, source: str) -> Pressure:
    """Read the file; ParseError where a line is alien, or ``some`` is missing."""
    totals: dict[str, int] = {}
    for number, line in enumerate(text.strip("\0\n").split("\n"), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(
                f"{source}:{number}", expected="some|full avg10= avg60= avg300= total=", found=line
            )
        totals[match[1]] = int(match[2])
    if "some" not in totals:
        raise ParseError(source, expected="a line some", found=text)
    return Pressure(some_us=totals["some"], full_us=totals.get("full"))
