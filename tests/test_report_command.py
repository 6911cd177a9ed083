"""``pytest-numa report``: reports of a saved session."""

import io
import json
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


@pytest.mark.parametrize("option", ["--html", "--client"])
def test_no_report_takes_the_place_of_its_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    session = made.session(tmp_path / "s.json")
    link = tmp_path / "link.html"
    link.symlink_to(session)
    before = session.read_bytes()

    code = cli.main(["report", str(session), option, str(link)])

    assert code == 1
    assert f"{option} {link}: expected a file of its own, found that of the session" in (
        capsys.readouterr().err
    )
    assert session.read_bytes() == before


def test_no_report_takes_the_place_of_the_history_or_of_the_other_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, lines = made.session(tmp_path / "s.json"), tmp_path / "h.jsonl"
    lines.write_text("")
    own = ["report", str(session), "--history", str(lines)]
    both = str(tmp_path / "s.html")

    codes = [
        cli.main([*own, "--client", str(lines)]),
        cli.main([*own, "--html", both, "--client", both]),
    ]

    said = capsys.readouterr().err
    assert codes == [1, 1]
    assert "found that of --history" in said
    assert "found that of --html" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.jsonl", "s.json"]


@pytest.mark.parametrize("files", [[], None, {"history": 5}, {"history": "\0"}])
@pytest.mark.parametrize("option", ["--html", "--client"])
def test_a_session_that_names_no_files_as_files_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, files: object
) -> None:
    session = made.session(tmp_path / "s.json", files=files)

    code = cli.main(["report", str(session), option, str(tmp_path / "s.html")])

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith(f"pytest-numa: {session}: expected the parts of a session")
    assert said.count("\n") == 1


CHECK = {"id": "N1", "name": "a", "wanted": "b", "found": "c", "risk": "d", "fix": None}


@pytest.mark.parametrize(
    "checks", [[], [{}], [CHECK], [{**CHECK, "status": "fine"}], [{**CHECK, "status": ["pass"]}]]
)
def test_an_audit_that_looked_at_nothing_or_says_nothing_known_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], checks: list[object]
) -> None:
    session, given = made.session(tmp_path / "s.json"), tmp_path / "audit.json"
    given.write_text(json.dumps({"summary": {}, "checks": checks}))

    code = cli.main(["report", str(session), "--client", "--audit", str(given)])

    assert code == 1
    assert f"--audit: {given}: expected what pytest-numa audit --json wrote" in (
        capsys.readouterr().err
    )


def test_a_terminal_without_a_character_gets_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = made.session(tmp_path / "s.json", host="h\u00f6st")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    code = cli.main(["report", str(session), "--client"])

    assert code == 0
    assert b"h\\xf6st" in written.getvalue()


def test_without_a_standard_output_the_exit_code_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = made.session(tmp_path / "s.json")
    monkeypatch.setattr(sys, "stdout", None)

    assert cli.main(["report", str(session), "--client", str(tmp_path / "s.md")]) == 0
