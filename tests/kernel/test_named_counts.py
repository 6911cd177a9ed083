import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import named_counts


def test_counts_are_read_by_name_and_may_be_below_zero() -> None:
    text = "nr_free_pages 241213\nworkingset_nodes 0\nnr_dirty_threshold -1\n"

    counts = named_counts.parse(text, source="vmstat")

    assert counts == {"nr_free_pages": 241213, "workingset_nodes": 0, "nr_dirty_threshold": -1}


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_][a-z0-9_.]{0,20}", fullmatch=True), st.integers(0, 2**64), min_size=1
    )
)
def test_what_is_written_is_read(counts: dict[str, int]) -> None:
    text = "".join(f"{name} {count}\n" for name, count in counts.items())

    assert named_counts.parse(text, source="x") == counts


@pytest.mark.parametrize("line", ["", "high", "high max", "high  1", " high 1", "high 1 2"])
def test_an_alien_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        named_counts.parse(f"low 0\n{line}\noom 0", source="memory.events")

    assert str(caught.value) == f"memory.events:2: expected NAME COUNT, found {line!r}"


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        named_counts.parse(f"{text}\n?", source="x")
