from pathlib import Path

import host_trees
import pytest

from pytest_numa import host
from pytest_numa.host.identity import nominal_gib

MIB = 2**20


def test_the_class_names_what_decides_the_speed(tmp_path_factory: pytest.TempPathFactory) -> None:
    identity = host.read_identity(host_trees.unpack(tmp_path_factory, "48amd64-4pa2n6c-sparse"))

    assert identity.host_class == (
        "AMD Engineering Sample, unknown, sockets 4, nodes 8, CPUs per node 6, "
        "memory per node 8+16+8+16+8+16+8+16 GiB, SMT off"
    )


def test_a_capture_is_not_given_the_name_of_this_host(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    identity = host.read_identity(host_trees.unpack(tmp_path_factory, "nvidia-dgx-gb10"))

    assert (identity.hostname, identity.kernel_release) == ("unknown", "unknown")


def test_name_kernel_and_architecture_come_from_procfs(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "proc/sys/kernel/hostname", "node7\n")
    host_trees.write(tree, "proc/sys/kernel/osrelease", "6.1.0-18-arm64\n")
    host_trees.write(tree, "proc/sys/kernel/arch", "aarch64\n")

    identity = host.read_identity(tree)

    assert (identity.hostname, identity.kernel_release) == ("node7", "6.1.0-18-arm64")
    assert identity.machine == "aarch64"


def test_this_host_has_a_name_and_a_class() -> None:
    identity = host.read_identity()

    assert "unknown" not in {identity.hostname, identity.kernel_release, identity.machine}
    assert identity.differences(host.read_identity()) == ()


def test_differences_between_classes_are_told_one_by_one(tmp_path: Path) -> None:
    tree = host_trees.build(tmp_path)
    before = host.read_identity(tree)
    host_trees.write(tree, "sys/devices/system/cpu/online", "0\n")
    host_trees.write(
        tree, "sys/devices/system/node/node0/meminfo", f"Node 0 MemTotal: {4 * MIB} kB\n"
    )

    after = host.read_identity(tree)

    assert after.differences(before) == (
        "CPUs per node: 1+0 here, 1 there",
        "memory per node: 4+1 GiB here, 1 GiB there",
    )


@pytest.mark.parametrize(
    ("device", "is_variable"), [("0x0005", True), ("0x0018", True), ("0x0001", False)]
)
def test_memory_that_a_hypervisor_may_change_is_no_part_of_the_class(
    tmp_path: Path, device: str, *, is_variable: bool
) -> None:
    tree = host_trees.build(tmp_path)
    host_trees.write(tree, "sys/bus/virtio/devices/virtio0/device", f"{device}\n")
    before = host.read_identity(tree)
    host_trees.write(
        tree, "sys/devices/system/node/node0/meminfo", f"Node 0 MemTotal: {4 * MIB} kB\n"
    )

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
