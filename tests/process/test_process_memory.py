from pathlib import Path

import pytest

from pytest_numa.kernel import numa_maps
from pytest_numa.process.memory import Memory, Region, summarise, total_by_node
from pytest_numa.process.mounts import Mounts

SAMPLES = Path(__file__).parents[3] / "shared/samples/numa_maps"
KIB = 1024
MIB = 1024 * KIB


def read(text: str, directory: Path = Path("/nowhere")) -> Memory:
    ranges = numa_maps.parse_alike(text, source="/proc/1/numa_maps")
    return summarise(ranges, Mounts(directory))


def files(memory: Memory) -> list[Region]:
    return [one for one in memory.regions if one.kind == "file"]


def test_anonymous_memory_and_page_cache_are_added_up_apart() -> None:
    memory = read(
        "1000 bind:0 heap anon=3 N0=3 kernelpagesize_kB=4\n"
        "2000 bind:0 anon=4 N0=2 N1=2 kernelpagesize_kB=4\n"
        "3000 bind:0 file=/lib/libc.so mapped=5 N1=5 kernelpagesize_kB=4\n"
        "4000 bind:0 file=/lib/libc.so mapped=1 N0=1 kernelpagesize_kB=4\n"
    )

    assert memory.placed_by_node == {0: 20 * KIB, 1: 8 * KIB}
    assert memory.file_backed_by_node == {0: 4 * KIB, 1: 20 * KIB}
    assert memory.bytes_by_node == {0: 24 * KIB, 1: 28 * KIB}


def test_the_largest_file_comes_first() -> None:
    memory = read(
        "1000 default file=/lib/libc.so mapped=5 N0=5\n"
        "2000 default file=/models/a.gguf mapped=600 N0=100 N1=500\n"
        "3000 default file=/lib/libm.so mapped=5 N0=5\n"
    )

    assert [file.path for file in files(memory)] == [
        "/models/a.gguf",
        "/lib/libc.so",
        "/lib/libm.so",
    ]
    assert files(memory)[0].bytes_by_node == {0: 400 * KIB, 1: 2000 * KIB}


@pytest.mark.parametrize(
    "text",
    [
        r"1000 default file=/dev/shm/nccl-1 dirty=1 N0=1",
        r"1000 default file=/SYSV00000000\040(deleted) dirty=1 N0=1",
        r"1000 default file=/memfd:torch\040(deleted) dirty=1 N0=1",
        r"1000 default file=/dev/zero\040(deleted) dirty=1 N0=1",
        r"1000 default file=/mnt/huge/map_0 huge dirty=1 N0=1",
        r"1000 default file=/lib/libc.so anon=1 dirty=1 N0=1",
    ],
    ids=["POSIX", "SysV", "memfd", "shared anonymous", "hugetlb", "private copy"],
)
def test_memory_behind_a_file_name_counts_as_the_process_s_own(text: str) -> None:
    memory = read(text)

    assert memory.placed_by_node == {0: 4 * KIB}
    assert files(memory) == []


def test_only_ranges_with_pages_tell_a_policy() -> None:
    memory = read("1000 bind:0 anon=1 N0=1\n2000 default\n3000 prefer (many):0-1 anon=1 N0=1\n")

    assert memory.policies == {"bind:0", "prefer (many):0-1"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_a_captured_bound_process_has_only_its_program_on_the_other_node() -> None:
    memory = read((SAMPLES / "vm-e2.numa_maps").read_text())

    assert sum(memory.placed_by_node.values()) > 64 * MIB
    assert set(memory.placed_by_node) == {1}
    assert files(memory)[0].path == "/run/hog"
    assert memory.file_backed_by_node[0] == 776 * KIB


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_a_captured_file_on_a_tmpfs_with_its_own_policy_is_named() -> None:
    memory = read((SAMPLES / "vm-e11.numa_maps").read_text())

    assert files(memory)[0] == Region(
        kind="file", path="/run/pc/f", policy="bind:0", bytes_by_node={0: 48 * MIB}
    )
    assert memory.policies == {"bind:0", "bind:1"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_captured_huge_pages_count_as_the_process_s_own() -> None:
    memory = read((SAMPLES / "vm-e12.numa_maps").read_text())

    assert memory.placed_by_node[0] >= 16 * MIB


TMPFS = (
    "30 1 0:26 / / rw - ext4 /dev/vda rw\n"
    "31 30 0:27 / /run rw shared:5 - tmpfs tmpfs rw,size=1g\n"
    "32 31 0:28 / /run/a\\040b rw - tmpfs tmpfs rw,mpol=bind:0\n"
)


def test_a_file_on_a_tmpfs_is_shared_memory_and_tells_the_policy_of_the_mount(
    tmp_path: Path,
) -> None:
    (tmp_path / "mountinfo").write_text(TMPFS)

    memory = read(r"1000 bind:0 file=/run/a\040b/f dirty=1 N0=1", tmp_path)

    (region,) = memory.regions
    assert (region.kind, region.path, region.mount_policy) == ("shared", "/run/a b/f", "bind:0")


def test_a_file_beside_a_tmpfs_stays_page_cache(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(TMPFS)

    memory = read("1000 bind:0 file=/runner/f mapped=1 N0=1", tmp_path)

    assert [one.kind for one in memory.regions] == ["file"]


def test_pages_that_two_processes_share_count_once() -> None:
    one = read("1000 default file=/dev/shm/x dirty=9 mapmax=2 N0=9\n2000 default anon=1 N1=1\n")
    other = read("7000 default file=/dev/shm/x dirty=4 mapmax=2 N0=4\n9000 default anon=2 N1=2\n")

    assert total_by_node([one, other]) == {0: 36 * KIB, 1: 12 * KIB}


def test_memory_that_a_fork_shares_counts_once() -> None:
    forked = "1000 default anon=5 mapmax=2 N0=5\n2000 default anon=1 N0=1\n"

    assert total_by_node([read(forked), read(forked)]) == {0: 28 * KIB}


def test_parts_of_a_file_that_are_mapped_by_one_process_each_add_up() -> None:
    one = read("1000 default file=/m.gguf mapped=5 N0=5\n")
    other = read("1000 default file=/m.gguf mapped=7 N1=7\n")

    assert total_by_node([one, other]) == {0: 20 * KIB, 1: 28 * KIB}


def test_a_file_shared_by_few_of_many_is_at_least_the_mean_of_its_sharers() -> None:
    maps = [read(f"1000 default file=/m mapped=6 mapmax=2 N0={pages}\n") for pages in (6, 6, 6, 6)]

    assert total_by_node(maps) == {0: 48 * KIB}
