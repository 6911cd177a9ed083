"""What a user asked to be set for additional blocks, checked against the host."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_numa.conditions import governors
from pytest_numa.conditions.rounds import Condition
from pytest_numa.kernel import cpulist
from pytest_numa.services.undo import Footprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Governors in turn, for the CPUs of the policy; ``blocks`` under each condition."""

    governors: tuple[str, ...] = ()
    cpus: frozenset[int] = frozenset()
    blocks: int = 4
    root: Path = Path("/")

    def __post_init__(self) -> None:
        governors.check(self.governors, self.cpus, self.root)

    def __bool__(self) -> bool:
        return bool(self.governors)

    def conditions(self, modes: Sequence[str], footprint: Footprint) -> tuple[Condition, ...]:
        """All conditions that differ from what is; to be asked while nothing is set."""
        domains = governors.of_cpus(self.cpus, self.root)
        # A clock matters to how the service is to run; what is unpinned is nobody's concern here.
        told = tuple(mode for mode in modes if mode != "unpinned") or tuple(modes)
        return tuple(
            Condition(
                name=f"governor {name}",
                modes=told,
                held=partial(governors.held, name, domains, governors.journal(footprint)),
            )
            for name in self.governors
            if {domain.governor for domain in domains} != {name}
        )

    def as_it_is(self) -> list[str]:
        """What stands while nothing is set, in words."""
        if not self.governors:
            return []
        domains = governors.of_cpus(self.cpus, self.root)
        found = sorted({domain.governor for domain in domains})
        shared = frozenset[int]().union(*(domain.cpus for domain in domains)) - self.cpus
        texts = [f"as it is, CPUs {cpulist.format(self.cpus)} have the governor {'/'.join(found)}"]
        if shared:
            texts.append(
                f"CPUs {cpulist.format(shared)} share their clock and have the same governor set"
            )
        return texts
