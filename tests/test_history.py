"""The history: what is written comes back, nothing in it is lost, and changes are found."""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import cli, history, history_sql, trend
from pytest_numa.errors import HistoryError
from pytest_numa.history import Entry
from pytest_numa.metrics import METRICS

NOISE = (1.003, 0.998, 1.004, 0.996, 1.001, 0.999, 1.002, 0.997)


def entry(number: int = 0, *, tokens_per_s: float = 100.0, kernel: str = "6.12.9") -> Entry:
    values = [tokens_per_s * NOISE[number % 8], tokens_per_s * NOISE[(number + 3) % 8]]
    return Entry(
        when=f"2026-01-{number + 1:02}T12:00:00+00:00",
        host="a",
        subject={"host class": "EPYC, 2 nodes", "workload": "30 requests"},
        versions={"kernel": kernel, "systemd": "252"},
        figures={"systemd": {"tokens_per_s": values}, "pinned": {"tokens_per_s": [100.0]}},
        verdicts=({"figure": "tokens_per_s", "against": "pinned", "outcome": "pass"},),
    )


def test_what_a_file_says_is_no_command_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.jsonl"
    history.append(path, replace(entry(), host="a\x1b[2J", subject={"model": "m\x07\n\rx"}))

    assert cli.main(["history", "--no-changes", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "host a\ufffd[2J" in shown
    assert not set(shown) & {"\x1b", "\x07", "\r"}


def slower_from_the_seventh() -> list[Entry]:
    before = [entry(number) for number in range(6)]
    after = [entry(number, tokens_per_s=94.0, kernel="6.12.11") for number in range(6, 12)]
    return [*before, *after]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "benchmarks" / "history.jsonl"
    for one in slower_from_the_seventh():
        history.append(path, one)
    return path


def test_what_is_appended_comes_back_in_order(written: Path) -> None:
    found = history.read(written)

    assert list(found.entries) == slower_from_the_seventh()
    assert found.notes == ()


def test_half_a_line_of_a_crash_stays_and_the_next_session_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(entry(0).line + "\n" + entry(1).line[:50], encoding="utf-8")

    history.append(path, entry(2))

    found = history.read(path)
    assert [one.when[8:10] for one in found.entries] == ["01", "03"]
    assert [note.partition(" (")[0] for note in found.notes] == [
        f"{path}:2: skipped: no whole line of JSON"
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{}", "no session of pytest-numa"),
        ("[1]", "no session of pytest-numa"),
        ('{"schema": true}', "no session of pytest-numa"),
        ('{"schema": 2}', "schema 2, and this version reads 1"),
        ('{"schema": 1}', "damaged (KeyError: 'when')"),
        ("\udcff", "damaged"),
        (entry().line.replace("100.0", "-1"), "damaged (ValueError: expected numbers above 0"),
        (entry().line.replace("100.0", "true"), "damaged (ValueError: expected numbers above 0"),
        (entry().line.replace("100.0", '"9"'), "damaged (ValueError: expected numbers above 0"),
        (entry().line.replace("100.0", "NaN"), "no whole line of JSON (NaN is no number)"),
        (entry().line.replace("{", '{"schema": 1, ', 1), "the key 'schema' stands twice"),
        ("[" * 100_000, "no whole line of JSON (it is nested too deeply)"),
        (entry().line.replace("[100.0]", "[]"), "damaged (ValueError: expected numbers above 0"),
    ],
)
def test_an_alien_or_damaged_line_is_skipped_and_told(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "h.jsonl"
    path.write_bytes(f"{line}\n{entry().line}\n".encode(errors="surrogateescape"))

    found = history.read(path)

    assert found.entries == (entry(),)
    assert found.notes[0].startswith(f"{path}:1: skipped: ")
    assert why in found.notes[0] or "decode" in found.notes[0]


@given(st.text())
def test_any_line_is_an_entry_or_a_value_error(line: str) -> None:
    try:
        found = history.parse(line)
    except ValueError:
        return
    assert isinstance(found, Entry)


def test_sessions_that_end_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    threads = [
        threading.Thread(target=history.append, args=(path, entry(number))) for number in range(12)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.when for one in history.read(path).entries} == {
        entry(number).when for number in range(12)
    }


@pytest.mark.parametrize("after_s", [number * 0.002 for number in range(10)])
def test_a_session_killed_while_it_writes_loses_no_line_that_was_there(
    tmp_path: Path, after_s: float
) -> None:
    path = tmp_path / "h.jsonl"
    history.append(path, entry(0))
    if (pid := os.fork()) == 0:
        while True:
            history.append(path, entry(1))

    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    history.append(path, entry(2))

    found = history.read(path).entries
    assert (found[0], found[-1]) == (entry(0), entry(2))


def test_a_full_disk_is_told_and_leaves_the_file_as_it_was() -> None:
    with pytest.raises(HistoryError, match="/dev/full cannot be written: No space left"):
        history.append(Path("/dev/full"), entry())


def test_sessions_of_another_host_or_subject_are_another_series() -> None:
    elsewhere = replace(entry(1), host="b")
    other = replace(entry(2), subject={"host class": "Xeon"})

    assert [len(one) for one in trend.series([entry(0), elsewhere, other, entry(3)])] == [2, 1, 1]


def test_a_change_is_found_with_the_version_that_changed_there() -> None:
    pytest.importorskip("otava", reason="needs the extra: pip install 'pytest-numa[history]'")

    found = trend.of(slower_from_the_seventh(), METRICS["tokens_per_s"], "systemd")

    (change,) = found.changes
    assert change.index == 6
    assert change.change == pytest.approx(-0.06, abs=0.005)
    assert change.versions == ("kernel 6.12.9 became 6.12.11",)


def test_a_series_without_a_change_has_none() -> None:
    pytest.importorskip("otava", reason="needs the extra: pip install 'pytest-numa[history]'")
    same = [entry(number) for number in range(12)]

    assert trend.of(same, METRICS["tokens_per_s"], "systemd").changes == ()


def test_a_series_of_equal_values_has_no_change_and_gives_no_warning() -> None:
    pytest.importorskip("otava", reason="needs the extra: pip install 'pytest-numa[history]'")
    equal = {"systemd": {"tokens_per_s": [100.0]}}
    same = [replace(entry(number), figures=equal) for number in range(12)]

    assert trend.of(same, METRICS["tokens_per_s"], "systemd").changes == ()


def test_a_step_between_equal_values_is_a_change() -> None:
    pytest.importorskip("otava", reason="needs the extra: pip install 'pytest-numa[history]'")
    made = [
        replace(entry(number), figures={"systemd": {"tokens_per_s": [100.0 - 5.0 * (number > 5)]}})
        for number in range(12)
    ]

    found = trend.of(made, METRICS["tokens_per_s"], "systemd")

    assert [one.index for one in found.changes] == [6]


def test_the_command_shows_the_trend_and_says_since_when(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("otava", reason="needs the extra: pip install 'pytest-numa[history]'")

    code = cli.main(["history", str(written)])

    text = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "throughput, systemd, 12 sessions" in text
    assert "since the session of 2026-01-07 12:00, in which kernel 6.12.9 became 6.12.11" in text


def test_the_command_needs_no_extra_for_the_table(
    written: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "otava.analysis", None)

    without = cli.main(["history", str(written)])
    told = capsys.readouterr().err
    table = cli.main(["history", str(written), "--no-changes", "--json"])

    assert (without, table) == (1, 0)
    assert "pip install 'pytest-numa[history]'" in told
    assert len(json.loads(capsys.readouterr().out)[0][0]["sessions"]) == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.jsonl"], "history absent.jsonl: No such file or directory"),
        (["--mode", "unpinned", "{written}"], "has mode unpinned with tokens_per_s"),
        (["--url", "no database"], "expected a database as in sqlite:////var/lib/numa.db"),
        (["--url", "sqlite:///absent.db"], "sqlite:///absent.db: there is no such file"),
        (["--url", "sqlite://"], "no such table: numa_sessions"),
    ],
)
def test_what_cannot_be_shown_is_told_in_a_sentence(
    written: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    pytest.importorskip("sqlalchemy", reason="needs the extra: pip install 'pytest-numa[history]'")

    code = cli.main(["history", *(one.format(written=written) for one in arguments)])

    assert code == 1
    assert message in capsys.readouterr().err


def test_a_database_gives_back_what_it_got_and_has_the_medians(tmp_path: Path) -> None:
    sqlalchemy = pytest.importorskip(
        "sqlalchemy", reason="needs the extra: pip install 'pytest-numa[history]'"
    )
    url = f"sqlite:///{tmp_path}/h.db"

    for one in slower_from_the_seventh():
        history_sql.append(url, one)

    # Without a pool, no connection outlives the test.
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        medians = connection.execute(
            sqlalchemy.text("select median from numa_figures where mode = 'pinned'")
        ).all()
    assert list(history_sql.read(url).entries) == slower_from_the_seventh()
    assert medians == [(100.0,)] * 12


@pytest.mark.parametrize(
    "url", ["sqlite:////nonexistent/h.db", "postgresql+pg8000://numa:secret@127.0.0.1:1/h"]
)
def test_a_database_out_of_reach_is_told_without_its_password(url: str) -> None:
    pytest.importorskip("sqlalchemy", reason="needs the extra: pip install 'pytest-numa[history]'")

    with pytest.raises(HistoryError) as caught:
        history_sql.check(url)

    assert str(caught.value).startswith(f"history {url.replace('secret', '***')}: ")
    assert "secret" not in str(caught.value)
