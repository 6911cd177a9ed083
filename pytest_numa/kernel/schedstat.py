"""How long a thread ran and how long it waited to run: /proc/PID/task/TID/schedstat.

Format: the kernel's Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat". A kernel
built without CONFIG_SCHED_INFO has no such file; one that has it switched off prints ``0 0 0``.
"""

import re
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_LINE = re.compile(r"([0-9]{1,20}) ([0-9]{1,20}) ([0-9]{1,20})\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedstat:
    """One thread since its start."""

    run_ns: int
    wait_ns: int
    """Ready to run, but on no CPU: the run-queue delay."""
    timeslices: int


def parse(text: str, *, source: str) -> Schedstat:
    """Read the file."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise ParseError(source, expected="RUN_NS WAIT_NS TIMESLICES", found=text)
    return Schedstat(run_ns=int(match[1]), wait_ns=int(match[2]), timeslices=int(match[3]))
