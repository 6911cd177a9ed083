import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_numa import host
from pytest_numa.errors import HostError, ParseError
from pytest_numa.host.identity import nominal_gib
from pytest_numa.kernel import cpulist

SAMPLES = Path(__file__).parents[2] / "shared/samples/sysfs"
MIB = 2**20

Machine = Callable[[str], Path]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Unpack a captured machine and return its root."""
    if not SAMPLES.is_dir():
        pytest.skip("the captured samples are not on this machine")
    folder = tmp_path_factory.mktemp("machines")

    def unpack(name: str) -> Path:
        if not (folder / name).exists():
            with tarfile.open(SAMPLES / f"{name}.tar.gz") as archive:
                archive.extractall(folder, filter="data")
        return folder / name

    return unpack


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a host of two CPUs in two nodes, whose files a test changes."""
    write(tmp_path, "sys/devices/system/cpu/online", "0-1\n")
    write(tmp_path, "sys/devices/system/node/online", "0-1\n")
    for number in (0, 1):
        cpu = f"sys/devices/system/cpu/cpu{number}/topology"
        node = f"sys/devices/system/node/node{number}"
        write(tmp_path, f"{cpu}/core_id", f"{number}\n")
        write(tmp_path, f"{cpu}/physical_package_id", "0\n")
        write(tmp_path, f"{cpu}/thread_siblings_list", f"{number}\n")
        write(tmp_path, f"{node}/cpulist", f"{number}\n")
        write(tmp_path, f"{node}/distance", ("10 21\n", "21 10\n")[number])
        write(tmp_path, f"{node}/meminfo", f"Node {number} MemTotal: 1024 kB\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def remove(root: Path, *names: str) -> None:
    for name in names:
        (root / name).unlink()


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
                **{0: "0-3", 1: "4-7", 2: "8-11", 3: "12-15"},
                **{4: "16-19", 5: "20-23", 6: "24-27", 7: "28-31"},
            },
        ),
        (
            "48amd64-4pa2n6c-sparse",
            {
                **{0: "0-5", 1: "6-11", 2: "12-17", 33: "18-23"},
                **{34: "24-29", 45: "30-35", 72: "36-41", 73: "42-47"},
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
                **{0: "0,4,8,12,16,20,24,28,32,36", 1: "1,5,9,13,17,21,25,29,33,37"},
                **{2: "2,6,10,14,18,22,26,30,34,38", 3: "3,7,11,15,19,23,27,31,35,39"},
            },
        ),
        ("64fake-4n2s2ca2c2t", {0: "0-15", 1: "16-31", 2: "32-47", 3: "48-63"}),
        ("nvidia-dgx-gb10", {0: "0-19"}),
        ("32em64t-2n8c+dax+nvme+mic+dimms", {0: "0-7", 1: "8-15"}),
    ],
)
def test_each_node_of_a_captured_machine_has_its_cpus(
    machine: Machine, name: str, cpus_by_node: dict[int, str]
) -> None:
    topology = host.read_topology(machine(name))

    assert {node.id: cpulist.format(node.cpus) for node in topology.nodes} == cpus_by_node
    assert topology.is_numa


@pytest.mark.parametrize(
    ("name", "mib_by_node"),
    [
        # As lstopo prints them; it rounds up what is cut off here.
        (
            "48amd64-4pa2n6c-sparse",
            {
                **{0: 8189, 1: 16 * 1024, 2: 8192, 33: 16 * 1024},
                **{34: 8192, 45: 16 * 1024, 72: 8192, 73: 16 * 1024},
            },
        ),
        ("fakeheteromemtiers", {0: 2934, 1: 978, 2: 512, 4: 512, 6: 384, 8: 384, 9: 384}),
        ("64fake-4n2s2ca2c2t", {0: 1024, 1: 1024, 2: 1024, 3: 1024}),
        ("nvidia-dgx-gb10", {0: 122566}),
    ],
)
def test_each_node_of_a_captured_machine_has_its_memory(
    machine: Machine, name: str, mib_by_node: dict[int, int]
) -> None:
    topology = host.read_topology(machine(name))

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
    machine: Machine, name: str, *, sockets: int, is_smt: bool
) -> None:
    topology = host.read_topology(machine(name))

    assert (len(topology.sockets), topology.is_smt) == (sockets, is_smt)


def test_an_offline_cpu_that_its_node_still_lists_is_kept_apart(machine: Machine) -> None:
    topology = host.read_topology(machine("16amd64-8n2c-cpusets"))

    node = topology.node(2)
    assert node is not None
    assert (node.cpus, node.cpus_offline) == ({5}, {4})
    assert topology.cpus_offline == {4}
    assert topology.nodes_of(frozenset({4, 8})) == {2, 4}


def test_possible_cpus_that_are_absent_do_not_count(machine: Machine) -> None:
    topology = host.read_topology(machine("32amd64-4s2n4c-cgroup2"))

    assert topology.cpus_online == set(range(32))
    assert topology.cpus_offline == set()


def test_distances_are_by_node_id_on_a_host_with_sparse_ids(machine: Machine) -> None:
    topology = host.read_topology(machine("48amd64-4pa2n6c-sparse"))

    node = topology.node(33)
    assert node is not None
    assert node.distances == {0: 22, 1: 16, 2: 16, 33: 10, 34: 16, 45: 16, 72: 22, 73: 22}


def test_siblings_need_not_be_neighbours(machine: Machine) -> None:
    topology = host.read_topology(machine("64fake-4n2s2ca2c2t"))

    assert topology.cpus[16].siblings == {16, 20}


def test_what_a_capture_leaves_out_is_unknown(machine: Machine) -> None:
    topology = host.read_topology(machine("64fake-4n2s2ca2c2t"))

    assert topology.nodes[0].memory_free_bytes is None
    assert topology.nodes[0].distances == {}


def test_devices_have_a_node_only_where_firmware_names_it(machine: Machine) -> None:
    topology = host.read_topology(machine("32em64t-2n8c+dax+nvme+mic+dimms"))

    assert [(d.address, d.kind, d.node) for d in topology.devices] == [
        ("0000:00:02.0", "nvme", None),
        ("0000:02:00.0", "nic", 0),
        ("0000:02:00.3", "nic", 0),
        ("0000:05:00.0", "gpu", 0),
        ("0000:82:00.0", "nic", 1),
    ]


def test_devices_that_are_local_to_every_cpu_have_no_node(machine: Machine) -> None:
    topology = host.read_topology(machine("40intel64-2g2n4c+pcilocality"))

    assert {device.node for device in topology.devices} == {None}
    assert len(topology.devices) == 5


def test_the_console_of_a_bmc_is_no_accelerator(machine: Machine) -> None:
    topology = host.read_topology(machine("32em64t-2n8c+dax+nvme+mic+dimms"))

    assert topology.accelerators == ()


@pytest.mark.parametrize(
    ("device_class", "vendor", "kind", "is_accelerator"),
    [
        ("0x030000", "0x10de", "gpu", True),
        ("0x030000", "0x1a03", "gpu", False),
        ("0x030200", "0x10de", "gpu", True),
        ("0x038000", "0x1002", "gpu", True),
        ("0x120000", "0x1da3", "gpu", True),
        ("0x020700", "0x15b3", "nic", False),
        ("0x010802", "0x144d", "nvme", False),
    ],
)
def test_a_device_is_known_by_its_pci_class(
    tree: Path, device_class: str, vendor: str, kind: str, *, is_accelerator: bool
) -> None:
    write(tree, "sys/bus/pci/devices/0001:0a:00.0/class", f"{device_class}\n")
    write(tree, "sys/bus/pci/devices/0001:0a:00.0/vendor", f"{vendor}\n")
    write(tree, "sys/bus/pci/devices/0001:0a:00.0/numa_node", "1\n")

    (device,) = host.read_topology(tree).devices

    assert (device.kind, device.node) == (kind, 1)
    assert device.is_accelerator == is_accelerator


@pytest.mark.parametrize("device_class", ["0x060400", "0x010601", "0x0c0330", "0xffff00"])
def test_other_devices_are_left_out(tree: Path, device_class: str) -> None:
    write(tree, "sys/bus/pci/devices/0000:00:1f.0/class", f"{device_class}\n")

    assert host.read_topology(tree).devices == ()


@pytest.mark.parametrize(
    ("numa_node", "local_cpulist", "node"),
    [
        ("0", "0", 0),
        ("0", "0-1", 0),
        ("0", "", 0),
        ("0", "1", None),
        ("-1", "0", None),
        ("7", "0", None),
    ],
)
def test_a_device_whose_files_disagree_has_no_node(
    tree: Path, numa_node: str, local_cpulist: str, node: int | None
) -> None:
    write(tree, "sys/bus/pci/devices/0000:41:00.0/class", "0x030200\n")
    write(tree, "sys/bus/pci/devices/0000:41:00.0/numa_node", f"{numa_node}\n")
    write(tree, "sys/bus/pci/devices/0000:41:00.0/local_cpulist", f"{local_cpulist}\n")

    (device,) = host.read_topology(tree).devices

    assert device.node == node


def test_a_kernel_without_nodes_is_one_node_of_all_cpus_and_memory(tmp_path: Path) -> None:
    write(tmp_path, "sys/devices/system/cpu/cpu0/topology/core_id", "0\n")
    write(tmp_path, "sys/devices/system/cpu/cpu1/online", "0\n")
    write(tmp_path, "sys/devices/system/cpu/cpufreq/boost", "1\n")
    write(tmp_path, "proc/meminfo", "MemTotal: 2048 kB\nMemFree: 1024 kB\n")

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


def test_a_host_that_numbers_no_sockets_has_none(tree: Path) -> None:
    write(tree, "sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n")
    write(tree, "sys/devices/system/cpu/cpu1/topology/physical_package_id", "-1\n")

    assert host.read_topology(tree).sockets == ()


def test_distances_follow_the_online_nodes_where_a_capture_lacks_some(tree: Path) -> None:
    write(tree, "sys/devices/system/node/online", "0-2\n")
    write(tree, "sys/devices/system/node/node0/distance", "10 21 31\n")
    write(tree, "sys/devices/system/node/node1/distance", "21 10 41\n")

    topology = host.read_topology(tree)

    assert topology.nodes[1].distances == {0: 21, 1: 10, 2: 41}


def test_memory_is_read_anew_each_time(tree: Path) -> None:
    before = host.read_topology(tree)
    write(tree, "sys/devices/system/node/node1/meminfo", "Node 1 MemTotal: 4096 kB\n")

    after = host.read_topology(tree)

    assert [n.memory_bytes // MIB for n in (before.nodes[1], after.nodes[1])] == [1, 4]


def test_a_directory_that_is_no_machine_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(
        HostError, match=r"found no sys/devices/system/cpu/cpuN; give .*capture DIR"
    ):
        host.read_topology(tmp_path)


def test_a_capture_without_the_memory_of_a_node_is_refused_by_its_file(tree: Path) -> None:
    remove(tree, "sys/devices/system/node/node1/meminfo")

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
def test_a_damaged_file_is_named(tree: Path, name: str, text: str) -> None:
    write(tree, name, text)

    with pytest.raises(ParseError, match=rf"^{tree / name}[:0-9]*: expected "):
        host.read_topology(tree)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tree: Path) -> None:
    remove(tree, "sys/devices/system/node/node1/meminfo")
    (tree / "sys/devices/system/node/node1/meminfo").mkdir()

    with pytest.raises(HostError, match=r"node1/meminfo: .*found: Is a directory"):
        host.read_topology(tree)


def test_this_host_is_understood() -> None:
    topology = host.read_topology()

    assert topology.cpus_online
    assert all(node.memory_bytes >= 0 for node in topology.nodes)
    assert frozenset[int]().union(*(node.cpus for node in topology.nodes)) <= topology.cpus_online


def test_the_class_names_what_decides_the_speed(machine: Machine) -> None:
    identity = host.read_identity(machine("48amd64-4pa2n6c-sparse"))

    assert identity.host_class == (
        "AMD Engineering Sample, unknown, 4 sockets, 8 nodes, 6 CPUs per node, "
        "8+16+8+16+8+16+8+16 GiB per node, SMT off"
    )


def test_a_capture_is_not_given_the_name_of_this_host(machine: Machine) -> None:
    identity = host.read_identity(machine("nvidia-dgx-gb10"))

    assert (identity.hostname, identity.kernel_release) == ("unknown", "unknown")


def test_name_kernel_and_architecture_come_from_procfs(tree: Path) -> None:
    write(tree, "proc/sys/kernel/hostname", "node7\n")
    write(tree, "proc/sys/kernel/osrelease", "6.1.0-18-arm64\n")
    write(tree, "proc/sys/kernel/arch", "aarch64\n")

    identity = host.read_identity(tree)

    assert (identity.hostname, identity.kernel_release) == ("node7", "6.1.0-18-arm64")
    assert identity.machine == "aarch64"


def test_this_host_has_a_name_and_a_class() -> None:
    identity = host.read_identity()

    assert "unknown" not in {identity.hostname, identity.kernel_release, identity.machine}
    assert identity.differences(host.read_identity()) == ()


def test_differences_between_classes_are_told_one_by_one(tree: Path) -> None:
    before = host.read_identity(tree)
    write(tree, "sys/devices/system/cpu/online", "0\n")
    write(tree, "sys/devices/system/node/node0/meminfo", f"Node 0 MemTotal: {4 * MIB} kB\n")

    after = host.read_identity(tree)

    assert after.differences(before) == (
        "CPUs per node: 1+0 CPUs per node here, 1 CPUs per node there",
        "memory per node: 4+0.000976562 GiB per node here, 0.000976562 GiB per node there",
    )


@pytest.mark.parametrize(
    ("device", "is_variable"), [("0x0005", True), ("0x0018", True), ("0x0001", False)]
)
def test_memory_that_a_hypervisor_may_change_is_no_part_of_the_class(
    tree: Path, device: str, *, is_variable: bool
) -> None:
    write(tree, "sys/bus/virtio/devices/virtio0/device", f"{device}\n")
    before = host.read_identity(tree)
    write(tree, "sys/devices/system/node/node0/meminfo", f"Node 0 MemTotal: {4 * MIB} kB\n")

    after = host.read_identity(tree)

    assert after.is_memory_variable == is_variable
    assert (after.host_class == before.host_class) == is_variable


@pytest.mark.parametrize(
    ("mem_total_kb", "size_gib"),
    [
        # MemTotal of captured hosts with 128 GiB on a node.
        (125508468, 128),
        (134204252, 128),
        (132100096, 128),
        (134217728, 128),
        (8386000, 8),
        (3005392, 3),
        (393216, 0.375),
        (50 * MIB, 64),
        (45 * MIB, 48),
        (0, 0),
    ],
)
def test_memory_is_rounded_up_to_what_is_sold(mem_total_kb: int, size_gib: float) -> None:
    assert nominal_gib(mem_total_kb * 1024) == size_gib
