"""The recorded baseline: what is written comes back, whatever happens meanwhile."""

import json
import multiprocessing
import os
import resource
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import SUBJECT, session

from pytest_numa import baseline
from pytest_numa.baseline import Baseline, Subject
from pytest_numa.errors import BaselineError


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


def record_some(path: Path, name: str) -> None:
    for number in range(4):
        baseline.append(path, SUBJECT, session(f"{name}-{number}"))


def test_processes_that_record_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    forked = multiprocessing.get_context("fork")
    processes = [forked.Process(target=record_some, args=(path, name)) for name in "abc"]

    for process in processes:
        process.start()
    for process in processes:
        process.join()

    found = baseline.load(path, SUBJECT)
    assert found is not None
    assert sorted(one.when for one in found.sessions) == [
        f"{name}-{number}" for name in "abc" for number in range(4)
    ]


def test_a_full_disk_leaves_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session("first"))
    # No file of this process may grow beyond what is there: as on a full disk, a write fails.
    before, (_, hard) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), hard))
    try:
        with pytest.raises(BaselineError, match=r"cannot be written: .*File too large"):
            baseline.append(path, SUBJECT, session("second"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, ignored)

    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["b.json"]


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


def test_a_symbolic_link_is_followed_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "b.json"
    link.symlink_to(tmp_path / "elsewhere.json")

    baseline.append(link, SUBJECT, session())

    assert link.is_symlink()
    assert baseline.load(tmp_path / "elsewhere.json", SUBJECT) is not None


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
