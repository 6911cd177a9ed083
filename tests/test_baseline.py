"""The recorded baseline: what is written comes back, and what is damaged is left alone."""

import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_numa import baseline, sealing
from pytest_numa.baseline import Baseline, RecordedSession, Subject
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


def test_the_fingerprint_of_the_host_comes_back(tmp_path: Path) -> None:
    known = replace(session(), fingerprint={"cpu_model": "EPYC", "sockets": 2})

    grown = baseline.append(tmp_path / "b.json", SUBJECT, known)

    assert baseline.load(tmp_path / "b.json", SUBJECT) == grown


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


def resealed(document: Mapping[str, object]) -> str:
    return json.dumps(sealing.sealed({**document, "schema": 2}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        (damaged()[:-5], "is no JSON"),
        ("[]", 'expected "schema": 2'),
        ('"text"', 'expected "schema": 2'),
        ("{}", 'expected "schema": 2'),
        ("[" * 100_000, "is no JSON"),
        (damaged(schema=3), "has schema 3; this version reads 2: update pytest-numa"),
        (damaged(schema="1"), 'expected "schema": 2'),
        (damaged(schema=True), 'expected "schema": 2'),
        (damaged(schema=2), "was changed after it was written"),
        (damaged(schema=2, digest="sha256:0"), "was changed after it was written"),
        (damaged(digest="sha256:0"), "was changed after it was written"),
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
def test_a_figure_that_is_nonsense_is_refused_whatever_the_digest_says(
    tmp_path: Path, value: object
) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["sessions"][0]["blocks"][0][0]["output_tokens_per_s"] = value
    path.write_text(resealed(document), encoding="utf-8")

    with pytest.raises(BaselineError, match="is damaged"):
        baseline.load(path, SUBJECT)


def test_a_figure_changed_by_hand_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["sessions"][0]["blocks"][0][0]["output_tokens_per_s"] *= 0.9
    text = json.dumps(document)
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BaselineError, match="was changed after it was written"):
        baseline.append(path, SUBJECT, session())

    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_was_only_laid_out_anew_is_read(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))

    path.write_text(json.dumps(document, sort_keys=True), encoding="utf-8")

    assert baseline.load(path, SUBJECT) == Baseline(subject=SUBJECT, sessions=(session(),))


def test_a_file_of_the_schema_without_digest_is_read_and_sealed_with_the_next_session(
    tmp_path: Path,
) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["digest"]
    path.write_text(json.dumps({**document, "schema": 1}), encoding="utf-8")

    grown = baseline.append(path, SUBJECT, session("second"))

    assert len(grown.sessions) == 2
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == 2


@pytest.mark.parametrize("old", ["damaged", resealed({"subject": {}, "sessions": []})])
def test_beginning_anew_keeps_every_file_that_was_there(tmp_path: Path, old: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(old, encoding="utf-8")

    baseline.append(path, SUBJECT, session("first"), is_anew=True)
    baseline.append(path, SUBJECT, session("second"), is_anew=True)

    found = baseline.load(path, SUBJECT)
    assert found is not None
    assert [one.when for one in found.sessions] == ["second"]
    assert (tmp_path / "b.json.1").read_text(encoding="utf-8") == old
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.json", "b.json.1", "b.json.2"]


def test_a_symbolic_link_is_followed_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "b.json"
    link.symlink_to(tmp_path / "elsewhere.json")

    baseline.append(link, SUBJECT, session())

    assert link.is_symlink()
    assert baseline.load(tmp_path / "elsewhere.json", SUBJECT) is not None


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured() -> None:
    with pytest.raises(BaselineError, match="cannot be written: /proc: "):
        baseline.check_writable(Path("/proc/baselines/b.json"))


@pytest.mark.parametrize("after_s", [number * 0.002 for number in range(12)])
def test_a_session_killed_while_it_writes_loses_nothing_that_was_there(
    tmp_path: Path, after_s: float
) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session("first"))
    if (pid := os.fork()) == 0:
        while True:
            baseline.append(path, SUBJECT, session("killed"))

    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    grown = baseline.append(path, SUBJECT, session("next"))
    assert [grown.sessions[0].when, grown.sessions[-1].when] == ["first", "next"]
    assert [one.name for one in tmp_path.iterdir()] == ["b.json"]
