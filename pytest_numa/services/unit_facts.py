"""What systemd says of a unit, to explain what was found of its processes; it proves nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist
from pytest_numa.services import systemctl

_PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "MainPID", "FragmentPath", "DropInPaths"),
    *("NeedDaemonReload", "CPUAffinity", "CPUAffinityFromNUMA", "AllowedCPUs", "EffectiveCPUs"),
    *("AllowedMemoryNodes", "EffectiveMemoryNodes", "NUMAPolicy", "NUMAMask", "ExecStart"),
)
_ARGV = re.compile(r"argv\[\]=(.*?) ;")
_TELLING = re.compile(
    r"Failed to set 'cpuset\.|NUMA_POLICY|CPUAFFINITY|libnuma: Warning| is invalid|"
    r"CPU affinity is already constrained"
)
_JOURNAL_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A unit as its manager has it loaded."""

    name: str
    manager: str
    properties: Mapping[str, str]
    drop_ins: Mapping[str, str]
    """The text of each, by path."""
    journal: tuple[str, ...]
    """Lines since the last start that speak of CPUs or memory nodes."""

    @property
    def main_pid(self) -> int:
        """The main process; 0 where none runs."""
        return int(self.properties["MainPID"] or 0)

    @property
    def exec_start(self) -> str:
        """The command line of ExecStart=, as systemd prints it."""
        match = _ARGV.search(self.properties["ExecStart"])
        return match[1] if match else ""

    def cpus(self, name: str) -> frozenset[int]:
        """A property that is a list of CPUs or nodes; empty where it is not set."""
        try:
            return cpulist.parse(self.properties[name], source=f"{self.name}, {name}=")
        except ParseError:
            return frozenset()


def read(scope: systemctl.Scope, name: str) -> UnitFacts:
    """Ask the manager; ServiceError where it does not answer."""
    properties = systemctl.show(scope, name, *_PROPERTIES)
    paths = properties["DropInPaths"].split()
    lines = systemctl.journal(scope, name, lines=_JOURNAL_LINES).splitlines()
    return UnitFacts(
        name=properties["Id"] or name,
        manager=scope.manager,
        properties=properties,
        drop_ins={path: _text(Path(path)) for path in paths},
        journal=tuple(line for line in lines if _TELLING.search(line)),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
