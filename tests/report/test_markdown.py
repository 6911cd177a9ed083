"""The living document: what people wrote stays, rows are appended, our sections are rewritten."""

import dataclasses
import math
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_numa.errors import ReportError
from pytest_numa.report import markdown

WHEN = datetime(2026, 11, 23, 14, 5, 9, tzinfo=timezone(timedelta(hours=1)))


def row(mode: str, notes: str = "2026-11-23 host-a; first") -> markdown.RunRow:
    return markdown.RunRow(
        mode=mode,
        concurrency=4,
        mean_latency_ms=812.41,
        p95_latency_ms=990.0,
        throughput_tokens_per_s=123.44,
        notes=notes,
    )


SESSION = markdown.Session(
    when=WHEN,
    host="host-a",
    rows=(row("unpinned"), row("pinned"), row("systemd")),
    bullets=("The systemd run matches the manually pinned run.", "Placement is as\nwanted."),
    topology_markdown="| Node | CPUs |\n|:-----|:-----|\n| 0    | 0-3  |\n",
    placement_markdown="All 9 threads on 0-3.",
    details_markdown="- throughput: pass",
    explanation_markdown="## Encoding NUMA policy in services\n\nBecause.\n",
)
ONLY_ROWS = dataclasses.replace(
    SESSION, rows=(row("systemd"),), bullets=(), topology_markdown="", explanation_markdown=""
)

NEW_DOCUMENT = """\
# NUMA baseline

Each session of pytest-numa appends its rows to the table of runs, and rewrites what is between its
own begin and end markers. All else in this file is yours and stays as you write it.

## Runs

| Mode                |   Concurrency |   Avg Latency (ms) |   p95 Latency (ms) |   Throughput | \
Notes                    |
|:--------------------|--------------:|-------------------:|-------------------:|-------------:|\
:-------------------------|
| Baseline (unpinned) |             4 |              812.4 |              990.0 |  123.4 tok/s | \
2026-11-23 host-a; first |
| Pinned              |             4 |              812.4 |              990.0 |  123.4 tok/s | \
2026-11-23 host-a; first |
| Systemd             |             4 |              812.4 |              990.0 |  123.4 tok/s | \
2026-11-23 host-a; first |

<!-- pytest-numa:begin latest -->
## Latest session

2026-11-23 14:05:09+01:00 on host-a

- The systemd run matches the manually pinned run.
- Placement is as wanted.

### Placement

All 9 threads on 0-3.

### Verdicts and limits

- throughput: pass
<!-- pytest-numa:end latest -->

<!-- pytest-numa:begin topology -->
## Topology

| Node | CPUs |
|:-----|:-----|
| 0    | 0-3  |
<!-- pytest-numa:end topology -->

<!-- pytest-numa:begin policy -->
## Encoding NUMA policy in services

Because.
<!-- pytest-numa:end policy -->
"""


def test_a_new_document_has_table_verdict_topology_and_policy() -> None:
    assert markdown.updated(None, SESSION, source="r.md") == NEW_DOCUMENT


def test_a_second_session_adds_rows_and_replaces_the_sections() -> None:
    second = dataclasses.replace(
        SESSION, host="host-b", rows=(row("systemd", "2026-11-24 host-b; second, a longer note"),)
    )

    text = markdown.updated(NEW_DOCUMENT, second, source="r.md")

    last_row = "| Systemd             |             4 |              812.4 |              990.0 "
    old_end = f"{last_row}|  123.4 tok/s | 2026-11-23 host-a; first |\n"
    new_row = f"{last_row}|  123.4 tok/s | 2026-11-24 host-b; second, a longer note |\n"
    expected = NEW_DOCUMENT.replace(old_end, old_end + new_row)
    assert text == expected.replace("+01:00 on host-a", "+01:00 on host-b")


def test_what_people_write_around_and_between_our_sections_stays() -> None:
    begin, end = "<!-- pytest-numa:begin topology -->", "<!-- pytest-numa:end topology -->"
    text = f"Mine \t\n\n{NEW_DOCUMENT}\nMine, too.  \nNo newline at the end"
    text = text.replace(begin, f"A remark.\n{begin}").replace(end, f"{end}\nAnother.")

    again = markdown.updated(text, dataclasses.replace(SESSION, rows=()), source="r.md")

    assert again == text


def test_what_stands_between_our_markers_is_replaced() -> None:
    text = "<!-- pytest-numa:begin latest -->\n```\nold\n<!-- pytest-numa:end latest -->\nMine.\n"

    again = markdown.updated(text, dataclasses.replace(ONLY_ROWS, rows=()), source="r.md")

    assert again == (
        "<!-- pytest-numa:begin latest -->\n"
        "## Latest session\n\n2026-11-23 14:05:09+01:00 on host-a\n\n"
        "### Placement\n\nAll 9 threads on 0-3.\n\n"
        "### Verdicts and limits\n\n- throughput: pass\n"
        "<!-- pytest-numa:end latest -->\nMine.\n"
    )


def test_a_section_without_content_is_left_as_it_is() -> None:
    silent = dataclasses.replace(SESSION, rows=(), topology_markdown="", explanation_markdown="")

    assert markdown.updated(NEW_DOCUMENT, silent, source="r.md") == NEW_DOCUMENT


def test_line_endings_of_the_document_are_kept() -> None:
    text = NEW_DOCUMENT.replace("\n", "\r\n")

    again = markdown.updated(text, SESSION, source="r.md")

    expected = markdown.updated(NEW_DOCUMENT, SESSION, source="r.md")
    assert again == expected.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "joint"),
    [
        ("Mine", "\n\n## Runs"),
        ("Mine\n", "\n## Runs"),
        ("Mine\n\n", "## Runs"),
        ("Mine\n  ", "\n## Runs"),
        ("Mine\r\n", "\r\n## Runs"),
        ("Mine\r\nMore", "\r\n\r\n## Runs"),
        ("\ufeffMine", "\n\n## Runs"),
        ("", "# NUMA baseline"),
        ("\ufeff", "# NUMA baseline"),
        ("\n\n", "# NUMA baseline"),
        ("    ", "\n# NUMA baseline"),
    ],
)
def test_our_part_begins_after_one_blank_line(text: str, joint: str) -> None:
    assert markdown.updated(text, SESSION, source="r.md").startswith(f"{text}{joint}")


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("a|-:`~<!>#= \t\r\n\ufeff\u2028*\\")))
def test_a_document_that_is_not_ours_is_kept_as_a_prefix_or_refused(text: str) -> None:
    try:
        new = markdown.updated(text, SESSION, source="r.md")
    except ReportError as error:
        assert "expected the code or comment that begins here to end" in str(error)  # noqa: PT017
        return

    again = markdown.updated(new, dataclasses.replace(SESSION, rows=()), source="r.md")

    assert new.startswith(text)
    assert again == new


@settings(deadline=None)
@given(st.text())
def test_no_name_and_no_note_breaks_the_document(text: str) -> None:
    hostile = dataclasses.replace(SESSION, host=text, rows=(row("systemd", text),))

    new = markdown.updated(NEW_DOCUMENT, hostile, source="r.md")
    back = markdown.updated(new, SESSION, source="r.md")

    assert len(new.split("\n")) == len(NEW_DOCUMENT.split("\n")) + 1
    assert back.count("pytest-numa:end") == 3


@pytest.mark.parametrize(
    "hostile",
    [
        "<!-- pytest-numa:end latest -->",
        "```text\nunclosed",
        "<!-- unclosed",
        "<pre>",
        "~~~~\n~~~",
        "lone \udcff surrogate",
        "old \u2028 separators \r carriage",
    ],
)
def test_no_block_ends_our_section_or_swallows_what_follows(hostile: str) -> None:
    blocks = dataclasses.replace(
        SESSION, bullets=(hostile,), placement_markdown=hostile, details_markdown=hostile
    )

    new = markdown.updated(f"{NEW_DOCUMENT}Mine.\n", blocks, source="r.md")
    back = markdown.updated(new, dataclasses.replace(SESSION, rows=()), source="r.md")

    assert new.encode("utf-8").endswith(b"Mine.\n")
    assert back.count("2026-11-23 host-a; first") == 6
    assert back.endswith(NEW_DOCUMENT.partition("<!-- pytest-numa:begin latest")[2] + "Mine.\n")


def test_an_open_block_in_a_section_is_ended_in_it() -> None:
    open_fence = dataclasses.replace(SESSION, rows=(), topology_markdown="````text\nopen")

    text = markdown.updated(None, open_fence, source="r.md")

    assert "````text\nopen\n````\n<!-- pytest-numa:end topology -->" in text


def test_an_unknown_figure_is_called_unknown() -> None:
    unknown = dataclasses.replace(
        row("pinned"), throughput_tokens_per_s=math.nan, p95_latency_ms=math.nan
    )

    cells = unknown.cells()

    assert (cells["Throughput"], cells["p95 Latency (ms)"]) == ("unknown", "unknown")


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="found 'numactl'"):
        row("numactl")
