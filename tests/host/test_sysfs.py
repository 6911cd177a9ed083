from pathlib import Path

import host_trees
import pytest

from pytest_numa import host
from pytest_numa.errors import HostError, ParseError
from pytest_numa.kernel import cpulist

MIB = 2**20


@pytest.mark.parametrize(
    ("name", "cpus_by_node"),
    [
        (
            "16amd64-8n2c-cpusets",
            {0: "0-1", 1: "2-3", 2: "5", 3: "6-7", 4: "8-9", 5: "10-11", 6: "12-13", 7: "14-15"},
        ),
        (
            "32amd64-4s2n4c-cgroup2",
            {
                0: "0-3",
                1: "4-7",
                2: "8-11",
                3: "12-15",
                4: "16-19",
                5: "20-23",
                6: "24-27",
                7: "28-31",
            },
        ),
        (
            "48amd64-4pa2n6c-sparse",
            {
                0: "0-5",
                1: "6-11",
                2: "12-17",
                33: "18-23",
                34: "24-29",
                45: "30-35",
                72: "36-41",
                73: "42-47",
            },
        ),
        (
            "fakeheteromemtiers",
            {0: "0-1", 1: "2-3", 2: "4-5", 4: "", 6: "", 8: "", 9: ""},
        ),
        ("96em64t-4no4pa3ca2co", {0: "0-23", 1: "24-47", 2: "48-71", 3: "72-95"}),
        (
            "40intel64-2g2n4c+pcilocality",
            {
                0: "0,4,8,12,16,20,24,28,32,36",
                1: "1,5,9,13,17,21,25,29,33,37",
                2: "2,6,10,14,18,22,26,30,34,38",
                3: "3,7,11,15,19,23,27,31,35,39",
            },
        ),
        ("64fake-4n2s2ca2c2t", {0: "0-15", 1: "16-31", 2: "32-47", 3: "48-63"}),
        ("nvidia-dgx-gb10", {0: "0-19"}),
        ("32em64t-2n8c+dax+nvme+mic+dimms", {0: "0-7", 1: "8-15"}),
    ],
)
def test_each_node_of_a_captured_machine_has_its_cpus(
    tmp_path_factory: pytest.TempPathFactory, name: str, cpus_by_node: dict[int, str]
) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, name))

    assert {node.id: cpulist.format(node.cpus) for node in topology.nodes} == cpus_by_node
    assert topology.is_numa


@pytest.mark.parametrize(
    ("name", "mib_by_node"),
    [
        # As lstopo prints them; it rounds up what is cut off here.
        (
            "48amd64-4pa2n6c-sparse",
            {
                0: 8189,
                1: 16 * 1024,
                2: 8192,
                33: 16 * 1024,
                34: 8192,
                45: 16 * 1024,
                72: 8192,
                73: 16 * 1024,
            },
        ),
        ("fakeheteromemtiers", {0: 2934, 1: 978, 2: 512, 4: 512, 6: 384, 8: 384, 9: 384}),
        ("64fake-4n2s2ca2c2t", {0: 1024, 1: 1024, 2: 1024, 3: 1024}),
        ("nvidia-dgx-gb10", {0: 122566}),
    ],
)
def test_each_node_of_a_captured_machine_has_its_memory(
    tmp_path_factory: pytest.TempPathFactory, name: str, mib_by_node: dict[int, int]
) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, name))

    assert {node.id: node.memory_bytes // MIB for node in topology.nodes} == mib_by_node


@pytest.mark.parametrize(
    ("name", "sockets", "is_smt"),
    [
        ("16amd64-8n2c-cpusets", 8, False),
        ("48amd64-4pa2n6c-sparse", 4, False),
        ("fakeheteromemtiers", 1, False),
        ("96em64t-4no4pa3ca2co", 16, False),
        ("64fake-4n2s2ca2c2t", 8, True),
        ("nvidia-dgx-gb10", 1, False),
    ],
)
def test_sockets_and_smt_of_a_captured_machine(
    tmp_path_factory: pytest.TempPathFactory, name: str, *, sockets: int, is_smt: bool
) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, name))

    assert (len(topology.sockets), topology.is_smt) == (sockets, is_smt)


def test_an_offline_cpu_that_its_node_still_lists_is_kept_apart(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, "16amd64-8n2c-cpusets"))

    node = topology.node(2)
    assert node is not None
    assert node.cpus == {5}
    assert node.cpus_offline == {4}
    assert topology.cpus_offline == {4}
    assert topology.nodes_of(frozenset({4, 8})) == {2, 4}


def test_possible_cpus_that_are_absent_do_not_count(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, "32amd64-4s2n4c-cgroup2"))

    assert topology.cpus_online == set(range(32))
    assert topology.cpus_offline == set()


def test_distances_are_by_node_id_on_a_host_with_sparse_ids(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, "48amd64-4pa2n6c-sparse"))

    node = topology.node(33)
    assert node is not None
    assert node.distances == {0: 22, 1: 16, 2: 16, 33: 10, 34: 16, 45: 16, 72: 22, 73: 22}


def test_siblings_need_not_be_neighbours(tmp_path_factory: pytest.TempPathFactory) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, "64fake-4n2s2ca2c2t"))

    assert topology.cpus[16].siblings == {16, 20}


def test_what_a_capture_leaves_out_is_unknown(tmp_path_factory: pytest.TempPathFactory) -> None:
    topology = host.read_topology(host_trees.unpack(tmp_path_factory, "64fake-4n2s2ca2c2t"))

    assert topology.nodes[0].memory_free_bytes is None
    assert topology.nodes[0].distances == {}


def test_a_kernel_without_nodes_is_one_node_of_all_cpus_and_memory(tmp_path: Path) -> None:
    host_trees.write(tmp_path, "sys/devices/system/cpu/cpu0/topology/core_id", "0\n")
    host_trees.write(tmp_path, "sys/devices/system/cpu/cpu1/online", "0\n")
    host_trees.write(tmp_path, "sys/devices/system/cpu/cpufreq/boost", "1\n")
    host_trees.write(tmp_path, "proc/meminfo", "MemTotal: 2048 kB\nMemFree: 1024 kB\n")

    topology = host.read_topology(tmp_path)

    assert not topology.is_numa
    assert topology.nodes == (
        host.Node(
            id=0,
            cpus=frozenset({0}),
            cpus_offline=frozenset({1}),
            memory_bytes=2 * MIB,
            memory_free_bytes=MIB,
            memory_available_bytes=MIB,
            distances={0: 10},
        ),
    )


def test_a_host_that_numbers_no_sockets_has_none(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n")
    host_trees.write(tree, "sys/devices/system/cpu/cpu1/topology/physical_package_id", "-1\n")

    assert host.read_topology(tree).sockets == ()


def test_distances_follow_the_online_nodes_where_a_capture_lacks_some(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/devices/system/node/online", "0-2\n")
    host_trees.write(tree, "sys/devices/system/node/node0/distance", "10 21 31\n")
    host_trees.write(tree, "sys/devices/system/node/node1/distance", "21 10 41\n")

    topology = host.read_topology(tree)

    assert topology.nodes[1].distances == {0: 21, 1: 10, 2: 41}


def test_memory_is_read_anew_each_time(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    before = host.read_topology(tree)
    host_trees.write(tree, "sys/devices/system/node/node1/meminfo", "Node 1 MemTotal: 4096 kB\n")

    after = host.read_topology(tree)

    assert [n.memory_bytes // MIB for n in (before.nodes[1], after.nodes[1])] == [1024, 4]


def test_a_directory_that_is_no_machine_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(
        HostError,
        match=r"found no sys/devices/system/cpu/cpuN; give a directory that holds captured",
    ):
        host.read_topology(tmp_path)


def test_a_capture_without_the_memory_of_a_node_is_refused_by_its_file(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    (tree / "sys/devices/system/node/node1/meminfo").unlink()

    with pytest.raises(
        HostError, match=r"node1/meminfo: expected a file of the kernel, found none"
    ):
        host.read_topology(tree)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sys/devices/system/cpu/online", "all of them\n"),
        ("sys/devices/system/node/node1/cpulist", "1-\n"),
        ("sys/devices/system/node/node1/distance", "10\n"),
        ("sys/devices/system/node/node1/meminfo", "?\n"),
        ("sys/devices/system/cpu/cpu1/topology/core_id", "one\n"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, name, text)

    with pytest.raises(ParseError, match=rf"^{tree / name}[:0-9]*: expected "):
        host.read_topology(tree)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    (tree / "sys/devices/system/node/node1/meminfo").unlink()
    (tree / "sys/devices/system/node/node1/meminfo").mkdir()

    with pytest.raises(HostError, match=r"node1/meminfo: .*found: Is a directory"):
        host.read_topology(tree)


def test_this_host_is_understood() -> None:
    topology = host.read_topology()

    assert topology.cpus_online
    assert all(node.memory_bytes >= 0 for node in topology.nodes)
    assert frozenset[int]().union(*(node.cpus for node in topology.nodes)) <= topology.cpus_online
