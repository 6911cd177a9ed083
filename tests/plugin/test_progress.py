"""The live line: on a terminal redrawn and then replaced, in a log a line for each block."""

import io

import pytest
from measured import SETTINGS, block

from pytest_numa.experiment import Position
from pytest_numa.progress import TerminalProgress

pytest_plugins = ["pytester"]

POSITION = Position(block=0, mode="pinned", plan=SETTINGS.plan, elapsed_s=0.0)
BLOCK = block(pinned=1.0, systemd=1.0)


class Terminal(io.StringIO):
    """What a terminal is sent."""

    def isatty(self) -> bool:
        return True


def progress_on(pytester: pytest.Pytester, file: io.StringIO, *args: str) -> TerminalProgress:
    config = pytester.parseconfig("-p", "no:benchmark", *args)
    config.pluginmanager.register(pytest.TerminalReporter(config, file), "terminalreporter")
    return TerminalProgress(config, 6)


def test_a_terminal_has_one_line_that_is_redrawn(pytester: pytest.Pytester) -> None:
    file = Terminal()
    progress = progress_on(pytester, file)

    progress.on_start(POSITION)
    progress.on_block(1, BLOCK)
    progress.end("test_it.py::test_it")

    redrawn = file.getvalue().split("\r")
    assert redrawn[1].startswith("numa: block 1 of at most 16, pinned: the server starts")
    assert redrawn[-1].startswith("numa: block 1: pinned 10.0, systemd 10.0 tokens/s")
    assert file.getvalue().endswith("\ntest_it.py ")


def test_a_line_that_was_left_unfinished_is_ended(pytester: pytest.Pytester) -> None:
    file = Terminal()
    progress = progress_on(pytester, file, "-v")

    progress.on_requests(POSITION, 3, 1)
    progress.end("test_it.py::test_it")

    assert "pinned: 3 of 6 requests, 1 failed" in file.getvalue()
    assert file.getvalue().endswith("\n")


def test_a_log_has_a_line_for_each_block_and_nothing_that_moves(
    pytester: pytest.Pytester,
) -> None:
    file = io.StringIO()
    progress = progress_on(pytester, file)

    progress.on_start(POSITION)
    progress.on_requests(POSITION, 3, 0)
    progress.on_block(1, BLOCK)

    assert file.getvalue() == "numa: block 1: pinned 10.0, systemd 10.0 tokens/s\n"


@pytest.mark.parametrize("args", [["-q"], ["-p", "no:terminal"]])
def test_nothing_is_said_where_nothing_is_to_be_said(
    pytester: pytest.Pytester, args: list[str]
) -> None:
    config = pytester.parseconfig("-p", "no:benchmark", *args)
    file = io.StringIO()
    if "-q" in args:
        config.pluginmanager.register(pytest.TerminalReporter(config, file), "terminalreporter")
    progress = TerminalProgress(config, 6)

    progress.on_start(POSITION)
    progress.on_block(1, BLOCK)
    progress.end("test_it.py::test_it")

    assert file.getvalue() == ""
