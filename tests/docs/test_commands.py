"""Every command of the documentation, by what how.py says of it."""

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import doc_pages
import how
import pytest
import two_sockets
from doc_pages import ROOT, Command

from pytest_numa import cli, options

pytest_plugins = ["pytester"]
COMMANDS = doc_pages.all_commands()


def those(*by: str) -> list[Command]:
    return [one for one in COMMANDS if (row := how.of(one.where, joined(one))) and row.by in by]


def joined(command: Command) -> str:
    return " ".join(command.argv)


def name(command: Command) -> str:
    return f"{command.where} {command.text}"


def row_of(command: Command) -> how.Row:
    row = how.of(command.where, joined(command))
    assert row is not None
    return row


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    return two_sockets.build(tmp_path / "machine")


def test_there_are_commands_to_be_tested() -> None:
    assert {one.where.partition(":")[0] for one in COMMANDS} >= {"README.md", "docs/units.md"}


@pytest.mark.parametrize("command", COMMANDS, ids=name)
def test_no_command_is_left_out(command: Command) -> None:
    assert how.of(command.where, joined(command)), "give it a row in tests/docs/how.py"


@pytest.mark.parametrize("row", how.ROWS, ids=lambda row: row.pattern)
def test_no_row_is_without_a_command(row: how.Row) -> None:
    assert any(how.of(one.where, joined(one)) is row for one in COMMANDS)


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one.argv[0] == "pytest-numa"], ids=name
)
def test_each_command_of_ours_is_understood(command: Command) -> None:
    argv = command.argv[1:]

    arguments = cli.build_parser(argv).parse_args(argv)

    assert callable(arguments.act)


@pytest.mark.parametrize("command", doc_pages.inline_commands(), ids=name)
def test_each_command_within_a_sentence_is_there(command: Command) -> None:
    argv = re.sub(r"\[.*?\]", "", command.text).split()[1:]

    words = [word for word in argv if word.startswith("-")]

    assert argv[0] in {*cli.COMMANDS, "COMMAND", "session"}
    assert all(word.partition("=")[0] in known_flags(argv) for word in words)


def known_flags(argv: Sequence[str]) -> set[str]:
    """Those of the subcommand, and behind ``--`` those of pytest."""
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    own = page.partition(f"## pytest-numa {argv[0]}\n")[2].partition("\n## ")[0]
    flags = {"--", "--help", *re.findall(r"--[a-z-]+", own)}
    return flags | {one.flag for one in options.OPTIONS} | {"--cpus"} if "--" in argv else flags


@pytest.mark.parametrize("command", those("run", "machine", "rendered"), ids=name)
def test_a_command_that_this_machine_can_run_does_what_is_shown(
    command: Command,
    machine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = row_of(command)
    folder = tmp_path / "empty"
    folder.mkdir()
    write_files(command, folder)
    for file, text in row.files.items():
        (folder / file).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)

    code = cli.main(really(joined_for_shell(command), row, machine))

    said = capsys.readouterr()
    assert code in row.codes, said.err
    assert not command.shown or doc_pages.is_shown(command.shown, said.out), said.out


def write_files(command: Command, folder: Path) -> None:
    """Those that the page has the reader write."""
    for block in doc_pages.blocks(ROOT / command.where.partition(":")[0]):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([*block.lines, ""]), encoding="utf-8")


def joined_for_shell(command: Command) -> str:
    return shlex.join(command.argv[1:])


def really(text: str, row: how.Row, machine: Path) -> list[str]:
    """The arguments as they are run here."""
    for old, new in row.replaced:
        text = text.replace(old, new)
    argv = [*shlex.split(text), *row.added]
    if row.by == "rendered":
        argv = ["unit", "render", *[one for one in argv[2:] if one not in _OF_INSTALL]]
    return argv if row.by == "run" else [*argv, "--root", str(machine)]


_OF_INSTALL = ("--now", "--enable", "--force")


@pytest.mark.parametrize("command", those("pytest"), ids=name)
def test_each_command_of_pytest_is_understood(command: Command, pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig("-p", "no:randomly", *command.argv[1:])

    values = options.read(config)

    assert set(values) == {one.key for one in options.OPTIONS}


@pytest.mark.parametrize("command", those("make"), ids=name)
def test_each_target_of_make_is_there(command: Command) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--directory", str(ROOT), *command.argv[1:]],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", those("file"), ids=name)
def test_each_program_of_ours_is_there(command: Command) -> None:
    words = shlex.split(command.text)

    assert any((ROOT / word).is_file() for word in words)


@pytest.mark.parametrize("command", those("packages"), ids=name)
def test_what_is_installed_is_what_the_project_names(command: Command) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"(?m)^(?:MODEL|SYSTEM_PACKAGES) := (.+)$", made)
    known = {"pytest-numa", *(word for line in lines for word in line.split())}
    asked = [word for word in command.argv[2:] if not word.startswith("-")]

    for word in asked:
        package, _, extras = word.partition("[")
        assert package in known
        assert all(f"\n{one} = [" in project for one in extras.rstrip("]").split(",") if one)
