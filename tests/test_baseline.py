"""The recorded baseline: what is written comes back, and what is damaged is left alone."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_numa import baseline
from pytest_numa.baseline import RecordedSession, Subject
from pytest_numa.errors import BaselineError
from pytest_numa.load import results
from pytest_numa.load.results import Client, RequestResult, RunResult

SUBJECT = Subject(facts={"host class": "EPYC, 2 nodes", "workload": "30 requests"})


def measured(latency_s: float = 1.0) -> RunResult:
    request = RequestResult(
        sent_at_s=10.0,
        ended_at_s=10.0 + latency_s,
        text_at_s=(10.2, 10.5),
        output_tokens=2,
        is_counted_by_usage=True,
        failure=None,
    )
    client = Client(cpu_s=0.1, lag_p99_ms=0.2, bound=False)
    return results.summarise([request], client=client, workload={"n_requests": 1})


def session(when: str = "2026-11-23T12:00:00+00:00") -> RecordedSession:
    return RecordedSession(
        when=when, host="a", versions={"kernel": "6.1"}, blocks=[[measured()], [measured(1.1)]]
    )


def test_no_file_is_no_baseline(tmp_path: Path) -> None:
    assert baseline.load(tmp_path / "absent.json", SUBJECT) is None


def test_a_recorded_session_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "b.json"

    baseline.append(path, SUBJECT, session())

    found = baseline.load(path, SUBJECT)
    assert found is not None
    assert found.sessions == (session(),)


def test_the_evidence_of_each_run_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    known = replace(session(), evidence=([{"migrations": 3}], [{"steal_s": 0.5}]))

    baseline.append(path, SUBJECT, known)
    grown = baseline.append(path, SUBJECT, session())

    assert grown.sessions[0].evidence == known.evidence
    assert not grown.sessions[1].evidence


def test_a_file_from_before_there_was_evidence_is_read(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())

    (document,) = json.loads(path.read_text())["sessions"]

    assert "evidence" not in document
    assert baseline.load(path, SUBJECT) is not None


def test_sessions_are_appended_in_order(tmp_path: Path) -> None:
    path = tmp_path / "b.json"

    baseline.append(path, SUBJECT, session("first"))
    grown = baseline.append(path, SUBJECT, session("second"))

    assert [one.when for one in grown.sessions] == ["first", "second"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.json"]


def test_sessions_that_record_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    threads = [
        threading.Thread(target=baseline.append, args=(path, SUBJECT, session(str(number))))
        for number in range(12)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = baseline.load(path, SUBJECT)
    assert found is not None
    assert {one.when for one in found.sessions} == {str(number) for number in range(12)}


def test_another_class_of_host_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    other = Subject(facts={**SUBJECT.facts, "host class": "Xeon, 2 nodes"})

    with pytest.raises(BaselineError, match="host class was EPYC, 2 nodes, and is Xeon, 2 nodes"):
        baseline.load(path, other)


def test_each_subject_has_a_file_of_its_own() -> None:
    other = Subject(facts={**SUBJECT.facts, "workload": "31 requests"})

    assert baseline.locate(Path("b"), SUBJECT) != baseline.locate(Path("b"), other)
    assert baseline.locate(Path("b/mine.json"), SUBJECT) == Path("b/mine.json")


def damaged(**changes: object) -> str:
    good = {"schema": 1, "subject": dict(SUBJECT.facts), "sessions": []}
    return json.dumps({**good, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        (damaged()[:-5], "is no JSON"),
        ("[]", 'expected "schema": 1'),
        ('"text"', 'expected "schema": 1'),
        ("{}", 'expected "schema": 1'),
        (damaged(schema=2), "has schema 2; this version reads 1: update pytest-numa"),
        (damaged(schema="1"), 'expected "schema": 1'),
        (damaged(subject=None), "is damaged"),
        (damaged(sessions=[{}]), "is damaged"),
        (damaged(sessions=[{"when": "", "host": "", "versions": {}, "blocks": []}]), "is damaged"),
        (
            damaged(sessions=[{"when": "", "host": "", "versions": {}, "blocks": [[{"a": 1}]]}]),
            "is damaged",
        ),
    ],
)
def test_a_damaged_or_alien_file_is_refused_and_left_as_it_is(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "b.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BaselineError, match=message):
        baseline.append(path, SUBJECT, session())

    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("value", [float("nan"), -1.0, "fast", None])
def test_a_figure_edited_by_hand_into_nonsense_is_refused(tmp_path: Path, value: object) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["sessions"][0]["blocks"][0][0]["output_tokens_per_s"] = value
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(BaselineError, match="is damaged"):
        baseline.load(path, SUBJECT)
