"""A cgroup's memory by kind and node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import numa_stat

# Of the two-node machine, Linux 6.1, version 2.
UNIFIED = (
    "anon N0=0 N1=67194880 N2=0\nfile N0=794624 N1=4096 N2=0\nkernel_stack N0=0 N1=32768 N2=0\n"
)
# Of a hybrid host, Linux 6.18, version 1.
LEGACY = (
    "total=8 N0=5 N1=3\nanon=7 N0=4 N1=3\n"
    "hierarchical_total=10 N0=7 N1=3\nhierarchical_anon=9 N0=6 N1=3\n"
)


def test_version_2_counts_bytes() -> None:
    found = numa_stat.parse(UNIFIED, source="memory.numa_stat")

    assert found["anon"] == {0: 0, 1: 67194880, 2: 0}
    assert set(found) == {"anon", "file", "kernel_stack"}


def test_version_1_counts_pages_and_the_cgroups_below() -> None:
    found = numa_stat.parse(LEGACY, source="memory.numa_stat")

    assert found == {"total": {0: 28672, 1: 12288}, "anon": {0: 24576, 1: 12288}}


def test_version_1_without_figures_of_those_below_gives_its_own() -> None:
    found = numa_stat.parse("total=1 N0=1\nanon=1 N0=1\n", source="x", page_bytes=65536)

    assert found["anon"] == {0: 65536}


@pytest.mark.parametrize("line", ["anon N0", "anon N0=x", "N0=3", "Anon: 5 kB", ""])
def test_alien_text_is_an_error_that_names_file_and_line(line: str) -> None:
    with pytest.raises(ParseError, match=r"^f:2: expected KIND N0="):
        numa_stat.parse(f"anon N0=1\n{line}\nfile N0=1", source="f")


@given(st.dictionaries(st.integers(0, 1023), st.integers(0, 2**50), min_size=1))
def test_any_nodes_and_sizes_are_read_as_written(sizes: dict[int, int]) -> None:
    line = "shmem " + " ".join(f"N{node}={size}" for node, size in sizes.items())

    assert numa_stat.parse(line, source="x") == {"shmem": sizes}
