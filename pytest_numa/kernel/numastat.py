"""Where pages of a node were wanted and where they came from: nodeN/numastat.

Format: the kernel's Documentation/admin-guide/numastat.rst. In pages since boot, for the whole
host, the kernel's own allocations included.
"""

from dataclasses import dataclass

from pytest_numa.errors import ParseError
from pytest_numa.kernel import named_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Numastat:
    """The counters that tell of pages on a wrong node."""

    numa_hit: int
    """Allocated here as intended."""
    numa_miss: int
    """Allocated here although another node was preferred."""
    numa_foreign: int
    """Intended for here, allocated elsewhere."""
    other_node: int
    """Allocated here while the process ran on another node."""


def parse(text: str, *, source: str) -> Numastat:
    """Read the file; ParseError where one of the counters is missing."""
    counts = named_counts.parse(text, source=source)
    try:
        return Numastat(
            numa_hit=counts["numa_hit"],
            numa_miss=counts["numa_miss"],
            numa_foreign=counts["numa_foreign"],
            other_node=counts["other_node"],
        )
    except KeyError as missing:
        raise ParseError(source, expected=f"a line {missing}", found=text) from None
