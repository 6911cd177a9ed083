"""What placement is wanted: of which process, and how strictly."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_numa.errors import PolicyError
from pytest_numa.policy import Policy
from pytest_numa.process import Process

_MIB = 2**20
DEFAULT_ROLE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much memory may lie elsewhere: a fraction *and* a size, and the smaller one counts.

    1 % of a large service is gigabytes; of a small one it is less than the kernel's own rounding,
    so that ``at_least_bytes`` is always allowed.
    """

    fraction: float = 1.0
    size_bytes: float | None = None
    at_least_bytes: int = _MIB

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1 or (self.size_bytes or 0) < 0 or self.at_least_bytes < 0:
            raise PolicyError(
                f"a budget of stray memory: expected a fraction from 0 to 1 and sizes from 0, "
                f"found {self.fraction!r}, {self.size_bytes!r} and {self.at_least_bytes!r}"
            )

    def allowed_bytes(self, total_bytes: int) -> int:
        """What may lie elsewhere of ``total_bytes``."""
        by_fraction = int(max(self.at_least_bytes, self.fraction * total_bytes))
        return by_fraction if self.size_bytes is None else min(by_fraction, int(self.size_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The budgets of what a policy places, of weights, and of program text."""

    memory: Budget = field(default_factory=lambda: Budget(fraction=0.01, size_bytes=64 * _MIB))
    """Anonymous, shared and hugetlb memory of one process."""
    weights: Budget = field(default_factory=lambda: Budget(fraction=0.05))
    """Each mapped file of ``weights_from_bytes`` or more."""
    text: Budget = field(default_factory=lambda: Budget(size_bytes=512 * _MIB))
    """All smaller mapped files of one process: program text lies where its first reader of all
    put it."""
    weights_from_bytes: int = 64 * _MIB

    @classmethod
    def usual(
        cls,
        *,
        max_stray: float | None = None,
        max_stray_bytes: float | None = None,
        max_stray_weights: float | None = None,
        max_stray_text_bytes: float | None = None,
    ) -> "Budgets":
        """The usual budgets, changed where a figure is given. 0 allows nothing at all."""
        memory = {"fraction": max_stray, "size_bytes": max_stray_bytes}
        weights = {"fraction": max_stray_weights}
        text = {"size_bytes": max_stray_text_bytes}
        given = {"memory": memory, "weights": weights, "text": text}
        budgets = cls()
        return replace(
            budgets,
            **{
                name: replace(getattr(budgets, name), **known, **_floor(known))
                for name, figures in given.items()
                if (known := {key: value for key, value in figures.items() if value is not None})
            },
        )


def _floor(figures: Mapping[str, float]) -> dict[str, int]:
    """Who asks for nothing astray does not mean a mebibyte."""
    return {"at_least_bytes": 0} if figures.get("fraction") == 0 else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Processes that are to be elsewhere than the rest, as the workers of a server are."""

    name: str
    pattern: str
    """A regular expression, searched for in the process's name and in its command line."""
    policy: Policy

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise PolicyError(
                f"the role {self.name!r}: expected a regular expression, found {self.pattern!r}: "
                f"{error}"
            ) from None

    def is_of(self, process: Process) -> bool:
        """Whether the process has this role."""
        return any(re.search(self.pattern, text) for text in (process.comm, " ".join(process.argv)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The wanted placement of a service."""

    policy: Policy
    """Of all processes that no role is for."""
    roles: tuple[Role, ...] = ()
    """The first that fits is a process's role. One that no process has is a finding."""
    budgets: Budgets = field(default_factory=Budgets)

    def role_of(self, process: Process) -> Role | None:
        """The role of a process; None for the default."""
        return next((role for role in self.roles if role.is_of(process)), None)

    def policy_of(self, process: Process) -> Policy:
        """Where a process is to be."""
        role = self.role_of(process)
        return role.policy if role else self.policy

    @property
    def all_nodes(self) -> frozenset[int]:
        """The memory nodes of all roles together."""
        return self.policy.memory_nodes.union(*(role.policy.memory_nodes for role in self.roles))

    @property
    def all_cpus(self) -> frozenset[int]:
        """The CPUs of all roles together."""
        return self.policy.cpus.union(*(role.policy.cpus for role in self.roles))

    def document(self) -> Mapping[str, object]:
        """For JSON: lists as the kernel writes them."""
        return {
            "cpus": self.policy.cpu_list,
            "memory_nodes": self.policy.node_list,
            "roles": [
                {
                    "name": role.name,
                    "pattern": role.pattern,
                    "cpus": role.policy.cpu_list,
                    "memory_nodes": role.policy.node_list,
                }
                for role in self.roles
            ],
        }
