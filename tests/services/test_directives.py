"""Lines of a unit file, read as systemd reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.services import directives


def pairs(text: str) -> list[tuple[str, str, str]]:
    return [(one.section, one.key, one.value) for one in directives.parse(text)]


def test_sections_keys_and_values_are_read_without_the_blanks_around() -> None:
    text = "[Unit]\nDescription = two words \n\n[Service]\n  Type=exec\n"

    assert pairs(text) == [("Unit", "Description", "two words"), ("Service", "Type", "exec")]


def test_a_continued_line_is_joined_with_a_blank_and_a_comment_between_is_left_out() -> None:
    text = "[Service]\nExecStart=/bin/a \\\n# why\n  ; and how\n  b\nType=exec\n"

    assert [(one.value, one.line) for one in directives.parse(text)] == [
        ("/bin/a    b", 2),
        ("exec", 6),
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A=x\\\nB=1", 1),
        ("A=x\\\\\nB=1", 2),
        ("A=x\\ \nB=1", 2),
        ("A=x\\\n\nB=1", 2),
        ("A=x\rB=1", 2),
        ("A=x\x0bB=1", 1),
        ("A=x\u2028B=1", 1),
        ("A=x\\", 1),
    ],
)
def test_a_line_ends_where_it_ends_for_systemd(text: str, count: int) -> None:
    assert len(directives.parse(text)) == count


@pytest.mark.parametrize("line", ["[Service", "no equals sign", "#A=1", ";A=1", ""])
def test_what_is_no_directive_is_left_out(line: str) -> None:
    assert pairs(f"[Service]\n{line}\nType=exec") == [("Service", "Type", "exec")]


def test_an_empty_value_resets_those_before_it() -> None:
    found = directives.parse("[Service]\nCPUAffinity=0\nCPUAffinity=\nCPUAffinity=1\n")

    assert [one.value for one in directives.values(found, "Service", "CPUAffinity")] == ["1"]


@given(st.text())
def test_any_text_can_be_read_and_no_directive_spans_lines_of_its_own(text: str) -> None:
    assert all("\n" not in one.value for one in directives.parse(text))
