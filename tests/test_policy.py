import os
import re
import shutil
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import host, policy, process
from pytest_numa.errors import PolicyError
from pytest_numa.host import Cpu, Device, Node, Topology
from pytest_numa.kernel import cpulist
from pytest_numa.policy import Policy

GIB = 2**30


def node(number: int, cpus: str, *, offline: str = "", gib: int = 16, free_gib: int = 8) -> Node:
    return Node(
        id=number,
        cpus=cpulist.parse(cpus, source=""),
        cpus_offline=cpulist.parse(offline, source=""),
        memory_bytes=gib * GIB,
        memory_free_bytes=free_gib * GIB,
        memory_available_bytes=free_gib * GIB,
        distances={},
    )


def gpu(address: str, on_node: int | None, *, is_accelerator: bool = True) -> Device:
    return Device(address=address, kind="gpu", node=on_node, is_accelerator=is_accelerator)


def host_of(nodes: Sequence[Node], devices: Sequence[Device] = (), *, stray: str = "") -> Topology:
    """Build a host; ``stray`` are online CPUs of no node."""
    online = frozenset[int]().union(cpulist.parse(stray, source=""), *(n.cpus for n in nodes))
    offline = frozenset[int]().union(*(n.cpus_offline for n in nodes))
    return Topology(
        nodes=tuple(nodes),
        cpus=tuple(
            Cpu(
                id=number,
                is_online=number in online,
                core_id=None,
                socket_id=None,
                siblings=frozenset({number}),
            )
            for number in sorted(online | offline)
        ),
        devices=tuple(devices),
        is_numa=True,
    )


# Two ordinary nodes, a memory-only one, and one that has CPUs and no memory.
HOST = host_of(
    [
        node(0, "0-3"),
        node(1, "4-6", offline="7"),
        node(2, ""),
        node(8, "8-9", gib=0, free_gib=0),
    ],
    stray="20",
)


@pytest.mark.parametrize(
    ("node_option", "cpus_option", "cpu_list", "node_list"),
    [
        ("0", None, "0-3", "0"),
        ("1", None, "4-6", "1"),
        ("0,1", None, "0-6", "0-1"),
        ("0-1", "1,4", "1,4", "0-1"),
        ("0", "2-3", "2-3", "0"),
        (None, "1", "1", "0"),
        (None, "3,4", "3-4", "0-1"),
    ],
)
def test_options_become_a_policy(
    *, node_option: str | None, cpus_option: str | None, cpu_list: str, node_list: str
) -> None:
    found = policy.resolve(HOST, node_option=node_option, cpus_option=cpus_option)

    assert (found.cpu_list, found.node_list) == (cpu_list, node_list)


@pytest.mark.parametrize(
    ("node_option", "cpus_option", "message"),
    [
        (None, None, "no placement is wanted: give --numa-node, --cpus or both"),
        ("3", None, "--numa-node: expected nodes of this host, found '3', which do not exist"),
        ("0,5-6", None, "--numa-node: expected nodes of this host, found '5-6'"),
        ("first", None, "--numa-node: expected a list such as 0-3,8, found 'first'"),
        ("", None, "--numa-node: expected nodes such as 0 or 0,1, or auto, found ''"),
        ("2", None, "node 2: expected a node with online CPUs, found none: it is memory only"),
        ("0,2", None, "node 2: expected a node with online CPUs"),
        ("8", None, "node 8: expected a node with memory, found none"),
        (None, "8", "node 8: expected a node with memory, found none"),
        ("0", "99", "--cpus: expected CPUs of this host, found '99', which do not exist"),
        ("1", "6-7", "--cpus: expected online CPUs, found '7', offline"),
        ("0", "3-5", "--cpus: expected CPUs of node 0 (0-3), found '4-5' besides"),
        (None, "20", "--cpus: expected CPUs of a node, found '20', of none"),
        (None, "3,20", "--cpus: expected CPUs of node 0 (0-3), found '20' besides"),
        ("0", "0-", "--cpus: expected a list such as 0-3,8, found '0-'"),
        ("0", " ", "--cpus: expected a list such as 0-3,8, found ' '"),
        ("0", "0-99999999999", "--cpus: expected ascending numbers up to 1048575"),
    ],
)
def test_what_cannot_be_had_is_refused_and_what_exists_is_shown(
    *, node_option: str | None, cpus_option: str | None, message: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        policy.resolve(HOST, node_option=node_option, cpus_option=cpus_option)

    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(
        "\nchoose of what this host has:\n"
        "  node 0: CPUs 0-3, 16.0 GiB of memory\n"
        "  node 1: CPUs 4-6 (offline 7), 16.0 GiB of memory\n"
        "  node 2: CPUs none, 16.0 GiB of memory\n"
        "  node 8: CPUs 8-9, 0 B of memory"
    )


def test_a_node_whose_cpus_are_all_offline_is_refused_as_such() -> None:
    topology = host_of([node(0, "0"), node(1, "", offline="1")])

    with pytest.raises(PolicyError, match=r"node 1: .* all its CPUs are offline"):
        policy.resolve(topology, node_option="1", cpus_option=None)


def test_an_offline_cpu_is_refused_with_the_line_that_switches_it_on() -> None:
    with pytest.raises(PolicyError, match="echo 1 > /sys/devices/system/cpu/cpu7/online"):
        policy.resolve(HOST, node_option=None, cpus_option="7")


def test_cpus_that_this_process_may_not_use_are_refused_with_those_that_it_may() -> None:
    with pytest.raises(
        PolicyError, match=r"\(2-4\), found '0-1'; give --cpus 2-3, or start pytest"
    ):
        policy.resolve(HOST, node_option="0", cpus_option=None, allowed_cpus=frozenset({2, 3, 4}))


def test_no_cpus_are_offered_where_this_process_may_use_none_of_them() -> None:
    with pytest.raises(
        PolicyError, match=r"\(4\), found '0-3'; start pytest with a wider affinity"
    ):
        policy.resolve(HOST, node_option="0", cpus_option=None, allowed_cpus=frozenset({4}))


def test_cpus_that_this_process_may_use_are_accepted() -> None:
    found = policy.resolve(
        HOST, node_option="0", cpus_option="2", allowed_cpus=frozenset({2, 3, 4})
    )

    assert found.cpus == {2}


@pytest.mark.parametrize(
    ("topology", "chosen"),
    [
        (host_of([node(0, "0-3"), node(1, "4-7")], [gpu("0000:41:00.0", 1)]), 1),
        (
            host_of(
                [node(0, "0-3"), node(1, "4-7")], [gpu("0000:41:00.0", 1), gpu("0000:42:00.0", 1)]
            ),
            1,
        ),
        (host_of([node(0, "0-3"), node(1, "4-7", free_gib=15)]), 1),
        (host_of([node(0, "0-3", free_gib=10), node(1, "4-7", free_gib=11)]), 0),
        (host_of([node(0, "0-3"), node(1, "", free_gib=15)]), 0),
        (host_of([node(0, "0-3"), node(1, "4-7", gib=0, free_gib=0)]), 0),
        (host_of([node(0, "0-3")], [gpu("0000:41:00.0", None)]), 0),
        (
            host_of(
                [node(0, "0-3"), node(1, "4-7", free_gib=15)],
                [gpu("0000:05:00.0", 0, is_accelerator=False)],
            ),
            1,
        ),
    ],
    ids=[
        "the node of the GPU",
        "the node of all GPUs",
        "the node with most available memory",
        "the first of nodes with about as much",
        "never a node without CPUs",
        "never a node without memory",
        "the only node, wherever the GPU says it is",
        "the console of a BMC does not count",
    ],
)
def test_auto_chooses(*, topology: Topology, chosen: int) -> None:
    found = policy.resolve(topology, node_option="auto", cpus_option=None)

    assert found.memory_nodes == {chosen}


@pytest.mark.parametrize(
    ("gpus", "shown"),
    [
        (
            [gpu("0000:41:00.0", 0), gpu("0000:81:00.0", 1)],
            "found 0000:41:00.0 on node 0, 0000:81:00.0 on node 1; name the node",
        ),
        ([gpu("0000:41:00.0", None)], "found 0000:41:00.0 on node unknown; name the node"),
        (
            [gpu("0000:41:00.0", 0), gpu("0000:81:00.0", None)],
            "found 0000:41:00.0 on node 0, 0000:81:00.0 on node unknown; name the node",
        ),
    ],
)
def test_auto_does_not_guess_between_gpus(*, gpus: list[Device], shown: str) -> None:
    topology = host_of([node(0, "0-3"), node(1, "4-7")], gpus)

    with pytest.raises(PolicyError, match=shown):
        policy.resolve(topology, node_option="auto", cpus_option=None)


def test_auto_refuses_a_gpu_on_a_node_without_cpus() -> None:
    topology = host_of([node(0, "0-3"), node(1, "4-7"), node(2, "")], [gpu("0009:01:00.0", 2)])

    with pytest.raises(PolicyError, match="node 2: expected a node with online CPUs"):
        policy.resolve(topology, node_option="auto", cpus_option=None)


def test_auto_on_a_host_without_a_usable_node_is_refused() -> None:
    topology = host_of([node(0, "0-3", gib=0, free_gib=0), node(1, "")])

    with pytest.raises(PolicyError, match="auto: expected a node with CPUs and memory, found none"):
        policy.resolve(topology, node_option="auto", cpus_option=None)


def test_the_pinned_command_binds_memory_first_and_cpus_last() -> None:
    wanted = Policy(cpus=frozenset({0, 1, 4}), memory_nodes=frozenset({0, 2}))

    argv = wanted.control_argv(("server", "--port", "8000"))

    assert argv == [
        *("numactl", "--membind=0,2", "taskset", "--cpu-list", "0-1,4"),
        *("server", "--port", "8000"),
    ]


@pytest.mark.skipif(not shutil.which("numactl"), reason="numactl is not installed")
def test_the_pinned_command_has_the_cpus_and_the_policy_that_were_wanted() -> None:
    cpu = min(os.sched_getaffinity(0))
    wanted = policy.resolve(host.read_topology(), node_option=None, cpus_option=str(cpu))
    argv = wanted.control_argv(["sh", "-c", "echo ready; exec sleep 60"])

    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        (found,) = process.read_processes([child.pid])
        child.kill()

    assert [thread.cpus_allowed for thread in found.threads] == [frozenset({cpu})]
    assert found.memory is not None
    assert f"bind:{wanted.node_list}" in found.memory.policies


@pytest.mark.parametrize(("cpus", "nodes"), [({0}, set()), (set(), {0})])
def test_a_policy_of_nothing_cannot_be_made(*, cpus: set[int], nodes: set[int]) -> None:
    with pytest.raises(PolicyError, match="expected at least one CPU and one memory node"):
        Policy(cpus=frozenset(cpus), memory_nodes=frozenset(nodes))


OPTIONS = st.none() | st.text(alphabet="0123456789-,:/ auto", max_size=8)


@given(node_option=OPTIONS, cpus_option=OPTIONS)
def test_any_option_gives_a_policy_within_its_nodes_or_a_policy_error(
    *, node_option: str | None, cpus_option: str | None
) -> None:
    try:
        found = policy.resolve(HOST, node_option=node_option, cpus_option=cpus_option)
    except PolicyError:
        return

    assert HOST.nodes_of(found.cpus) <= found.memory_nodes <= {0, 1}
    assert found.cpus <= HOST.cpus_online


@pytest.mark.parametrize(
    ("node_option", "cpus_option", "cpus", "nodes"),
    [
        ("1", "6-7", {6, 7}, {1}),
        ("1", None, {4, 5, 6}, {1}),
        (None, "6-7", {6, 7}, {1}),
        ("2", "0-3", {0, 1, 2, 3}, {2}),
        ("0-1", "0", {0}, {0, 1}),
    ],
)
def test_a_running_service_may_be_wanted_on_offline_cpus_and_memory_only_nodes(
    *, node_option: str | None, cpus_option: str | None, cpus: set[int], nodes: set[int]
) -> None:
    wanted = policy.expected(HOST, node_option=node_option, cpus_option=cpus_option)

    assert wanted == Policy(cpus=frozenset(cpus), memory_nodes=frozenset(nodes))


@pytest.mark.parametrize(
    ("node_option", "cpus_option", "message"),
    [
        (None, None, "no placement is wanted: give --numa-node, --cpus or both"),
        ("2", None, "found CPUs none and nodes 2; give both"),
        (None, "20", "found CPUs 20 and nodes none; give both"),
        ("0", "99", "--cpus: expected CPUs of this host, found '99'"),
        ("7", "0", "--numa-node: expected nodes of this host, found '7'"),
    ],
)
def test_a_placement_that_cannot_be_wanted_is_refused(
    *, node_option: str | None, cpus_option: str | None, message: str
) -> None:
    with pytest.raises(PolicyError, match=re.escape(message)):
        policy.expected(HOST, node_option=node_option, cpus_option=cpus_option)
