"""What the scheduler notes of a thread: /proc/PID/task/TID/sched.

Format: proc_sched_show_task() in the kernel's kernel/sched/debug.c. The file is there in kernels
built with CONFIG_SCHED_DEBUG (before 6.15; since then in all).
"""

import re
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_COUNT = re.compile(
    r"\n(se\.nr_migrations|nr_voluntary_switches|nr_involuntary_switches) +: +([0-9]{1,20})(?=\n)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sched:
    """One thread since its start; None where this kernel does not say."""

    migrations: int | None
    """Moves from one CPU to another."""
    voluntary_switches: int | None
    involuntary_switches: int | None


def parse(text: str, *, source: str) -> Sched:
    """Read the file; ParseError where it has none of the counts."""
    # Later lines win: the first is the thread's name, which may hold line ends and all else.
    found = {match[1]: int(match[2]) for match in _COUNT.finditer(text)}
    if not found:
        raise ParseError(source, expected="a line nr_voluntary_switches", found=text)
    return Sched(
        migrations=found.get("se.nr_migrations"),
        voluntary_switches=found.get("nr_voluntary_switches"),
        involuntary_switches=found.get("nr_involuntary_switches"),
    )
