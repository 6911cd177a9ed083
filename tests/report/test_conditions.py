"""Sections and sentences on governors and neighbours: what each mode loses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from pytest_numa.conditions.measuring import Found
from pytest_numa.conditions.rounds import AS_IT_IS
from pytest_numa.load import results
from pytest_numa.load.results import Client, RequestResult, RunResult
from pytest_numa.measurement import Measurement, Run
from pytest_numa.report import conditions

REQUEST = RequestResult(
    sent_at_s=1.0,
    ended_at_s=2.0,
    text_at_s=(1.1, 2.0),
    output_tokens=100,
    is_counted_by_usage=True,
    failure=None,
)
CLIENT = Client(cpu_s=0.1, lag_p99_ms=0.1, bound=False)
NOISE = (1.002, 0.999, 1.001, 0.998)
BOTH = ("pinned", "systemd")
Block = Mapping[str, Sequence[Run]]


def result(latency_s: float, *, is_bound: bool = False) -> RunResult:
    ended_at_s = 1.0 + latency_s
    request = replace(REQUEST, ended_at_s=ended_at_s, text_at_s=(1.1, ended_at_s))
    return results.summarise([request], client=replace(CLIENT, bound=is_bound), workload={})


def block(latencies_s: Mapping[str, float], *, is_bound: bool = False) -> Block:
    return {
        mode: [Run(mode=mode, result=result(one, is_bound=is_bound), main_pid=1, proofs=())]
        for mode, one in latencies_s.items()
    }


def measurement(name: str, under: Sequence[Block], *notes: str) -> Measurement:
    rounds = [
        {AS_IT_IS: block(dict.fromkeys(one, noise)), name: one}
        for one, noise in zip(under, NOISE, strict=False)
    ]
    found = Found(names=(name,), rounds=rounds, notes=notes)
    return Measurement(begun_at=datetime.now(timezone.utc), blocks=[], conditions=found)


def test_without_conditions_there_is_nothing_to_tell() -> None:
    bare = Measurement(begun_at=datetime.now(timezone.utc), blocks=[])

    assert conditions.section(bare, "governor") == ""
    assert conditions.sentences(bare) == []
    assert conditions.document(bare) == {"changes": [], "notes": []}


def test_a_governor_has_a_row_for_each_mode_with_both_figures() -> None:
    under = [block({"pinned": 0.8 * noise, "systemd": 0.8}) for noise in NOISE]

    section = conditions.section(measurement("governor performance", under), "governor")

    header, _, pinned, systemd = section.splitlines()[:4]
    assert header.split("|")[4].strip() == "Throughput: as it is (tokens/s)"
    assert [cell.strip() for cell in pinned.split("|")][1:6] == [
        *("governor performance", "pinned", "4", "100.0", "125.0")
    ]
    assert "20.0% faster (-20.0% to -20.0%)" not in pinned
    assert "20.0% faster (" in pinned
    assert systemd.split("|")[2].strip() == "systemd"


def test_what_a_governor_does_is_a_sentence_and_so_is_how_the_modes_compare_under_it() -> None:
    under = [block({"pinned": 0.8 * noise, "systemd": 0.8 * noise}) for noise in NOISE]

    first, second = conditions.sentences(measurement("governor performance", under))

    assert first.startswith(
        "throughput under governor performance, against itself without: pinned 20.0% faster ("
    )
    assert second.startswith("under governor performance, systemd against pinned: 0.0% slower (")


def test_what_pinning_protects_against_is_how_much_more_unpinned_loses() -> None:
    under = [
        block({"unpinned": 1.5 * noise, "pinned": 1.1 * noise, "systemd": 1.1 * noise})
        for noise in NOISE
    ]

    found = conditions.sentences(measurement("neighbour same", under))

    assert found[1].startswith(
        "what pinning protects against (neighbour same): unpinned falls 36.4% further behind "
        "pinned ("
    )


def test_pinning_that_protects_against_nothing_is_said() -> None:
    under = [block({"unpinned": 1.5 * noise, "pinned": 1.5}) for noise in NOISE]

    found = conditions.sentences(measurement("neighbour same", under))

    assert "not shown: unpinned and pinned lose alike" in found[1]


def test_pinning_to_where_the_neighbour_is_harms_and_that_is_said() -> None:
    under = [block({"unpinned": 1.1 * noise, "pinned": 1.9 * noise}) for noise in NOISE]

    found = conditions.sentences(measurement("neighbour same", under))

    assert (
        "(neighbour same): nothing; pinned loses more, since unpinned can move away: " in found[1]
    )


def test_one_block_has_no_interval() -> None:
    found = conditions.sentences(
        measurement("governor performance", [block({"pinned": 0.8, "systemd": 0.8})])
    )

    assert "pinned 20.2% faster (too few blocks for an interval)" in found[0]


def test_an_interval_that_says_nothing_is_not_shown() -> None:
    under = [block({"pinned": 0.8}), block({"pinned": 1.2})]

    found = conditions.sentences(measurement("governor performance", under))

    assert found[0].endswith("pinned 2.1% faster (too few blocks for an interval)")


def test_rounds_in_which_the_client_was_the_limit_do_not_count() -> None:
    under = [block({"pinned": 1.0}, is_bound=True)] * 2

    found = conditions.sentences(measurement("neighbour same", under))

    assert found == [
        "neighbour same: 2 blocks were measured and none counts, since requests failed or the load "
        "generator was the limit"
    ]


def test_a_condition_that_was_not_measured_is_named_with_why() -> None:
    given = measurement("governor performance", [], "no time")

    assert conditions.section(given, "governor") == (
        "- governor performance: no block was measured\n- no time"
    )


def test_a_note_without_any_condition_stands_among_the_governors() -> None:
    found: Found[Run] = Found(notes=("as it is, performance",))
    given = Measurement(begun_at=datetime.now(timezone.utc), blocks=[], conditions=found)

    assert conditions.section(given, "governor") == "- as it is, performance"
    assert conditions.section(given, "neighbour") == ""


def test_every_figure_is_there_for_files() -> None:
    under = [block({"pinned": 0.8 * noise}) for noise in NOISE]

    document = conditions.document(measurement("governor performance", under, "a note"))

    throughput, latency = document["changes"]
    assert document["notes"] == ["a note"]

    assert throughput["slowdown"] == pytest.approx(-0.2)
    assert throughput["figure"] == "tokens_per_s"
    assert latency["figure"] == "mean"
    assert latency["under"] == pytest.approx(800.0)
    assert latency["interval"][0] < -0.19
