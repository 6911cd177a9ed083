"""What a user asked to be set for additional blocks, as conditions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_numa.conditions import governors, neighbours
from pytest_numa.conditions.neighbours import Neighbour
from pytest_numa.conditions.places import Place
from pytest_numa.conditions.rounds import Condition
from pytest_numa.kernel import cpulist
from pytest_numa.services.undo import Footprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Governors and neighbours in turn; ``blocks`` under each condition.

    ``cpus`` are those of the policy: it is their clocks that governors are set for.
    """

    governors: tuple[str, ...] = ()
    neighbours: tuple[Place, ...] = ()
    cpus: frozenset[int] = frozenset()
    blocks: int = 4
    root: Path = Path("/")

    def __bool__(self) -> bool:
        return bool(self.governors or self.neighbours)

    def conditions(self, modes: Sequence[str], footprint: Footprint) -> tuple[Condition, ...]:
        """All conditions that differ from what is; to be asked while nothing is set."""
        return (*self._governors(modes, footprint), *self._neighbours(modes, footprint))

    def _governors(self, modes: Sequence[str], footprint: Footprint) -> tuple[Condition, ...]:
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

    def _neighbours(self, modes: Sequence[str], footprint: Footprint) -> tuple[Condition, ...]:
        stress_ng = neighbours.found_stress_ng()
        found = [Neighbour(place, footprint, stress_ng=stress_ng) for place in self.neighbours]
        return tuple(
            Condition(name=one.place.name, modes=tuple(modes), held=one.held, remarks=one.remarks)
            for one in found
        )

    def as_it_is(self) -> list[str]:
        """What stands while no governor is set, in words."""
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
