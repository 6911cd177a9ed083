"""A two-node host, a service on node 1, and what may be wrong with it."""

from collections.abc import Mapping
from dataclasses import replace

from pytest_numa.host import Cpu, Node, Topology
from pytest_numa.placement import Clues, Wanted
from pytest_numa.policy import Policy
from pytest_numa.process import Cgroups, Memory, Process, Region, Thread
from pytest_numa.services.unit_facts import UnitFacts

GIB = 2**30
MIB = 2**20
POLICY = Policy(cpus=frozenset({2, 3}), memory_nodes=frozenset({1}))
WANTED = Wanted(policy=POLICY)


def node(number: int, cpus: set[int], offline: set[int] | None = None) -> Node:
    return Node(
        id=number,
        cpus=frozenset(cpus),
        cpus_offline=frozenset(offline or ()),
        memory_bytes=8 * GIB,
        memory_free_bytes=2 * MIB,
        memory_available_bytes=None,
        distances={},
    )


def cpu(number: int, *, is_online: bool = True) -> Cpu:
    return Cpu(
        id=number,
        is_online=is_online,
        core_id=number,
        socket_id=0,
        siblings=frozenset({number}),
    )


TWO_NODES = Topology(
    nodes=(node(0, {0, 1}), node(1, {2, 3})),
    cpus=tuple(cpu(number) for number in range(4)),
    devices=(),
    is_numa=True,
)
WITHOUT_CPU_3 = replace(
    TWO_NODES,
    nodes=(node(0, {0, 1}), node(1, {2}, {3})),
    cpus=tuple(cpu(number, is_online=number != 3) for number in range(4)),
)
NO_CGROUPS = Cgroups(all=(), is_unified=True)
CLUES = Clues(topology=TWO_NODES, cgroups=NO_CGROUPS)
THREAD = Thread(
    tid=70,
    name="llama-worker",
    cpus_allowed=frozenset({2, 3}),
    mems_allowed=frozenset({0, 1}),
    last_cpu=2,
    cpu_time_ticks=5,
)


def region(kind: str = "anonymous", policy: str = "bind:1", **changes: object) -> Region:
    path = None if kind == "anonymous" else "/srv/m.gguf"
    usual = Region(
        kind=kind,  # type: ignore[arg-type]
        path=path,
        policy=policy,
        bytes_by_node={1: 4 * GIB},
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def memory(*regions: Region) -> Memory:
    return Memory(regions=regions)


PROCESS = Process(
    pid=70,
    ppid=1,
    comm="llama-server",
    argv=("llama-server", "-m", "m.gguf"),
    state="S",
    start_time_ticks=9,
    threads=(THREAD,),
    memory=memory(region()),
    unreadable=(),
)


def process(**changes: object) -> Process:
    return replace(PROCESS, **changes)  # type: ignore[arg-type]


def unit(
    properties: Mapping[str, str] | None = None,
    *,
    drop_ins: Mapping[str, str] | None = None,
    journal: tuple[str, ...] = (),
) -> UnitFacts:
    """A unit that systemd has loaded, with these properties and no others."""
    names = (
        *("ActiveState", "AllowedCPUs", "AllowedMemoryNodes", "CPUAffinity", "EffectiveCPUs"),
        *("EffectiveMemoryNodes", "ExecStart", "NeedDaemonReload", "NUMAMask", "NUMAPolicy"),
    )
    return UnitFacts(
        name="x.service",
        manager="system",
        properties={**dict.fromkeys(names, ""), **(properties or {})},
        drop_ins=drop_ins or {},
        journal=journal,
    )


def exec_start(*words: str) -> str:
    """As ``systemctl show`` prints ExecStart=."""
    return f"{{ path={words[0]} ; argv[]={' '.join(words)} ; ignore_errors=no ; pid=7 ; code=x }}"
