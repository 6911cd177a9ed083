"""Our markers in a document: which count, and what is said of those that do not pair up."""

import re

import pytest

from pytest_numa.errors import ReportError
from pytest_numa.report import blocks

BEGIN, END = "<!-- pytest-numa:begin latest -->", "<!-- pytest-numa:end latest -->"
NAMES = ("latest", "policy")


def sections(text: str) -> dict[str, blocks.Section]:
    return blocks.sections(blocks.scan(text), names=NAMES, source="r.md")


def test_a_section_reaches_from_begin_to_end() -> None:
    assert sections(f"a\n{BEGIN}\nb\n{END}\n") == {"latest": blocks.Section(begin=2, end=4)}


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{BEGIN}\n```\n",
        f"~~~~ markdown\n~~~\n{BEGIN}\n~~~~~\n",
        f"<!--\n{END.removesuffix('-->')}\n-->\n",
        f"<pre>\n{BEGIN}\n</pre>\n",
        f"    {BEGIN}\n",
        f"Write {BEGIN} to begin.\n",
    ],
)
def test_a_marker_that_is_only_shown_does_not_count(text: str) -> None:
    assert sections(f"{text}{BEGIN}\n{END}\n").keys() == {"latest"}


@pytest.mark.parametrize(
    "text",
    [f"````\n```\n{BEGIN}\n````\n", f"``` a`b\n\n{BEGIN}\n{END}\n", f"``` \n```\n{BEGIN}\n{END}"],
)
def test_fences_are_those_of_commonmark(text: str) -> None:
    assert len(sections(text)) == text.count(END)


def test_an_unclosed_fence_inside_a_section_does_not_hide_its_end() -> None:
    text = (
        f"{BEGIN}\n```\n{END}\n<!-- pytest-numa:begin policy -->\n<!-- pytest-numa:end policy -->"
    )

    assert sections(text).keys() == {"latest", "policy"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"a\n{BEGIN}\nb\n", "r.md:2: .* found a begin marker of 'latest' without its end"),
        (f"a\n{END}\n", "r.md:2: .* found an end marker of 'latest' without its begin"),
        (
            f"{BEGIN}\n<!-- pytest-numa:end policy -->\n{END}\n",
            "r.md:2: .* found an end marker of 'policy' without its begin",
        ),
        (
            f"{BEGIN}\n<!-- pytest-numa:begin policy -->\n{END}\n",
            "r.md:2: .* begin marker of 'policy' inside the section 'latest' of line 1",
        ),
        (
            f"{BEGIN}\n{END}\n\n{BEGIN}\n{END}\n",
            "r.md:4: .* a second section 'latest'; the first begins in line 1",
        ),
        ("<!-- pytest-numa:begin latst -->\n", "r.md:1: .* NAME being latest or policy; found"),
        (f"{BEGIN} and more\n", "r.md:1: expected .* alone on its line"),
    ],
)
def test_markers_that_do_not_pair_up_are_named_with_their_line(text: str, message: str) -> None:
    with pytest.raises(ReportError) as caught:
        sections(text)

    assert re.search(message, str(caught.value))
    assert "the file was left as it is" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("~~~ a\nb", "~~~ a\nb\n~~~"),
        ("<!-- a", "<!-- a\n-->"),
        ("<PRE >\na", "<PRE >\na\n</PRE>"),
        ("```\na\n```", "```\na\n```"),
        ("<!-- a --> b", "<!-- a --> b"),
        ("", ""),
    ],
)
def test_an_open_block_is_ended(text: str, closed: str) -> None:
    assert blocks.closed(text) == closed
