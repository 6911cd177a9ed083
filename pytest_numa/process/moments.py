"""What the looks of a watch saw, one by one, in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass

# A look a second: four minutes of them, and of a longer watch two, four, … in one.
_MOST = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What one look saw, or several that followed each other: the most, and all CPUs."""

    at_s: float
    """Since the watch began."""
    threads: int
    ran_on: frozenset[int]
    """CPUs on which threads were found that had used CPU time since the look before."""
    bytes_by_node: Mapping[int, int] | None
    """Anonymous and shared memory of the cgroup; None if unknown."""

    def with_next(self, other: "Moment") -> "Moment":
        """Both in one."""
        known = [one.bytes_by_node for one in (self, other) if one.bytes_by_node is not None]
        nodes = sorted({node for one in known for node in one})
        return Moment(
            at_s=self.at_s,
            threads=max(self.threads, other.threads),
            ran_on=self.ran_on | other.ran_on,
            bytes_by_node={node: max(one.get(node, 0) for one in known) for node in nodes}
            if known
            else None,
        )


class Moments:
    """Moments in their order; where there are too many, each two become one."""

    def __init__(self) -> None:
        self._all: list[Moment] = []

    def add(self, moment: Moment) -> None:
        """Remember one more."""
        self._all.append(moment)
        if len(self._all) > _MOST:
            *earlier, last = self._all
            pairs = zip(earlier[::2], earlier[1::2], strict=True)
            self._all = [*(one.with_next(other) for one, other in pairs), last]

    @property
    def all(self) -> tuple[Moment, ...]:
        """All of them."""
        return tuple(self._all)
