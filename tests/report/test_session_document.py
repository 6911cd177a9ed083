"""A session as plain values: complete, JSON, and readable by those who read sessions before."""

import json
from pathlib import Path

import session_values as made
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import session_file
from pytest_numa.policy import Policy
from pytest_numa.report import session_document, session_json


def test_what_is_written_is_a_session_for_those_who_compare_sessions(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    session_json.write(path, made.document(blocks=3))

    read = session_file.read(path)

    assert {mode: len(blocks) for mode, blocks in read.modes.items()} == {
        "unpinned": 3,
        "pinned": 3,
        "systemd": 3,
    }
    assert (read.when, read.block_s) == ("2026-01-02T03:04:05+00:00", 60.0)


def test_a_file_says_all_that_the_document_says(tmp_path: Path) -> None:
    found = made.document(blocks=1)
    session_json.write(tmp_path / "s.json", found)

    assert session_file.document(tmp_path / "s.json") == found


def test_every_run_has_its_requests_and_its_place() -> None:
    found = made.document(blocks=2)

    assert [(run["block"], run["mode"]) for run in found["runs"]] == [
        *((1, mode) for mode in ("unpinned", "pinned", "systemd")),
        *((2, mode) for mode in ("unpinned", "pinned", "systemd")),
    ]
    own = found["runs"][-1]
    assert (len(own["latencies_ms"]), len(own["first_tokens_ms"])) == (24, 24)
    (process,) = own["placement"]["processes"]
    assert (process["pid"], process["comm"], process["threads"]) == (71, "server", 16)
    assert process["allowed_cpus"] == "0-7,16-23"
    assert (
        process["ran_on"]
        == process["last_cpus"]
        == {str(cpu): 1 for cpu in (*range(8), *range(16, 24))}
    )
    assert process["bytes_by_node"] == {"0": 30 * made.GIB}


def test_the_latencies_are_those_that_the_figures_are_made_of() -> None:
    found = made.document(blocks=1)

    for run in found["runs"]:
        (told,) = found["modes"][run["mode"]][0]
        assert max(run["latencies_ms"]) == round(told["latency_ms"]["max"], 4)
        assert max(run["first_tokens_ms"]) == round(told["ttft_ms"]["max"], 4)


def test_the_watch_is_told_look_by_look() -> None:
    watch = made.document(blocks=1)["runs"][-1]["placement"]["watch"]

    assert len(watch["moments"]) == 30
    assert watch["moments"][2]["at_s"] == 2.0
    assert watch["moments"][2]["bytes_by_node"] == {"0": 3 * made.GIB}
    assert watch["masks"] == [{"cpus": "0-7,16-23", "threads": 16, "first_s": 0.0, "last_s": 29.0}]


def test_findings_are_told_and_fail_the_outcome() -> None:
    found = made.document(blocks=1, ran_on=frozenset({0, 9}))

    placed = next(part for part in found["outcome"] if part["what"] == "placement")
    assert placed["result"] == "fail"
    assert found["runs"][-1]["findings"][0]["expected"] == "allowed CPUs within 0-7,16-23"
    assert found["runs"][1]["findings"] == []


def test_the_host_is_told_with_its_sockets() -> None:
    host = made.topology(sockets=2, nodes=2, cores=2, threads=2)

    found = made.document(
        host=host, policy=Policy(cpus=frozenset({0}), memory_nodes=frozenset({0}))
    )

    assert found["topology"]["packages"] == [
        {"id": 0, "cpus": "0-3,8-11"},
        {"id": 1, "cpus": "4-7,12-15"},
    ]
    assert found["policy"]["cpus"] == "0"


def test_what_pinning_did_is_told_with_its_interval() -> None:
    effect = made.document(blocks=6)["effect_of_pinning"]["mean"]

    low, high = effect["interval"]
    assert low < effect["slowdown"] < high < 0


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.lists(st.text())))
def test_any_value_becomes_json_in_utf8(value: object) -> None:
    text = json.dumps(session_document.plain(value), ensure_ascii=False, allow_nan=False)

    assert json.loads(text.encode("utf-8")) == session_document.plain(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_that_is_good_stays_as_it_is(text: str) -> None:
    assert session_document.plain(text) == text
