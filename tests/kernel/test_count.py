import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import count


@given(st.integers(0, 10**19))
def test_a_number_on_a_line_is_read(number: int) -> None:
    assert count.parse(f"{number}\n", source="scaling_cur_freq") == number


@pytest.mark.parametrize("text", ["", "<unknown>\n", "-1\n", "1 2\n", "0x10\n"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        count.parse(text, source="scaling_cur_freq")

    assert str(caught.value) == f"scaling_cur_freq: expected a number, found {text!r}"


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        count.parse(f"{text}?", source="x")
