"""The experiment on real parts: gone on with after kill -9, and held against itself."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_numa import session_file

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.systemd, pytest.mark.server]

SMALL = (
    *("--numa-n-requests", "2", "--numa-concurrency", "1", "--numa-warmup", "1"),
    *("--numa-prompt-tokens", "4", "--numa-output-tokens", "2", "--numa-modes", "pinned,systemd"),
    *(
        "--numa-inconclusive",
        "pass",
        "--numa-missing-baseline",
        "record",
        "--numa-manager",
        "private",
        "--numa-margin",
        "90",
    ),
)


@pytest.fixture
def command(pytester: pytest.Pytester) -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    own = [sys.executable, "-m", "pytest", "-p", "no:benchmark", "--numa-node", "0", *SMALL]
    return [*own, "--numa-set", f"port={port}"]


def ended(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def test_a_session_that_was_killed_is_gone_on_with(
    pytester: pytest.Pytester, command: list[str]
) -> None:
    killed = subprocess.Popen(
        [*command, "--numa-blocks", "50"], cwd=pytester.path, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    next(line for line in killed.stdout if line.startswith("numa: block 1:"))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()

    output = ended(
        [*command, "--numa-blocks", "2", "--numa-resume", "--numa-json", "s.json"], pytester.path
    )

    measured = [line for line in output.splitlines() if line.startswith("numa: block ")]
    assert len(measured) == 1, output
    assert measured[0].startswith("numa: block 2:")
    assert "1 of the blocks are those of the session that was begun" in output
    found = session_file.read(pytester.path / "s.json")
    assert {mode: len(blocks) for mode, blocks in found.modes.items()} == {
        "pinned": 2,
        "systemd": 2,
    }
    assert not list(pytester.path.glob("benchmarks/.*"))


def test_nothing_to_resume_is_told_before_anything_is_started(
    pytester: pytest.Pytester, command: list[str]
) -> None:
    output = ended([*command, "--numa-resume"], pytester.path)

    assert "--numa-resume: there is no interrupted session" in output
    assert "numa: block" not in output


def test_the_control_is_held_against_itself_and_nothing_is_recorded(
    pytester: pytest.Pytester, command: list[str]
) -> None:
    output = ended(
        [*command, "--numa-null-control", "--numa-record", "-k", "throughput"], pytester.path
    )

    assert "null control: pinned against itself" in output
    assert "1 passed" in output
    assert not (pytester.path / "benchmarks").exists() or not any(
        pytester.path.glob("benchmarks/[!.]*")
    )


def test_all_runs_and_verdicts_go_to_a_json_file(
    pytester: pytest.Pytester, command: list[str]
) -> None:
    ended([*command, "--numa-json", "s.json", "-k", "throughput"], pytester.path)

    found = json.loads((pytester.path / "s.json").read_text())
    (verdict,) = found["verdicts"]
    assert (verdict["figure"], verdict["against"], verdict["outcome"]) == (
        "tokens_per_s",
        "pinned",
        "pass",
    )
    assert verdict["interval"][0] < verdict["slowdown"] < verdict["interval"][1]
    assert len(found["modes"]["systemd"]) == verdict["blocks"]
