"""How far the measurement is: a line that changes on a terminal, a line per block in a log."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from pytest_numa.experiment import Position
from pytest_numa.measurement import Run
from pytest_numa.report import terminal

_REDRAW_S = 0.2


class TerminalProgress:
    """Tells pytest's terminal reporter, past the capturing of output."""

    def __init__(self, config: pytest.Config, n_requests: int | None) -> None:
        self._plugins = config.pluginmanager
        self._n_requests = n_requests
        self._is_quiet = config.get_verbosity() < 0
        self._is_brief = config.get_verbosity() == 0
        self._drawn_at_s = 0.0
        self._has_written = False
        self._is_line_open = False

    @property
    def _reporter(self) -> Any:  # noqa: ANN401 - pytest's own, or None
        # Asked for late: it takes part after the plugins of the command line.
        return self._plugins.getplugin("terminalreporter")

    @property
    def _is_live(self) -> bool:
        return bool(getattr(self._reporter, "isatty", False))

    def on_start(self, position: Position) -> None:
        """A server begins to load its model, which may take minutes."""
        self._draw(terminal.starting(position))

    def on_requests(self, position: Position, done: int, failed: int) -> None:
        """Redraw the line, not more often than a person reads."""
        is_early = time.monotonic() - self._drawn_at_s < _REDRAW_S
        if not is_early:
            self._draw(terminal.progress(position, done, failed, self._n_requests))

    def on_block(self, number: int, block: Mapping[str, Sequence[Run]]) -> None:
        """Write a line that stays."""
        self._keep(terminal.block(number, block))

    def on_condition(self, name: str, number: int, block: Mapping[str, Sequence[Run]]) -> None:
        """The same for a block under a condition."""
        self._keep(terminal.block(number, block, under=name))

    def end(self, test: str) -> None:
        """Let pytest go on below with the results of the file that ``test`` is in."""
        if not self._has_written:
            return
        with self._uncaptured() as reporter:
            if self._is_line_open:
                reporter.line("")
            if self._is_brief:
                reporter.write_fspath_result(test, "")
        self._has_written = self._is_line_open = False

    def _draw(self, line: str) -> None:
        if self._reporter is None or not self._is_live:
            return
        self._drawn_at_s = time.monotonic()
        self._has_written = self._is_line_open = True
        with self._uncaptured() as reporter:
            reporter.ensure_newline()
            # A line that wraps could not be written over.
            width = shutil.get_terminal_size().columns - 1
            reporter.rewrite(line[:width], erase=True)

    def _keep(self, line: str) -> None:
        if self._reporter is None or self._is_quiet:
            return
        self._has_written, self._is_line_open = True, False
        with self._uncaptured() as reporter:
            reporter.ensure_newline()
            if self._is_live:
                reporter.rewrite(line, erase=True)
                reporter.line("")
            else:
                reporter.line(line)

    @contextlib.contextmanager
    def _uncaptured(self) -> Iterator[Any]:
        with contextlib.ExitStack() as stack:
            capture: Any = self._plugins.getplugin("capturemanager")
            if capture is not None:
                stack.enter_context(capture.global_and_fixture_disabled())
            yield self._reporter
