"""The tutorial, command by command, with the real server; its load alone is smaller."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import doc_pages
import how
import pytest
import schemas
from doc_pages import ROOT, Block, Command

from pytest_numa import cli, options

pytest_plugins = ["pytester"]

PAGE = ROOT / "docs/tutorial.md"
BLOCKS = list(doc_pages.blocks(PAGE))
TWO_NODES = "## 7. On a host with two nodes"
COMMANDS = [
    one for block in BLOCKS if block.language == "console" for one in doc_pages.commands(block)
]
# What the page shows took minutes of a quiet machine.
_SMALL = (
    "--numa-n-requests 2 --numa-warmup 1 --numa-blocks 1 --numa-prompt-tokens 4 "
    "--numa-output-tokens 2 --numa-json session.json"
)
_MARK = "@@"
# Verdicts, and what follows from them, are the noise's.
_FREE = re.compile(r"^(pass|fail|inconclusive|advisory)  .* against | {12,}\S|^\d{4}-\d\d-\d\d ")


def is_here(command: Command) -> bool:
    row = how.of(command.where, " ".join(command.argv))
    return command.heading != TWO_NODES and row is not None and row.by == "tutorial"


HERE = [one for one in COMMANDS if is_here(one)]
ELSEWHERE = [one for one in COMMANDS if one.heading == TWO_NODES]


def script() -> str:
    """All commands of the page in one shell, each below a line with its number."""
    lines = []
    for block in BLOCKS:
        if block.file and block.heading != TWO_NODES:
            lines.append(written(block))
        numbered = [(number, one) for number, one in enumerate(HERE) if is_of(one, block)]
        for number, one in numbered:
            # The mark must not change what $? is.
            lines.append(f'code=$?; echo "{_MARK}{number}"; (exit $code)\n{one.text} 2>&1')
    return "\n".join(lines)


def is_of(command: Command, block: Block) -> bool:
    line = int(command.where.rpartition(":")[2])
    return block.line < line <= block.line + len(block.lines)


def written(block: Block) -> str:
    return f"printf %s {shlex.quote(chr(10).join([*block.lines, '']))} >{block.file}"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """What each command printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    done = subprocess.run(
        ["bash", "-c", script()],
        cwd=folder,
        env=os.environ
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTEST_ADDOPTS": f"-p no:randomly {_SMALL} --numa-set port={port}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    parts = re.split(rf"(?m)^{_MARK}\d+\n", done.stdout)
    (folder / "acceptance/all").write_text(done.stdout + done.stderr)
    assert len(parts) == len(HERE) + 1, done.stdout + done.stderr
    return [*parts[1:], str(folder / "acceptance")]


@pytest.mark.systemd
@pytest.mark.server
@pytest.mark.parametrize("number", range(len(HERE)), ids=lambda number: HERE[number].text)
def test_a_command_prints_what_is_shown(outputs: Sequence[str], number: int) -> None:
    missing = not_shown(HERE[number].shown, outputs[number])

    assert missing is None, f"{missing!r} is not, or not in this order, in:\n{outputs[number]}"


def not_shown(shown: Sequence[str], really: str) -> str | None:
    """The first line shown that did not come out, in its order; None where all did."""
    rest = f" {' '.join(alike(really))} "
    for line in shown:
        words = " ".join(alike(line))
        if not words or words == "..." or _FREE.search(line):
            continue
        _, found, rest = rest.partition(f" {words} ")
        if not found:
            return line
        rest = f" {rest}"
    return None


def alike(text: str) -> list[str]:
    """The words, without what differs from machine to machine: figures, widths, folders, breaks."""
    text = re.sub(r"pinned-[0-9a-f]+\.json", "pinned-0.json", text)
    text = re.sub(r"\d+(\.\d+)?", "0", text)
    text = re.sub(r"\b0 (block|run|session)s\b", r"0 \1", text)
    text = re.sub(r"/\S+/(?=benchmarks/)", "/", text)
    text = re.sub(r"([-=_:.])\1+", r"\1", text)
    return [word for word in text.split() if word.strip("-=_:|.")]


@pytest.mark.systemd
@pytest.mark.server
def test_the_session_that_it_writes_is_described(outputs: Sequence[str]) -> None:
    folder = Path(outputs[-1])
    (record,) = (folder / "benchmarks/baselines").iterdir()
    lines = (folder / "benchmarks/history.jsonl").read_text().splitlines()

    assert schemas.troubles("session", json.loads((folder / "session.json").read_text())) == []
    assert schemas.troubles("baseline", json.loads(record.read_text())) == []
    assert [
        one for line in lines for one in schemas.troubles("history-line", json.loads(line))
    ] == []


@pytest.mark.parametrize("command", ELSEWHERE, ids=lambda one: one.text)
def test_a_command_for_two_nodes_is_understood(command: Command, pytester: pytest.Pytester) -> None:
    program, *argv = command.argv

    if program == "pytest":
        assert options.read(pytester.parseconfig(*argv))
    elif program == "pytest-numa":
        assert cli.build_parser(argv).parse_args(argv).act
    else:
        assert program == "sed"
