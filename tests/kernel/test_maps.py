"""Ranges of memory, as /proc/PID/maps prints them."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import maps
from pytest_numa.kernel.maps import Range

TEXT = (
    "55d0c0000000-55d0c0021000 r--p 00001000 fd:01 1835011                    /usr/bin/a b\n"
    "7ffd5f5e1000-7ffd5f602000 rw-p 00000000 00:00 0                          [stack]\n"
    "7f0000000000-7f0000001000 rw-s 00000000 00:01 5                     /dev/shm/x (deleted)\n"
    "7f1000000000-7f1000001000 ---p 00000000 00:00 0 \n"
)


def test_files_labels_and_anonymous_memory_are_told_apart() -> None:
    found = list(maps.parse(TEXT, source="/proc/7/maps"))

    assert found[0] == Range(
        start=0x55D0C0000000,
        end=0x55D0C0021000,
        permissions="r--p",
        offset=0x1000,
        device="fd:01",
        inode=1835011,
        path="/usr/bin/a b",
    )
    assert [one.path for one in found] == [
        "/usr/bin/a b",
        "[stack]",
        "/dev/shm/x (deleted)",
        "",
    ]
    assert [one.is_file for one in found] == [True, False, True, False]


def test_a_newline_in_a_path_is_the_one_thing_that_is_escaped() -> None:
    (found,) = maps.parse("1000-2000 r--p 0 00:01 5 /a\\012b\\040c", source="x")

    assert found.path == "/a\nb\\040c"


@pytest.mark.parametrize(
    "line",
    [
        "1000-2000 r--p 0 00:01",
        "2000-1000 r--p 0 00:01 5 /x",
        "1000-1000 r--p 0 00:01 5 /x",
        "1000-2000 r-- 0 00:01 5 /x",
        "zzz",
    ],
)
def test_a_line_that_is_cut_or_alien_is_an_error_that_names_file_and_line(line: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/7/maps:5: expected START"):
        list(maps.parse(TEXT + line, source="/proc/7/maps"))


def test_the_ranges_of_this_process_are_in_order_and_do_not_overlap() -> None:
    found = list(maps.parse(Path("/proc/self/maps").read_text(), source="/proc/self/maps"))

    user = [one for one in found if one.path != "[vsyscall]"]
    assert len(user) > 10
    assert all(one.end <= other.start for one, other in pairwise(user))


@given(
    st.integers(min_value=0, max_value=2**62),
    st.integers(min_value=1, max_value=2**40),
    st.text(st.characters(blacklist_characters="\n\0", blacklist_categories=["Cs"]), min_size=1),
)
def test_what_was_written_is_read_whatever_the_path(start: int, size: int, path: str) -> None:
    line = f"{start:08x}-{start + size:08x} rw-p 00000000 fd:01 7 /{path}"

    (found,) = maps.parse(line, source="x")

    assert (found.start, found.end - found.start) == (start, size)
    assert found.path == f"/{path}".replace("\\012", "\n")
