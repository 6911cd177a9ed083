"""How often a cgroup hit its memory limits: memory.events.

Format: the kernel's Documentation/admin-guide/cgroup-v2.rst.
"""

from dataclasses import dataclass

from pytest_numa.errors import ParseError
from pytest_numa.kernel import named_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEvents:
    """Since the cgroup was made, those below it included."""

    high: int
    """Its tasks were slowed down because it was above memory.high."""
    max: int
    """It was about to exceed memory.max."""
    oom: int
    """An allocation was about to fail."""
    oom_kill: int | None
    """Processes killed for it; None before Linux 4.13."""


def parse(text: str, *, source: str) -> MemoryEvents:
    """Read the file; ParseError where one of the counters is missing."""
    counts = named_counts.parse(text, source=source)
    try:
        return MemoryEvents(
            high=counts["high"],
            max=counts["max"],
            oom=counts["oom"],
            oom_kill=counts.get("oom_kill"),
        )
    except KeyError as missing:
        raise ParseError(source, expected=f"a line {missing}", found=text) from None
