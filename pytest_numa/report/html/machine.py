"""The host drawn: sockets, nodes, cores and their threads, devices; the policy and the service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_numa import formatting
from pytest_numa.kernel import cpulist
from pytest_numa.report.html import templates
from pytest_numa.report.html.parts import Drawing, Part, Section, Table, Text

# Numbers of three digits take wider boxes.
_MANY = 100
_KINDS = {"gpu": "GPU", "nic": "NIC", "nvme": "NVMe"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """One CPU as it is drawn."""

    id: int
    is_wanted: bool
    has_run: bool
    """Whether a thread of the service was seen to work on it."""

    @property
    def is_astray(self) -> bool:
        """Whether the service worked where the policy does not want it."""
        return self.has_run and not self.is_wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node as it is drawn. ``cores`` has the threads of each core."""

    id: int
    socket: str
    cores: Sequence[Sequence[Cpu]]
    cpus: str
    offline: str
    memory: str
    is_wanted: bool
    service_bytes: int
    share: float | None
    """Of the service's memory; None where that is not known."""
    devices: Sequence[str]

    @property
    def is_astray(self) -> bool:
        """Whether memory of the service lies where the policy does not want it."""
        return self.service_bytes > 0 and not self.is_wanted

    @property
    def service(self) -> str:
        """How much of the service is here."""
        if self.share is None:
            return "not known"
        return f"{formatting.bytes_iec(self.service_bytes)} ({self.share:.1%})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Where a mode's runs were: CPUs of all of them, memory of the last."""

    mode: str
    ran_on: frozenset[int]
    bytes_by_node: Mapping[int, int] | None
    runs: int


def section(document: Mapping[str, Any]) -> Section | None:
    """The drawing, and all of it as tables; None where the document has no topology."""
    topology = document.get("topology")
    if not topology:
        return None
    policy = document.get("policy") or {"cpus": "", "memory_nodes": ""}
    seen = _seen(document.get("runs", ()))
    nodes = list(_nodes(topology, policy, seen))
    told = _told(document, nodes, seen)
    html = templates.render(
        "machine.html.j2",
        told=told,
        sockets=_by_socket(nodes),
        is_many=any(cpu.id >= _MANY for node in nodes for core in node.cores for cpu in core),
        devices=_devices(topology, None),
        mode=seen.mode if seen else None,
    )
    parts: list[Part] = [Text(text=told), Drawing(html=html), _table(nodes, seen)]
    if len(nodes) > 1:
        parts.append(_distances(topology))
    return Section(name="host", title="Host and placement", parts=parts)


def _seen(runs: Sequence[Mapping[str, Any]]) -> _Seen | None:
    placed = [run for run in runs if run["placement"]]
    own = [run for run in placed if run["mode"] == "systemd"] or placed
    own = [run for run in own if run["mode"] == own[-1]["mode"]]
    if not own:
        return None
    ran_on = {
        int(cpu)
        for run in own
        for process in run["placement"]["processes"]
        # Without a watch: where each thread was last.
        for cpu in (process["last_cpus"] if process["ran_on"] is None else process["ran_on"])
    }
    by_node = {int(node): size for node, size in own[-1]["placement"]["bytes_by_node"].items()}
    return _Seen(
        mode=own[-1]["mode"],
        ran_on=frozenset(ran_on),
        bytes_by_node=by_node or None,
        runs=len(own),
    )


def _nodes(
    topology: Mapping[str, Any], policy: Mapping[str, Any], seen: _Seen | None
) -> Iterator[Node]:
    wanted_cpus, wanted_nodes = _cpus(policy["cpus"]), _cpus(policy["memory_nodes"])
    by_node = (seen.bytes_by_node if seen else None) or {}
    total = sum(by_node.values())
    cores = [_cpus(core) for core in topology["siblings"]]
    for node in topology["nodes"]:
        own = _cpus(node["cpus"])
        size = by_node.get(node["id"], 0)
        yield Node(
            id=node["id"],
            socket=_socket(topology, own),
            cores=[
                [
                    Cpu(
                        id=cpu,
                        is_wanted=cpu in wanted_cpus,
                        has_run=seen is not None and cpu in seen.ran_on,
                    )
                    for cpu in sorted(core & own)
                ]
                for core in cores
                if core & own
            ],
            cpus=node["cpus"],
            offline=node["cpus_offline"],
            memory=_memory(node),
            is_wanted=node["id"] in wanted_nodes,
            service_bytes=size,
            share=size / total if total else None,
            devices=_devices(topology, node["id"]),
        )


def _socket(topology: Mapping[str, Any], cpus: frozenset[int]) -> str:
    own = [one["id"] for one in topology.get("packages", ()) if _cpus(one["cpus"]) & cpus]
    if not own:
        return "Memory without CPUs" if not cpus else "Socket unknown"
    return f"Socket{'s' if len(own) > 1 else ''} {', '.join(map(str, own))}"


def _memory(node: Mapping[str, Any]) -> str:
    free = node["memory_free_bytes"]
    shown = formatting.bytes_iec(node["memory_bytes"])
    return shown if free is None else f"{shown}, {formatting.bytes_iec(free)} free"


def _devices(topology: Mapping[str, Any], node: int | None) -> list[str]:
    return [
        f"{_KINDS.get(one['kind'], one['kind'])} {one['address']}"
        for one in topology["devices"]
        if one["node"] == node and (one["kind"] != "gpu" or one["is_accelerator"])
    ]


def _by_socket(nodes: Sequence[Node]) -> list[tuple[str, list[Node]]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.socket, []).append(node)
    return list(found.items())


def _told(document: Mapping[str, Any], nodes: Sequence[Node], seen: _Seen | None) -> str:
    policy = document.get("policy")
    cpus = sum(len(core) for node in nodes for core in node.cores)
    texts = [f"{_count(len(nodes), 'node')} with {_count(cpus, 'CPU')}"]
    if policy:
        texts.append(
            f"the policy has CPUs {policy['cpus']} and memory of node {policy['memory_nodes']}"
        )
    if seen:
        ran_on = cpulist.format(seen.ran_on) or "none that was seen"
        lies = ", ".join(f"{node.service} on node {node.id}" for node in nodes if node.share)
        texts.append(f"{seen.mode} worked on CPUs {ran_on}")
        texts.append(f"its memory: {lies or 'not known'}")
    return f"{'; '.join(texts)}."


def _table(nodes: Sequence[Node], seen: _Seen | None) -> Table:
    return Table(
        caption="The nodes",
        headers=(
            *("Node", "Socket", "CPUs", "Offline", "Cores", "Policy's CPUs"),
            *("Worked on", "Memory", "Service's memory", "Devices"),
        ),
        rows=[
            (
                f"{node.id}{' (policy)' if node.is_wanted else ''}",
                node.socket,
                node.cpus or "none",
                node.offline or "none",
                str(len(node.cores)),
                _listed(cpu.id for core in node.cores for cpu in core if cpu.is_wanted),
                _listed(cpu.id for core in node.cores for cpu in core if cpu.has_run)
                if seen
                else "not known",
                node.memory,
                node.service,
                ", ".join(node.devices) or "none",
            )
            for node in nodes
        ],
    )


def _distances(topology: Mapping[str, Any]) -> Table:
    ids = [str(node["id"]) for node in topology["nodes"]]
    return Table(
        caption="Distances between nodes (10 is local)",
        headers=("From", *(f"To {other}" for other in ids)),
        rows=[
            [str(node["id"]), *(str(node["distances"].get(other, "unknown")) for other in ids)]
            for node in topology["nodes"]
        ],
        numeric=frozenset(range(1, len(ids) + 1)),
    )


def _listed(cpus: Iterator[int]) -> str:
    return cpulist.format(cpus) or "none"


def _cpus(text: str) -> frozenset[int]:
    return cpulist.parse(text, source="the session's document")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
