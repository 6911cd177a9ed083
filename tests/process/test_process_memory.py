from pathlib import Path

import pytest

from pytest_numa.kernel import numa_maps
from pytest_numa.process.memory import FileMemory, Memory, summarise

SAMPLES = Path(__file__).parents[3] / "shared/samples/numa_maps"
KIB = 1024
MIB = 1024 * KIB


def read(text: str) -> Memory:
    return summarise(numa_maps.parse(text, source="/proc/1/numa_maps"))


def test_anonymous_memory_and_page_cache_are_added_up_apart() -> None:
    memory = read(
        "1000 bind:0 heap anon=3 N0=3 kernelpagesize_kB=4\n"
        "2000 bind:0 anon=4 N0=2 N1=2 kernelpagesize_kB=4\n"
        "3000 bind:0 file=/lib/libc.so mapped=5 N1=5 kernelpagesize_kB=4\n"
        "4000 bind:0 file=/lib/libc.so mapped=1 N0=1 kernelpagesize_kB=4\n"
    )

    assert memory.anonymous_by_node == {0: 20 * KIB, 1: 8 * KIB}
    assert memory.file_backed_by_node == {0: 4 * KIB, 1: 20 * KIB}
    assert memory.bytes_by_node == {0: 24 * KIB, 1: 28 * KIB}


def test_the_largest_file_comes_first() -> None:
    memory = read(
        "1000 default file=/lib/libc.so mapped=5 N0=5\n"
        "2000 default file=/models/a.gguf mapped=600 N0=100 N1=500\n"
        "3000 default file=/lib/libm.so mapped=5 N0=5\n"
    )

    assert [file.path for file in memory.files] == [
        "/models/a.gguf",
        "/lib/libc.so",
        "/lib/libm.so",
    ]
    assert memory.files[0].bytes_by_node == {0: 400 * KIB, 1: 2000 * KIB}


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

    assert memory.anonymous_by_node == {0: 4 * KIB}
    assert memory.files == ()


def test_only_ranges_with_pages_tell_a_policy() -> None:
    memory = read("1000 bind:0 anon=1 N0=1\n2000 default\n3000 prefer (many):0-1 anon=1 N0=1\n")

    assert memory.policies == {"bind:0", "prefer (many):0-1"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_a_captured_bound_process_has_only_its_program_on_the_other_node() -> None:
    memory = read((SAMPLES / "vm-e2.numa_maps").read_text())

    assert sum(memory.anonymous_by_node.values()) > 64 * MIB
    assert set(memory.anonymous_by_node) == {1}
    assert memory.files[0].path == "/run/hog"
    assert memory.file_backed_by_node[0] == 776 * KIB


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_a_captured_file_on_a_tmpfs_with_its_own_policy_is_named() -> None:
    memory = read((SAMPLES / "vm-e11.numa_maps").read_text())

    assert memory.files[0] == FileMemory(path="/run/pc/f", bytes_by_node={0: 48 * MIB})
    assert memory.policies == {"bind:0", "bind:1"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_captured_huge_pages_count_as_the_process_s_own() -> None:
    memory = read((SAMPLES / "vm-e12.numa_maps").read_text())

    assert memory.anonymous_by_node[0] >= 16 * MIB
