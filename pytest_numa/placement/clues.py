"""What explains a finding: the unit as systemd has it, cgroups, nodes. It proves nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_numa import formatting
from pytest_numa.host import Topology
from pytest_numa.kernel import cpulist
from pytest_numa.policy import Policy
from pytest_numa.process import Cgroups
from pytest_numa.services.unit_facts import UnitFacts

_BINDERS = re.compile(r"(?:^|[\s/])(taskset|numactl|chrt|docker|podman)\s[^;]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What is known beside the processes; None and empty where it is not."""

    topology: Topology
    cgroups: Cgroups
    unit: UnitFacts | None = None
    has_cpuset: bool = True
    """Whether AllowedCPUs= and AllowedMemoryNodes= can have an effect under the unit's manager."""

    listeners: Mapping[int, str] = field(default_factory=dict)
    """Who listens where the service is asked, by process id (0: hidden from us) and name."""

    @property
    def unit_name(self) -> str:
        """For commands to type."""
        return self.unit.name if self.unit else "UNIT"

    def binder(self) -> str | None:
        """The program in ExecStart= that binds again what the unit has bound."""
        match = _BINDERS.search(self.unit.exec_start) if self.unit else None
        return match[1] if match else None

    def drop_ins(self, *names: str) -> Iterator[str]:
        """Drop-ins that set one of the directives."""
        if self.unit:
            for path, text in self.unit.drop_ins.items():
                if any(re.search(rf"(?m)^\s*{name}\s*=", text) for name in names):
                    yield path

    def fell_open(self, directive: str, effective: str, attribute: str) -> bool:
        """Whether the cpuset that the unit asks for is not the one in effect."""
        if not self.unit or not (asked := self.unit.cpus(directive)):
            return False
        if any(attribute in line for line in self.unit.journal):
            return True
        in_effect = self.unit.cpus(effective)
        return bool(in_effect) and not in_effect <= asked

    def free_on(self, nodes: frozenset[int]) -> str:
        """The free memory of nodes, as text."""
        shown = [
            f"node {node.id} has {formatting.bytes_iec(node.memory_free_bytes)} free"
            for node in self.topology.nodes
            if node.id in nodes and node.memory_free_bytes is not None
        ]
        return ", ".join(shown)


def cpu_lines(policy: Policy) -> str:
    """The unit lines that hold threads on the policy's CPUs."""
    return (
        f"AllowedCPUs={policy.cpu_list} (which no thread can leave) and "
        f"CPUAffinity={policy.cpu_list} in [Service]"
    )


def memory_lines(policy: Policy) -> str:
    """The unit lines that hold memory on the policy's nodes."""
    return (
        f"NUMAPolicy=bind, NUMAMask={policy.node_list} and AllowedMemoryNodes={policy.node_list} "
        "in [Service]; then restart: pages stay where they are"
    )


def remove_drop_in(path: str, unit_name: str) -> str:
    """The commands that undo a former ``systemctl set-property``."""
    return f"rm {path} && systemctl daemon-reload && systemctl restart {unit_name}"


def shown(members: frozenset[int]) -> str:
    """A list of CPUs or nodes for people."""
    return cpulist.format(members) or "none"
