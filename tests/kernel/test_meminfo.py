import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import meminfo

NODE = """
Node 0 MemTotal:       134204252 kB
Node 0 MemFree:        75631516 kB
Node 0 Active:         13405804 kB
Node 0 Active(file):   13398580 kB
Node 0 Inactive(file): 39168500 kB
Node 0 HugePages_Total:     0
"""


def test_a_node_is_read_in_bytes_although_its_first_line_is_empty() -> None:
    memory = meminfo.parse(NODE, source="node0/meminfo")

    assert memory.total_bytes == 134204252 * 1024
    assert memory.free_bytes == 75631516 * 1024
    assert memory.file_cache_bytes == (13398580 + 39168500) * 1024


def test_page_cache_is_available_memory() -> None:
    memory = meminfo.parse(NODE, source="node0/meminfo")

    assert memory.available_bytes == (75631516 + 13398580 + 39168500) * 1024


def test_the_file_of_the_host_is_read_too() -> None:
    text = "MemTotal:        4155168 kB\nMemFree:         4005352 kB\nHugePages_Free:        0\n"

    memory = meminfo.parse(text, source="/proc/meminfo")

    assert memory.total_bytes == 4155168 * 1024


def test_what_a_capture_leaves_out_is_unknown_and_not_zero() -> None:
    memory = meminfo.parse("Node 3 MemTotal: 1048576 kB\n", source="node3/meminfo")

    assert memory.free_bytes is None
    assert memory.available_bytes is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Node 0 MemFree: 1 kB\n", "m: expected a line MemTotal"),
        ("", "m:1: expected NAME: SIZE kB, found ''"),
        ("MemTotal: 1 kB\nMemFree: much\n", "m:2: expected NAME: SIZE kB, found 'MemFree: much'"),
    ],
)
def test_a_text_that_is_no_meminfo_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        meminfo.parse(text, source="m")

    assert str(caught.value).startswith(message)


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        meminfo.parse(f"{text}\n?", source="m")
