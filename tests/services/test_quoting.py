"""Values in unit files: what goes in comes out, and is never more than a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import UnitError
from pytest_numa.services import quoting

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(TEXT))
def test_arguments_come_back_as_they_went_in(words: list[str]) -> None:
    line = " ".join(quoting.argument(word) for word in words)

    back = [
        word.replace("$$", "$").replace("%%", "%") for word in quoting.split(line, source="line")
    ]

    assert back == words


@given(TEXT)
def test_an_argument_stays_on_its_line_and_has_no_live_specifier(word: str) -> None:
    written = quoting.argument(word)

    assert written.splitlines() in ([written], [])
    assert "%" not in written.replace("%%", "")
    assert "$" not in written.replace("$$", "")


@pytest.mark.parametrize("value", ["-", "@x", "+x", ":x"])
def test_a_prefix_of_systemd_is_quoted_at_the_head_of_a_word(value: str) -> None:
    assert quoting.argument(value) == f'"{value}"'


@pytest.mark.parametrize("value", ["two\nlines", "carriage\rreturn", "ends in \\", "bell\a"])
def test_a_plain_value_must_be_one_printable_line(value: str) -> None:
    with pytest.raises(UnitError, match="value"):
        quoting.plain(value)


def test_a_nul_byte_is_refused() -> None:
    with pytest.raises(UnitError, match="NUL"):
        quoting.argument("a\0b")


def test_what_is_no_utf_8_is_refused_since_systemd_would_not_answer_about_the_unit() -> None:
    with pytest.raises(UnitError, match="UTF-8 alone"):
        quoting.argument("a\udcffb")


def test_what_the_kernel_takes_as_no_argument_is_refused() -> None:
    with pytest.raises(UnitError, match="at most 131071 bytes"):
        quoting.argument("\u00e4" * 65_536)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-x", "%i", "x\nUser=root", "a;b", "+x", "a" * 300]
)
def test_what_is_no_account_is_refused(name: str) -> None:
    with pytest.raises(UnitError, match="expected the name of a user or group"):
        quoting.account(name)


@pytest.mark.parametrize("name", ["llm", "_apt", "0", "a.b-c", "me@example.org", "host$"])
def test_an_account_stays_as_it_is(name: str) -> None:
    assert quoting.accounts(f" {name}  {name} ") == f"{name} {name}"


def test_bytes_of_an_escape_that_are_no_utf_8_are_read() -> None:
    assert quoting.split(r"\xff\x41 ä", source="line") == ["\udcffA", "ä"]


def test_an_open_quote_is_named() -> None:
    with pytest.raises(UnitError, match=r"x\.service: a quote \" is not closed"):
        quoting.split('python "-m', source="x.service")


def test_quotes_escapes_and_blanks_are_read_as_systemd_does() -> None:
    line = r"""a 'b c' "d\"e" f\x20g \u00e4 "" \n"""

    words = quoting.split(line, source="line")

    assert words == ["a", "b c", 'd"e', "f g", "ä", "", "\n"]
