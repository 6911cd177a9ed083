"""``pytest-numa report``: reports of a saved session."""

import sys
from pathlib import Path

import pytest
import session_files as made

from pytest_numa import cli


def test_a_saved_session_becomes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = made.session(tmp_path / "s.json")
    path = tmp_path / "new" / "s.html"

    code = cli.main(["report", str(session), "--html", str(path)])

    assert (code, capsys.readouterr().out) == (0, f"wrote {path}\n")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_page_replaces_an_older_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    session = made.session(tmp_path / "s.json")
    page = tmp_path / "pages" / "s.html"
    page.parent.mkdir()
    page.write_text("old")

    cli.main(["report", str(session), "--html", str(page)])

    assert "old" not in page.read_text(encoding="utf-8")[:3]
    assert list(page.parent.iterdir()) == [page]


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "other"}', '{"sessions": []}'])
def test_what_is_no_session_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)

    code = cli.main(["report", str(path), "--html", str(tmp_path / "s.html")])

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith(f"pytest-numa: {path}: expected a session (--numa-json), found ")
    assert said.count("\n") == 1
    assert not (tmp_path / "s.html").exists()


def test_a_damaged_session_is_told_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = made.session(tmp_path / "s.json", topology={"nodes": 3}, runs=[{}])

    code = cli.main(["report", str(session), "--html", str(tmp_path / "s.html")])

    assert code == 1
    assert "s.html cannot be drawn (KeyError" in capsys.readouterr().err
    assert not (tmp_path / "s.html").exists()


def test_a_command_that_asks_for_no_report_says_which_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["report", str(made.session(tmp_path / "s.json"))])

    assert code == 1
    assert "give --html PATH" in capsys.readouterr().err


def test_without_matplotlib_the_page_is_refused_with_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    code = cli.main(["report", str(made.session(tmp_path / "s.json")), "--html", "s.html"])

    assert code == 1
    assert "pip install 'pytest-numa[html]'" in capsys.readouterr().err


def test_a_history_that_was_named_and_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = made.session(tmp_path / "s.json")
    arguments = ["--html", str(tmp_path / "s.html"), "--history", str(tmp_path / "none.jsonl")]

    code = cli.main(["report", str(session), *arguments])

    assert code == 1
    assert "none.jsonl" in capsys.readouterr().err
