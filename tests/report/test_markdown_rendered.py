"""The document as a markdown parser reads it: tables stay tables, whatever a name holds."""

import dataclasses
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import measured
import pytest
from facts import PROCESS
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from measured import NOISE, SETTINGS, Block, block, measurement, proof

from pytest_numa import formatting
from pytest_numa.measurement import Measurement
from pytest_numa.metrics import METRICS
from pytest_numa.process import Process
from pytest_numa.report import document, figures, markdown, topology
from pytest_numa.settings import Settings

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("|`*_~[]()<>!&#\\-+\"'=$:;^\n\r\t\x1b\x00\x85\u2028\u202e\udcff aé东1."),
        st.characters(),
    ),
    max_size=40,
)
GITHUB = MarkdownIt("commonmark").enable("table").enable("strikethrough")
DIGITS = re.compile(r"-?\d+(?:\.\d+)?")


def session_of(found: Measurement, wanted: Settings = SETTINGS) -> str:
    told = document.session(wanted, found, measured.judged(found, wanted))
    return markdown.updated(None, told, source="r.md")


def good(process: Process = PROCESS) -> Measurement:
    return measurement(
        *(
            block(proof(process=process), unpinned=1.2 * one, pinned=one, systemd=one)
            for one in NOISE * 2
        )
    )


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table, by row, as they are read."""
    found: list[list[list[str]]] = []
    for token in GITHUB.parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and token.level >= 3 and found[-1]:
            found[-1][-1].append(shown(token))
    return found


def shown(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type == "text")


def readable(text: str) -> str:
    """What must be read: one line, printable."""
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


@given(HOSTILE)
@example("_a_ __b__ ~c~ ~~d~~ *e* **f** `g` <h> a_b_c [i](j) ![k](l) &amp; &#65; \\| \\")
def test_a_cell_reads_as_the_text_that_was_put_into_it(text: str) -> None:
    table = f"| a | b | c |\n|---|---|---|\n| x | {formatting.markdown_cell(text)} | y |\n"

    (_, row), *others = tables(f"{table}\nafter\n")

    assert others == []
    assert row == ["x", readable(text), "y"]


@given(name=HOSTILE, host=HOSTILE, unit=HOSTILE)
def test_no_name_breaks_a_table_of_the_document(name: str, host: str, unit: str) -> None:
    named = dataclasses.replace(
        SETTINGS,
        identity=dataclasses.replace(SETTINGS.identity, hostname=host, cpu_model=name),
        baseline_path=Path(unit.replace("\0", "")),
    )
    plain, hostile = (
        session_of(good(dataclasses.replace(PROCESS, comm=comm, argv=(comm,))), one)
        for comm, one in (("python", SETTINGS), (name, named))
    )

    shapes = [[[len(row) for row in table] for table in tables(text)] for text in (plain, hostile)]

    assert shapes[0] == shapes[1]
    hostile.encode("utf-8")


def test_three_sessions_leave_one_set_of_details_and_a_line_of_each() -> None:
    text: str | None = None
    for day in range(3):
        found = dataclasses.replace(good(), begun_at=measured.WHEN + timedelta(days=day))
        told = document.session(SETTINGS, found, measured.judged(found))
        text = markdown.updated(text, told, source="r.md")
        again = markdown.updated(text, dataclasses.replace(told, rows=()), source="r.md")
        assert again == text

    assert text is not None
    assert text.count("## Latest session") == text.count("## Topology") == 1
    lines = [line for line in text.splitlines() if line.startswith("- 2026-11-2")]
    assert [line[:20] for line in lines] == [f"- 2026-11-{day} 14:05 d" for day in (25, 24, 23)]
    assert len(tables(text)[0]) == 1 + 3 * 3


def test_the_list_of_sessions_does_not_grow_without_bound() -> None:
    text: str | None = None
    told = document.session(SETTINGS, good(), measured.judged(good()))
    for number in range(60):
        one = dataclasses.replace(told, rows=(), when=told.when + timedelta(hours=number))
        text = markdown.updated(text, one, source="r.md")

    assert text is not None
    assert sum(line.startswith("- 2026-11-") for line in text.splitlines()) == 50
    assert "Older ones are in the table of runs" in text


def test_the_verdict_comes_first_in_three_sentences() -> None:
    text = session_of(good())

    latest = text.partition("## Latest session\n\n")[2].splitlines()
    assert latest[2:5] == [
        "- **Accepted**: the service under systemd is not slower than is accepted, against the "
        "same command pinned by hand and the recorded baseline.",
        "- Placement is as the policy says, looked at after 8 runs (1 process with 1 thread at the "
        "last).",
        latest[4],
    ]
    assert latest[4].startswith("- What pinning by hand did to throughput: 16.7% faster (-16.9% ")


def test_a_failure_is_told_first_with_what_to_do_next() -> None:
    slower = measurement(*(block(pinned=one, systemd=1.4 * one) for one in NOISE * 2))

    text = session_of(slower)

    assert "- **Not accepted**: the service under systemd is slower than the same command" in text
    assert "### What to do next\n\n1. Look for what the unit sets besides the policy" in text


def test_what_is_not_decided_is_said_once() -> None:
    text = session_of(measurement(*[block(pinned=1.0, systemd=1.0)] * 2))

    assert "- **Not decided**: whether the service under systemd is slower than " in text


def test_a_host_that_drifted_is_named_with_what_changed() -> None:
    faster = measured.recorded(*(0.7 * one for one in NOISE), kernel="6.1.0-31")

    text = session_of(good(), dataclasses.replace(SETTINGS, baseline=faster))

    assert "- The host has changed: throughput of `pinned` is " in text
    assert "kernel 6.1.0-31 became " in text


@pytest.mark.parametrize(
    "only", [block(systemd=1.0), block(pinned=1.0, systemd=1.0)], ids=["one mode", "two modes"]
)
def test_a_session_of_fewer_modes_says_what_it_did_not_measure(
    only: Block,
) -> None:
    found = measurement(*[only] * 4)

    text = markdown.updated(None, document.session(SETTINGS, found, []), source="r.md")

    assert "- What pinning buys was not measured." in text
    assert "- **Accepted**: placement is as the policy says; no figure was judged." in text


def test_an_accepted_session_with_few_records_asks_for_more() -> None:
    assert "1. Record 2 more sessions of this host while it is good" in session_of(good())


@pytest.mark.parametrize(("number", "names"), [
    (1, ("tokens_per_s", "requests_per_s")),
    (2, ("mean", "p50", "p95", "p99")),
    (3, ("ttft_p50", "ttft_p95")),
    (4, ("itl_p50", "itl_p99", "tpot_mean")),
])  # fmt: skip
def test_every_figure_is_the_mean_of_the_runs_that_the_json_has(
    number: int, names: Sequence[str]
) -> None:
    found = good()

    _, *rows = tables(session_of(found))[number]

    for row in rows:
        means = [
            figures.mean([METRICS[name].value(run.result) for run in found.runs(row[0])])
            for name in names
        ]
        firsts = [cell.split(" ")[0] for cell in row[1 : 1 + len(names)]]
        assert firsts == [formatting.number(mean) for mean in means]


def test_the_change_in_the_tables_is_that_of_the_verdict() -> None:
    found = measurement(*(block(pinned=one, systemd=1.1) for one in NOISE * 2))
    pinned = next(one for one in measured.judged(found) if one.against == "pinned")

    *_, systemd = tables(session_of(found))[1]

    low, high = pinned.verdict.interval
    assert systemd[-1] == f"{pinned.verdict.slowdown:.1%} slower ({low:+.1%} to {high:+.1%})"


def test_topology_and_placement_have_a_column_for_each_node() -> None:
    text = session_of(good())

    heads = [table[0] for table in tables(text)]
    assert ["PID", "Process", "Role", "Threads", "Allowed CPUs", "Node 0", "Node 1"] in heads
    assert topology.topology_tables(SETTINGS.topology).strip() in text
