import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("0-3,8\n", {0, 1, 2, 3, 8}),
        ("0-7\n\0", set(range(8))),
        ("", set()),
        ("\n", set()),
        ("0 2 4-6", {0, 2, 4, 5, 6}),
        ("0, 2 ,4", {0, 2, 4}),
        ("3,1,3", {1, 3}),
        ("0-10:2/4", {0, 1, 4, 5, 8, 9}),
        ("5-5", {5}),
    ],
)
def test_a_list_is_read(text: str, members: set[int]) -> None:
    assert cpulist.parse(text, source="online") == members


@pytest.mark.parametrize(
    "text",
    [
        *("a", "0-", "-1", "3-1", "0,,1", ",1", "1,", "0--3", "1.5", "0x3", "٣", "0-9:0/4"),
        *("0-9:5/4", "0-9:1/0", "0:1/2", "1\n2", "1\x0b2", "9" * 5000),
    ],
)
def test_what_is_no_list_is_refused_with_its_source_and_text(text: str) -> None:
    with pytest.raises(ParseError, match=r"^node0/cpulist: expected .*, found "):
        cpulist.parse(text, source="node0/cpulist")


@pytest.mark.parametrize("text", ["0-99999999999", "1048576", "0-1048576"])
def test_a_range_beyond_any_kernel_is_refused_before_it_fills_the_memory(text: str) -> None:
    with pytest.raises(ParseError, match="up to 1048575"):
        cpulist.parse(text, source="--cpus")


@pytest.mark.parametrize(
    ("members", "text"), [(set(), ""), ({7}, "7"), ({3, 1, 0}, "0-1,3"), ({0, 1, 2, 9}, "0-2,9")]
)
def test_a_list_is_written_as_the_kernel_does(members: set[int], text: str) -> None:
    assert cpulist.format(members) == text


@given(st.frozensets(st.integers(0, cpulist.LARGEST)))
def test_what_is_written_reads_back(members: frozenset[int]) -> None:
    assert cpulist.parse(cpulist.format(members), source="") == members


@given(st.text(alphabet="0123456789-,:/ \n\0x", max_size=20))
def test_no_text_raises_anything_but_a_parse_error(text: str) -> None:
    try:
        members = cpulist.parse(text, source="")
    except ParseError:
        return

    assert cpulist.parse(cpulist.format(members), source="") == members
