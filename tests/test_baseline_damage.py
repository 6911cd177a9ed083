"""A baseline that is damaged, alien or no file: refused with a sentence, and left alone."""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import SUBJECT, measured, session

from pytest_numa import baseline, sealing
from pytest_numa.errors import BaselineError
from pytest_numa.metrics import METRICS


def recorded(**changes: object) -> dict[str, object]:
    runs = [[measured().as_document()], [measured(1.1).as_document()]]
    return {"when": "", "host": "", "versions": {}, "blocks": runs} | changes


def damaged(**changes: object) -> str:
    good = {"schema": 1, "subject": dict(SUBJECT.facts), "sessions": [recorded()]}
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
        (damaged(sessions=[]), "is damaged .*no session"),
        (damaged(sessions=[recorded(blocks=[])]), "is damaged .*a session without runs"),
        (damaged(sessions=[recorded(blocks=[[{"a": 1}]])]), "is damaged"),
        (damaged(sessions=[recorded(when=None)]), "is damaged .*when: found 'None'"),
        (damaged(sessions=[recorded(versions={"kernel": 6})]), "is damaged .*versions"),
        (damaged(sessions=[recorded(evidence=[[{}]])]), "is damaged .*evidence of other runs"),
        (damaged(sessions=[recorded(fingerprint=[])]), "is damaged .*fingerprint"),
        (damaged(subject={"host class": 1}), "is damaged .*subject"),
        (damaged(schema=float("nan")), "is no JSON .NaN is no number"),
        (damaged().replace("{", '{"schema": 2, ', 1), "the key 'schema' stands twice"),
        (damaged(subject={"\ud800": ""}), "is no JSON"),
        ("\ufeff" + damaged(), "is no JSON"),
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


@pytest.mark.parametrize("value", [10**400, -1.0, "fast", None, True, [], {}])
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 0),
        ("p50", None),
        ("p95", 1e9),
        ("mean", 1e9),
        ("mean", "1"),
        ("max", True),
    ],
)
def test_figures_that_belie_one_another_are_refused_whatever_the_digest_says(
    tmp_path: Path, name: str, value: object
) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["sessions"][0]["blocks"][0][0]["latency_ms"][name] = value
    path.write_text(resealed(document), encoding="utf-8")

    with pytest.raises(BaselineError, match="is damaged"):
        baseline.load(path, SUBJECT)


def test_failures_that_are_not_accounted_for_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline.append(path, SUBJECT, session())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["sessions"][0]["blocks"][0][0]["failed"] = 1
    path.write_text(resealed(document), encoding="utf-8")

    with pytest.raises(BaselineError, match=r"1 failures, of which \{\} are named"):
        baseline.load(path, SUBJECT)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("baseline") / "b.json"
    known = replace(session(), evidence=([{"steal_s": 0.5}], [{}]), fingerprint={"sockets": 2})
    baseline.append(path, SUBJECT, known)
    return path


def test_a_file_cut_off_at_any_byte_is_refused(written: Path, tmp_path: Path) -> None:
    text, path = written.read_bytes(), tmp_path / "b.json"

    for length in range(len(text) - 1):
        path.write_bytes(text[:length])
        with pytest.raises(BaselineError):
            baseline.load(path, SUBJECT)


@given(st.data())
def test_one_byte_that_is_another_is_seen_or_says_the_same(
    written: Path, data: st.DataObject
) -> None:
    text = written.read_bytes()
    at = data.draw(st.integers(0, len(text) - 1))
    path = written.with_name("changed.json")
    path.write_bytes(text[:at] + data.draw(st.binary(min_size=1, max_size=1)) + text[at + 1 :])

    try:
        found = baseline.load(path, SUBJECT)
    except BaselineError:
        return

    assert found == baseline.load(written, SUBJECT)


ALIEN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_a_sealed_file_with_an_alien_value_anywhere_is_refused_or_has_figures_that_are_numbers(
    written: Path, data: st.DataObject
) -> None:
    document = json.loads(written.read_bytes())
    inner: Any = document
    key: Any = data.draw(st.sampled_from(["schema", "subject", "sessions"]))
    while isinstance(inner[key], (dict, list)) and inner[key] and data.draw(st.integers(0, 9)):
        inner = inner[key]
        names = list(inner) if isinstance(inner, dict) else range(len(inner))
        key = data.draw(st.sampled_from(names))
    inner[key] = data.draw(ALIEN)
    path = written.with_name("alien.json")
    text = json.dumps(sealing.sealed(document))
    path.write_text(text, encoding="utf-8")

    try:
        found = baseline.append(path, SUBJECT, session("next"))
    except BaselineError:
        assert path.read_text(encoding="utf-8") == text
        return

    runs = [run for one in found.sessions for block in one.blocks for run in block]
    figures = [metric.value(run) for run in runs for metric in METRICS.values()]
    assert all(one is None or math.isfinite(one) for one in figures)


@pytest.mark.parametrize("made", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_regular_file_is_refused_and_stays(
    tmp_path: Path, made: Callable[[Path], None]
) -> None:
    path = tmp_path / "b.json"
    made(path)
    before = path.stat()

    with pytest.raises(BaselineError, match="expected a regular file"):
        baseline.append(path, SUBJECT, session())

    assert path.stat() == before


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.symlink_to(path)

    with pytest.raises(BaselineError, match=r"cannot be read: .*symbolic links"):
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


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured() -> None:
    with pytest.raises(BaselineError, match="cannot be written: /proc: "):
        baseline.check_writable(Path("/proc/baselines/b.json"))
