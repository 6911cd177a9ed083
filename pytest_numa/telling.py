"""What pytest's terminal says of a session: the header, and the end, after all else."""

from collections.abc import Callable, Generator, Mapping

import pytest

from pytest_numa import problem, settings
from pytest_numa.report import header, terminal
from pytest_numa.report.lines import Line

# Markup, and never escapes of our own: pytest knows whether colours are wanted.
_MARKUP: Mapping[str, Mapping[str, bool]] = {
    "fail": {"red": True, "bold": True},
    "inconclusive": {"yellow": True, "bold": True},
    "pass": {"green": True},
    "plain": {},
}


class Telling:
    """Remembers what stopped a session; ``end`` has the rest when it is asked for."""

    def __init__(
        self, config: pytest.Config, wanted: settings.Settings, end: Callable[[], terminal.End]
    ) -> None:
        self.test = ""
        self.errors: list[problem.Problem] = []
        self._config = config
        self._wanted = wanted
        self._end = end

    def add(self, found: problem.Problem) -> None:
        """Told once, however many tests it stops."""
        if found not in self.errors:
            self.errors.append(found)

    def pytest_report_header(self) -> list[str]:
        return header.header(
            self._wanted, verbosity=self._config.get_verbosity(), width=self._width()
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.test = nodeid

    # Outside of the terminal's own: after the list of failed tests, however long that is.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, object, object]:
        result = yield
        end = self._end()
        if self._config.getoption("no_summary"):
            # These fail the session, and nothing else tells of them.
            end = terminal.End(wanted=self._wanted, troubles=end.troubles)
        verbosity = self._config.get_verbosity()
        lines = terminal.summary(end, verbosity=verbosity, width=self._width())
        if lines and verbosity >= -1:
            terminalreporter.section("numa")
        for line in lines:
            _write(terminalreporter, line)
        return result

    def _width(self) -> int:
        return self._config.get_terminal_writer().fullwidth


def _write(reporter: pytest.TerminalReporter, line: Line) -> None:
    reporter.write(line.lead, **_MARKUP[line.style])
    reporter.line(line.text)
