"""A rendered unit file: its directives, and the plain command that it runs."""

import re
from dataclasses import dataclass

from pytest_numa.errors import UnitError
from pytest_numa.services import directives, quoting

_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,240}\.(?:service|slice)")
_WRAPPERS = {"numactl", "taskset"}
_CACHE = "/var/cache/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the unit runs, freed of its policy: the thing that all modes have in common."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    directory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit as systemd loads it: ``text`` is all of it, with its drop-ins at the end."""

    name: str
    text: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UnitError(
                f"unit name: expected letters, digits and :_.@- and .service or .slice, "
                f"found {self.name!r}"
            )

    @property
    def lines(self) -> tuple[directives.Directive, ...]:
        """All directives, in order."""
        return directives.parse(self.text)

    def values(self, key: str) -> list[str]:
        """All values of a directive in [Service], in order; an empty one resets, as in systemd."""
        return [one.value for one in directives.values(self.lines, "Service", key)]

    def command(self) -> Command:
        """The command of ExecStart= with its environment and directory, without policy wrappers."""
        lines = self.values("ExecStart")
        if len(lines) != 1:
            raise UnitError(f"{self.name}: expected one ExecStart=, found {len(lines)}")
        environment = self._environment()
        argv = self._expanded(lines[0].lstrip("@-:+!"), dict(environment))
        directory = next(iter(self.values("WorkingDirectory")), None)
        return Command(
            argv=_without_wrappers(argv, name=self.name),
            environment=environment,
            directory=self._literal(directory.lstrip("-")) if directory else None,
        )

    def _environment(self) -> tuple[tuple[str, str], ...]:
        words = [
            self._literal(word)
            for line in self.values("Environment")
            for word in quoting.split(line, source=f"{self.name}: Environment=")
        ]
        pairs = (word.partition("=") for word in words)
        found = {key: value for key, _, value in pairs}
        # A folder that systemd makes for the unit and its user is none for a launch by hand.
        is_own = bool(self.values("CacheDirectory")) and found.get("HOME", "").startswith(_CACHE)
        return tuple((key, value) for key, value in found.items() if key != "HOME" or not is_own)

    def _expanded(self, line: str, environment: dict[str, str]) -> list[str]:
        words = quoting.split(line, source=f"{self.name}: ExecStart=")
        if not words:
            raise UnitError(f"{self.name}: ExecStart= has no command")

        def value(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            if match[1] in environment:
                return environment[match[1]]
            raise UnitError(
                f"{self.name}: ExecStart= uses ${{{match[1]}}}, which no Environment= of the unit "
                "sets: the same command cannot be launched by hand; write the value out"
            )

        return [re.sub(r"\$\$|\$\{?(\w+)\}?", value, self._literal(word)) for word in words]

    def _literal(self, text: str) -> str:
        """Resolve the unit's names and ``%%``; no other specifier can be outside systemd."""
        stem = self.name.rpartition(".")[0]
        prefix, _, instance = stem.partition("@")
        known = {"%": "%", "n": self.name, "N": stem, "p": prefix, "i": instance}

        def resolved(match: re.Match[str]) -> str:
            if match[1] in known:
                return known[match[1]]
            raise UnitError(
                f"{self.name}: the specifier %{match[1]} in {text!r} means something to "
                "systemd only: the same command cannot be launched by hand; write the value out"
            )

        return re.sub(r"%(.)", resolved, text)


def _without_wrappers(argv: list[str], *, name: str) -> tuple[str, ...]:
    """Drop ``numactl OPTIONS`` and ``taskset OPTIONS`` from the head of a command line.

    Else the mode `unpinned` would be pinned, and the mode `pinned` pinned twice.
    """
    while argv and argv[0].rpartition("/")[2] in _WRAPPERS:
        wrapper, *rest = argv
        is_taskset = wrapper.rpartition("/")[2] == "taskset"
        while rest and rest[0].startswith("-"):
            option = rest.pop(0)
            takes_value = option in {"-m", "-N", "-C", "-i", "-p", "-P", "-w", "--physcpubind"}
            if takes_value and not is_taskset and rest:
                rest.pop(0)
            if option == "--":
                break
        argv = rest[1:] if is_taskset else rest
        if not argv:
            raise UnitError(f"{name}: ExecStart= has a {wrapper} that starts no command")
    return tuple(argv)
