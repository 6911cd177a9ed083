"""Wanted placement against found, on processes as the kernel tells of them."""

from dataclasses import replace

import pytest

from pytest_numa import placement
from pytest_numa.host import Cpu, Node, Topology
from pytest_numa.policy import Policy
from pytest_numa.process import FileMemory, Memory, Process, Thread

GIB = 2**30
MIB = 2**20
POLICY = Policy(cpus=frozenset({2, 3}), memory_nodes=frozenset({1}))


def node(number: int, cpus: set[int]) -> Node:
    return Node(
        id=number,
        cpus=frozenset(cpus),
        cpus_offline=frozenset(),
        memory_bytes=8 * GIB,
        memory_free_bytes=None,
        memory_available_bytes=None,
        distances={},
    )


def cpu(number: int) -> Cpu:
    return Cpu(id=number, is_online=True, core_id=number, socket_id=0, siblings=frozenset({number}))


TWO_NODES = Topology(
    nodes=(node(0, {0, 1}), node(1, {2, 3})),
    cpus=tuple(cpu(number) for number in range(4)),
    devices=(),
    is_numa=True,
)
THREAD = Thread(
    tid=70,
    name="llama-worker",
    cpus_allowed=frozenset({2, 3}),
    mems_allowed=frozenset({0, 1}),
    last_cpu=2,
    cpu_time_ticks=5,
)
MEMORY = Memory(anonymous_by_node={1: 4 * GIB}, files=(), policies=frozenset({"bind:1"}))
PROCESS = Process(
    pid=70,
    ppid=1,
    comm="llama-server",
    argv=("llama-server",),
    state="S",
    start_time_ticks=9,
    threads=(THREAD,),
    memory=MEMORY,
    unreadable=(),
)


def check(**changes: object) -> list[placement.Finding]:
    process = replace(PROCESS, **changes)  # type: ignore[arg-type]
    return placement.check(POLICY, [process], TWO_NODES)


def memory(anonymous: dict[int, int], *files: FileMemory) -> Memory:
    return Memory(anonymous_by_node=anonymous, files=files, policies=frozenset())


def test_a_service_that_is_where_it_should_be_has_no_finding() -> None:
    assert check() == []


@pytest.mark.parametrize("mask", [{2}, {2, 3}, {2, 3, 63}])
def test_a_thread_may_have_fewer_cpus_and_ones_that_are_not_online(mask: set[int]) -> None:
    assert check(threads=(replace(THREAD, cpus_allowed=frozenset(mask)),)) == []


def test_one_thread_off_the_cpus_is_found_among_many() -> None:
    stray = replace(THREAD, tid=71, name="http", cpus_allowed=frozenset({0, 2}))

    (finding,) = check(threads=(THREAD, stray))

    assert "1 of 2 threads of process llama-server (70)" in finding.subject
    assert "http (71)" in finding.subject
    assert (finding.expected, finding.found) == (
        "allowed CPUs within 2-3",
        "allowed CPUs 0,2",
    )
    assert "AllowedCPUs=2-3" in finding.fix


def test_threads_that_share_a_mask_share_a_finding() -> None:
    strays = tuple(replace(THREAD, tid=tid, cpus_allowed=frozenset({0})) for tid in range(71, 81))

    (finding,) = check(threads=strays)

    assert "10 of 10 threads" in finding.subject
    assert "and 7 more" in finding.subject


def test_a_thread_that_has_ended_is_no_finding() -> None:
    assert check(threads=(THREAD, replace(THREAD, tid=71, cpus_allowed=None))) == []


@pytest.mark.parametrize(
    "by_node",
    [
        {1: 4 * GIB, 0: 40 * MIB},
        {1: 2 * MIB, 0: MIB},
    ],
)
def test_a_negligible_part_of_the_memory_may_lie_elsewhere(by_node: dict[int, int]) -> None:
    assert check(memory=memory(by_node)) == []


@pytest.mark.parametrize(
    "by_node",
    [
        {1: 4 * GIB, 0: 42 * MIB},
        {1: 500 * GIB, 0: 65 * MIB},
        {0: 4 * GIB},
    ],
)
def test_memory_elsewhere_is_found_by_fraction_and_by_bytes(by_node: dict[int, int]) -> None:
    (finding,) = check(memory=memory(by_node))

    assert finding.subject == "memory of process llama-server (70) lies off the policy's nodes"
    assert "on node 0" in finding.found
    assert "NUMAMask=1" in finding.fix


def test_weights_in_the_page_cache_of_another_node_are_named_by_file() -> None:
    weights = FileMemory(path="/srv/m.gguf", bytes_by_node={0: GIB, 1: GIB})

    (finding,) = check(memory=memory({1: GIB}, weights))

    assert "/srv/m.gguf" in finding.subject
    assert "page cache" in finding.cause
    assert finding.is_page_cache


def test_program_text_on_another_node_is_no_finding() -> None:
    text = FileMemory(path="/usr/bin/python3", bytes_by_node={0: 6 * MIB})

    assert check(memory=memory({1: GIB}, text)) == []


def test_half_a_gigabyte_of_small_files_elsewhere_is_a_finding() -> None:
    files = [FileMemory(path=f"/lib/{n}.so", bytes_by_node={0: 60 * MIB}) for n in range(9)]

    (finding,) = check(memory=memory({1: GIB}, *files))

    assert finding.subject.startswith("small mapped files")


def test_what_could_not_be_read_never_passes() -> None:
    (finding,) = check(memory=None, unreadable=("/proc/70/numa_maps: Permission denied",))

    assert "could not be read" in finding.subject
    assert finding.found == "/proc/70/numa_maps: Permission denied"


def test_no_process_at_all_never_passes() -> None:
    (finding,) = placement.check(POLICY, [], TWO_NODES)

    assert finding.expected == "at least its main process"


def test_a_finding_reads_as_five_lines() -> None:
    (finding,) = check(memory=memory({0: GIB}))

    assert str(finding).splitlines() == [
        "memory of process llama-server (70) lies off the policy's nodes",
        "  expected  all on node 1, at most 1% and 64.0 MiB elsewhere",
        "  found     1.0 GiB on node 0",
        "  probably  it was allocated before the policy held, or the policy is not `bind`",
        "  to fix    NUMAPolicy=bind, NUMAMask=1 and AllowedMemoryNodes=1 in [Service]; "
        "then restart: pages stay where they are",
    ]
