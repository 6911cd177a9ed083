"""The table of runs: found as people write it, and appended to as they would."""

from datetime import datetime, timezone

import pytest

from pytest_numa.report import markdown

SESSION = markdown.Session(
    when=datetime(2026, 11, 23, tzinfo=timezone.utc),
    host="host-a",
    rows=(
        markdown.RunRow(
            mode="systemd",
            concurrency=4,
            mean_latency_ms=812.41,
            p95_latency_ms=990.0,
            throughput_tokens_per_s=123.44,
            notes="2026-11-23 host-a; a|b",
        ),
    ),
    bullets=(),
    topology_markdown="",
    placement_markdown="",
    details_markdown="",
)
HEADER = "| Mode | Concurrency | Avg Latency (ms) | p95 Latency (ms) | Throughput | Notes |\n"
TABLE = f"{HEADER}|---|---|---|---|---|---|\n"
ROW = (
    r"| Systemd | 4           | 812.4            | 990.0            | 123.4 tok/s "
    r"| 2026-11-23 host-a; a\|b |"
    "\n"
)


def beginning(text: str) -> str:
    """Return what the document holds before the sections."""
    return markdown.updated(text, SESSION, source="r.md").partition("\n<!-- pytest-numa:")[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "\nText.\n"),
        ("| Pinned | 4 | 1 | 2 | 3 tok/s | by hand |\n", "\nText.\n"),
        ("| Pinned | 4 | 1 | 2 | 3 tok/s | by hand |  \n", "# Heading\n"),
        ("| Pinned | 4 | 1 | 2 | 3 tok/s | by hand |\n", "Text right below, without a border.\n"),
        ("| Pinned | 4 |\n", "```\n| a | b |\n```\n"),
        ("| Pinned | 4 |\n", "- a | b\n"),
        ("| Pinned | 4 |\n", "<!-- | -->\n"),
    ],
)
def test_rows_go_below_the_last_row(before: str, after: str) -> None:
    text = f"# Mine\n\n{TABLE}{before}{after}"

    new = beginning(text)

    assert new == f"# Mine\n\n{TABLE}{before}{ROW}{after}"


def test_a_table_in_the_last_line_gets_its_missing_newline() -> None:
    assert beginning(TABLE.removesuffix("\n")) == f"{TABLE}{ROW}"


def test_a_byte_order_mark_before_the_table_stays() -> None:
    assert beginning(f"\ufeff{TABLE}") == f"\ufeff{TABLE}{ROW}"


def test_the_first_of_several_tables_is_used() -> None:
    assert beginning(f"{TABLE}\n{TABLE}") == f"{TABLE}{ROW}\n{TABLE}"


@pytest.mark.parametrize(
    "header",
    [
        "| **Mode** | `Concurrency` | AVG LATENCY [ms] | P95 latency ms | Throughput | Notes |",
        "|Mode|Concurrency|Average Latency (ms)|p95 Latency (msec)|Throughput (tok/s)|Notes|",
        "| _Mode_ | Concurrency | Avg. latency (ms) | p95 latency, ms | throughput | notes |",
        "Mode | Concurrency | Mean latency (ms) | p95 latency (ms) | Throughput (tokens/s) | Notes",
    ],
)
def test_a_header_is_known_however_it_is_spelled(header: str) -> None:
    text = f"{header}\n|---|:-:|--:|---|---|---|\n"

    new = beginning(text)

    assert new.startswith(text)
    assert "Systemd" in new.removeprefix(text)
    assert "## Runs" not in new


def test_other_columns_and_another_order_are_the_persons() -> None:
    text = (
        "| Who | Notes                     | Throughput  | p95 Latency (ms) | Mode    "
        "| Avg Latency (ms) | Concurrency | Ticket |\n"
        "|:---:|:--------------------------|------------:|-----------------:|---------"
        "|-----------------:|:-----------:|--------|\n"
    )

    assert beginning(text).removeprefix(text) == (
        r"|     | 2026-11-23 host-a; a\|b   | 123.4 tok/s |            990.0 | Systemd "
        "|            812.4 |      4      |        |\n"
    )


def test_a_table_without_outer_pipes_gets_such_a_row() -> None:
    text = (
        "Mode    | Concurrency | Avg Latency (ms) | p95 Latency (ms) | Throughput  | Notes\n"
        "--------|-------------|------------------|------------------|-------------|------\n"
    )

    assert beginning(text).removeprefix(text) == (
        "Systemd | 4           | 812.4            | 990.0            | 123.4 tok/s "
        r"| 2026-11-23 host-a; a\|b"
        "\n"
    )


def test_blank_cells_at_the_edge_get_their_pipe() -> None:
    text = (
        "Id | Mode | Concurrency | Avg Latency (ms) | p95 Latency (ms) | Throughput | Notes | By\n"
        "-|-|-|-|-|-|-|-\n"
    )

    assert beginning(text).removeprefix(text) == (
        "|    | Systemd | 4           | 812.4            | 990.0            | 123.4 tok/s "
        r"| 2026-11-23 host-a; a\|b |    |"
        "\n"
    )


def test_of_two_columns_of_one_name_the_first_is_filled() -> None:
    text = TABLE.replace(" Notes |", " Notes | Notes |").replace("---|\n", "---|---|\n")

    assert beginning(text) == f"{text}{ROW.rstrip()}       |\n"


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{TABLE}```\n",
        f"<!--\n{TABLE}-->\n",
        f"<pre>\n{TABLE}</pre>\n",
        f"<!-- pytest-numa:begin topology -->\n{TABLE}<!-- pytest-numa:end topology -->\n",
        f"{HEADER}\nnot a table\n",
        f"{HEADER}|---|---|---|---|---|\n",
        TABLE.replace("p95 Latency (ms)", "p95 Latency (s)"),
        TABLE.replace("Notes", "Remarks"),
        TABLE.replace("Avg", "Mode"),
        "".join(f"    {line}\n" for line in TABLE.splitlines()),
    ],
)
def test_what_is_no_table_of_runs_is_left_alone(text: str) -> None:
    new = markdown.updated(text, SESSION, source="r.md")

    assert new.startswith(f"{text}\n## Runs\n\n| Mode ")
