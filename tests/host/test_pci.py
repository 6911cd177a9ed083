from pathlib import Path

import host_trees
import pytest

from pytest_numa import host
from pytest_numa.errors import ParseError


def test_devices_have_a_node_only_where_firmware_names_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    topology = host.read_topology(
        host_trees.unpack(tmp_path_factory, "32em64t-2n8c+dax+nvme+mic+dimms")
    )

    assert [(d.address, d.kind, d.node) for d in topology.devices] == [
        ("0000:00:02.0", "nvme", None),
        ("0000:02:00.0", "nic", 0),
        ("0000:02:00.3", "nic", 0),
        ("0000:05:00.0", "gpu", 0),
        ("0000:82:00.0", "nic", 1),
    ]


def test_devices_that_are_local_to_every_cpu_have_no_node(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    topology = host.read_topology(
        host_trees.unpack(tmp_path_factory, "40intel64-2g2n4c+pcilocality")
    )

    assert {device.node for device in topology.devices} == {None}
    assert len(topology.devices) == 5


def test_the_console_of_a_bmc_is_no_accelerator(tmp_path_factory: pytest.TempPathFactory) -> None:
    topology = host.read_topology(
        host_trees.unpack(tmp_path_factory, "32em64t-2n8c+dax+nvme+mic+dimms")
    )

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
    tmp_path: Path, device_class: str, vendor: str, kind: str, *, is_accelerator: bool
) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/bus/pci/devices/0001:0a:00.0/class", f"{device_class}\n")
    host_trees.write(tree, "sys/bus/pci/devices/0001:0a:00.0/vendor", f"{vendor}\n")
    host_trees.write(tree, "sys/bus/pci/devices/0001:0a:00.0/numa_node", "1\n")

    (device,) = host.read_topology(tree).devices

    assert (device.kind, device.node) == (kind, 1)
    assert device.is_accelerator == is_accelerator


@pytest.mark.parametrize("device_class", ["0x060400", "0x010601", "0x0c0330", "0xffff00"])
def test_other_devices_are_left_out(tmp_path: Path, device_class: str) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/bus/pci/devices/0000:00:1f.0/class", f"{device_class}\n")

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
    tmp_path: Path, numa_node: str, local_cpulist: str, node: int | None
) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/bus/pci/devices/0000:41:00.0/class", "0x030200\n")
    host_trees.write(tree, "sys/bus/pci/devices/0000:41:00.0/numa_node", f"{numa_node}\n")
    host_trees.write(tree, "sys/bus/pci/devices/0000:41:00.0/local_cpulist", f"{local_cpulist}\n")

    (device,) = host.read_topology(tree).devices

    assert device.node == node


def test_a_device_without_a_vendor_or_node_file_is_kept(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/bus/pci/devices/0000:41:00.0/class", "0x030000\n")

    (device,) = host.read_topology(tree).devices

    assert (device.node, device.is_accelerator) == (None, False)


def test_a_damaged_file_of_a_device_is_named(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/bus/pci/devices/0000:41:00.0/class", "gpu\n")

    with pytest.raises(ParseError, match=r"0000:41:00\.0/class: expected a number, found 'gpu"):
        host.read_topology(tree)
