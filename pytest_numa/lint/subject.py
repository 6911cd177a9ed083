"""What is looked at: a unit, the host that it is for, and what is wanted of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pytest_numa.errors import UnitError
from pytest_numa.host import Topology
from pytest_numa.lint import ranges, wrapper
from pytest_numa.lint.around import Surroundings
from pytest_numa.lint.engine import Engine
from pytest_numa.lint.wrapper import Wrapper
from pytest_numa.policy import Policy
from pytest_numa.services import quoting
from pytest_numa.services.unit import Unit

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_SPECIFIER = re.compile(r"%(.)")
# systemd expands no specifier in this one.
_UNEXPANDED = ("NUMAMask",)
_PREFIXES = "@-:+!|"
YES = ("1", "yes", "y", "true", "t", "on")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """``needs_bytes`` is the memory that the service will take; ``policy`` what was asked for."""

    unit: Unit
    topology: Topology
    policy: Policy | None = None
    manager: str = "system"
    needs_bytes: int | None = None
    siblings: str | None = None
    """Declared: ``all`` CPUs of each core, or ``one``; None: either, but not both."""
    is_exposed: bool = False
    """Whether it was asked to listen on a network."""
    around: Surroundings = field(default_factory=Surroundings)

    def text(self, key: str, section: str | None = None) -> str | None:
        """The last value of a directive; None where it is not given."""
        found = self.texts(key, section)
        return found[-1] if found else None

    def texts(self, key: str, section: str | None = None) -> list[str]:
        """All values of a directive since it was last reset."""
        return self._by_name.get((section or self.section, key), [])

    @property
    def section(self) -> str:
        """Where a unit of its kind has its CPUs and its memory."""
        return "Slice" if self.unit.name.endswith(".slice") else "Service"

    def is_on(self, key: str) -> bool:
        """Whether a directive that is yes or no says yes."""
        return (self.text(key) or "").lower() in YES

    def members(self, key: str, section: str | None = None) -> frozenset[int] | None:
        """The CPUs or nodes of a directive, of all lines that systemd can read; None of none."""
        found = (ranges.systemd(text) for text in self.texts(key, section))
        return frozenset().union(*filter(None, found)) or None

    @cached_property
    def every_cpu(self) -> frozenset[int]:
        """All CPUs of the host, also those that are offline."""
        return self.topology.cpus_online | self.topology.cpus_offline

    @cached_property
    def every_node(self) -> frozenset[int]:
        """All nodes of the host."""
        return frozenset(node.id for node in self.topology.nodes)

    @property
    def has_several_nodes(self) -> bool:
        """Whether memory can be on another node than the one that is meant."""
        return sum(1 for node in self.topology.nodes if node.memory_bytes) > 1

    @cached_property
    def cpuset_cpus(self) -> frozenset[int] | None:
        """AllowedCPUs=, where it has an effect: the kernel refuses a list with one that is not."""
        found = self.members("AllowedCPUs") if self.has_cpuset else None
        return found if found and found <= self.every_cpu else None

    @cached_property
    def cpuset_nodes(self) -> frozenset[int] | None:
        """AllowedMemoryNodes=, where it has an effect."""
        found = self.members("AllowedMemoryNodes") if self.has_cpuset else None
        return found if found and found <= self.every_node else None

    @property
    def has_cpuset(self) -> bool:
        """Whether the cpuset directives can have an effect; where unknown, by the manager."""
        known = self.around.has_cpuset
        return self.manager == "system" if known is None else known

    @cached_property
    def affinity(self) -> frozenset[int] | None:
        """CPUAffinity=, also where it is derived from NUMAMask=."""
        if self.text("CPUAffinity") == "numa":
            return self.cpus_of(self.mask or frozenset()) or None
        return self.members("CPUAffinity")

    @cached_property
    def mask(self) -> frozenset[int] | None:
        """NUMAMask=."""
        return self.every_node if self.text("NUMAMask") == "all" else self.members("NUMAMask")

    @cached_property
    def wrappers(self) -> tuple[Wrapper, ...]:
        """What stands before the server's command."""
        return self._command[0]

    @cached_property
    def argv(self) -> tuple[str, ...]:
        """The server's own command; empty where there is not one that can be read."""
        return self._command[1]

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Environment=, EnvironmentFile= and env(1); where a name comes again the last counts."""
        set_here = dict(self._assignments())
        by_env = {
            name: value
            for one in self.wrappers
            if one.name in ("env", *wrapper.SHELLS)
            for name, value in one.options
        }
        return {**set_here, **self.around.variables, **by_env}

    @cached_property
    def written(self) -> Mapping[str, str]:
        """The variables that stand in the unit itself, for everybody to read."""
        return dict(self._assignments())

    @property
    def exec_start(self) -> str:
        """ExecStart= as it is written."""
        return self.text("ExecStart") or ""

    @property
    def prefixes(self) -> str:
        """What stands before the program and says how it is started."""
        return self.exec_start[: len(self.exec_start) - len(self.exec_start.lstrip(_PREFIXES))]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """ExecStart= as systemd splits it, wrappers and all; empty where it cannot be split."""
        try:
            line = self.exec_start.lstrip(_PREFIXES)
            found = list(self._words(quoting.split(line, source="ExecStart=")))
        except UnitError:
            return ()
        # With @ the second word is what the program is to take for its own name.
        return tuple(found[:1] + found[2:] if "@" in self.prefixes else found)

    @cached_property
    def engine(self) -> Engine:
        """The server that the command line starts."""
        return Engine(argv=self.argv, environment=self.environment)

    @property
    def kind(self) -> str | None:
        """The memory policy that the command starts with, by its name; None where nothing sets it.

        numactl comes after systemd, and wins.
        """
        kinds = [name for one in self.wrappers for name, _ in one.options]
        own = [name for name in kinds if name in wrapper.POLICIES]
        return own[-1] if own else self.text("NUMAPolicy")

    @property
    def is_bound(self) -> bool:
        """Whether memory cannot be on other nodes."""
        return self.kind == "bind" or self.cpuset_nodes is not None

    def cpus_of(self, nodes: frozenset[int]) -> frozenset[int]:
        """The online CPUs of nodes."""
        return frozenset().union(*(one.cpus for one in self.topology.nodes if one.id in nodes))

    @cached_property
    def set_by_unit(self) -> frozenset[int] | None:
        """The CPUs that systemd starts the command with."""
        if self.affinity is None or self.cpuset_cpus is None:
            return self.affinity or self.cpuset_cpus
        return self.affinity & self.cpuset_cpus or None

    @cached_property
    def cpus(self) -> frozenset[int] | None:
        """The CPUs that the command starts with, by all that sets them.

        None where nothing does, or where what is set leaves none, or cannot be known.
        """
        own = self.affinity
        for one in self.wrappers:
            name = one.last_of_cpus
            if name is not None:
                own = self.set_by(one, name) or (None if one.is_relative(name) else own)
        if own is None or self.cpuset_cpus is None:
            return own if self.cpuset_cpus is None else self.cpuset_cpus
        return own & self.cpuset_cpus or None

    def set_by(self, one: Wrapper, name: str) -> frozenset[int] | None:
        """The CPUs that an option of numactl or taskset names, also by their nodes."""
        if name == "physcpubind":
            return one.members(name, self.topology.cpus_online)
        return self.cpus_of(one.members(name, self.every_node) or frozenset()) or None

    @cached_property
    def names_cpus(self) -> bool:
        """Whether anything sets the CPUs, well or not."""
        names = (name for one in self.wrappers if (name := one.last_of_cpus))
        by_unit = self.affinity or self.cpuset_cpus or self.text("CPUAffinity") == "numa"
        return bool(by_unit or any(names))

    @cached_property
    def nodes(self) -> frozenset[int] | None:
        """The nodes that memory may be on; None as with ``cpus``."""
        own = self.mask if self.text("NUMAPolicy") not in (None, "default", "local") else None
        for one in self.wrappers:
            for name in wrapper.POLICIES:
                given = one.members(name, self.every_node)
                own = given or (None if one.is_relative(name) else own)
        if own is None or self.cpuset_nodes is None:
            return own if self.cpuset_nodes is None else self.cpuset_nodes
        return own & self.cpuset_nodes or None

    @cached_property
    def names_nodes(self) -> bool:
        """Whether anything says which nodes memory is to be on, well or not."""
        options = (name for one in self.wrappers for name, text in one.options if text)
        is_by_unit = self.mask and self.text("NUMAPolicy") not in (None, "default", "local")
        return bool(is_by_unit or self.cpuset_nodes or set(options) & set(wrapper.POLICIES))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for one in self.unit.lines:
            key = one.section, one.key
            value = one.value if one.key in _UNEXPANDED else self._specified(one.value)
            found[key] = [*found.get(key, []), value] if value else []
        return found

    def _specified(self, text: str) -> str:
        """With the unit's own names in the place of their specifiers; others stay."""
        name = self.unit.name.rpartition(".")[0]
        prefix, _, instance = name.partition("@")
        known = {"i": instance, "I": instance, "p": prefix, "n": self.unit.name, "N": name}
        return _SPECIFIER.sub(lambda match: known.get(match[1], match[0]), text)

    @cached_property
    def _command(self) -> tuple[tuple[Wrapper, ...], tuple[str, ...]]:
        return wrapper.split(self.words)

    def _words(self, words: list[str]) -> Iterator[str]:
        """Variables that are known in their place; one that stands alone is split into words."""
        known = {**dict(self._assignments()), **self.around.variables}
        for word in words:
            alone = re.fullmatch(r"\$(\w+)", word)
            if alone:
                yield from known.get(alone[1], word).split()
                continue
            text = _VARIABLE.sub(
                lambda match: known.get(match[1] or match[2] or "", match[0]), word
            )
            yield text.replace("$$", "$").replace("%%", "%")

    def _assignments(self) -> Iterator[tuple[str, str]]:
        for line in self.texts("Environment"):
            try:
                words = quoting.split(line, source="Environment=")
            except UnitError:
                continue
            for word in words:
                name, _, value = word.partition("=")
                yield name, value.replace("%%", "%")
