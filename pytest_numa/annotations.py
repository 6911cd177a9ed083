"""Annotations of GitHub Actions: what fails or stays open is shown beside the line of the test.

Syntax: GitHub's "Workflow commands", and the escapes of its toolkit (core/src/command.ts). GitHub
shows the first 10 errors and the first 10 warnings of a step.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import pytest

import pytest_numa
from pytest_numa import marks, outcome
from pytest_numa.judgement import Judgement

Weight = Literal["error", "warning"]

_PACKAGE = Path(pytest_numa.__file__).resolve().parent
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


class Measured(Protocol):
    """The session that is told of."""

    @property
    def troubles(self) -> Sequence[str]:
        """What went wrong at the end."""

    def judgements_of(self, item: pytest.Item) -> Sequence[Judgement]:
        """What came of a test's figures; nothing before they were measured."""


def are_wanted() -> bool:
    """Whether this runs as a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def command(weight: Weight, text: str, properties: Mapping[str, str]) -> str:
    """The line that GitHub's runner reads from the output."""
    shown = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
    return f"::{weight} {shown}::{_escaped(text, _DATA)}"


def _escaped(value: str, escapes: Mapping[int, str]) -> str:
    # Half of a character, as in undecodable names, cannot be printed.
    whole = value.encode("utf-8", "replace").decode("utf-8")
    return whole.translate(escapes)


class Annotations:
    """Collects them while the tests run, and prints them at the end, the errors first."""

    def __init__(self, config: pytest.Config, active: Measured) -> None:
        self._active = active
        self._root = Path(os.environ.get("GITHUB_WORKSPACE") or config.rootpath).resolve()
        self._texts: set[str] = set()
        self._found: dict[Weight, list[str]] = {"error": [], "warning": []}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if _is_ours(item):
            self._look(item, report)
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for text in self._active.troubles:
            self._found["error"].append(command("error", text, {"title": "numa"}))
        # A command is read at the beginning of a line.
        terminalreporter.ensure_newline()
        for line in (*self._found["error"], *self._found["warning"]):
            terminalreporter.line(line)

    def _look(self, item: pytest.Item, report: pytest.TestReport) -> None:
        if report.failed:
            self._add("error", item, report.longreprtext)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._add("warning", item, reason or report.longreprtext)
        elif report.when == "call":
            found = self._active.judgements_of(item)
            if texts := [outcome.sentence(one) for one in found if one.outcome == "inconclusive"]:
                self._add("warning", item, "\n".join(texts))

    def _add(self, weight: Weight, item: pytest.Item, text: str) -> None:
        # What stops one test stops the others, too: it is said at the first.
        if text in self._texts:
            return
        self._texts.add(text)
        properties = {**self._place(item), "title": f"numa: {item.name}"}
        self._found[weight].append(command(weight, text, properties))

    def _place(self, item: pytest.Item) -> dict[str, str]:
        """The file and line of a test of the repository's; nothing of a packaged one."""
        path = item.path.resolve()
        if path.is_relative_to(_PACKAGE) or not path.is_relative_to(self._root):
            return {}
        _, line, _ = item.reportinfo()
        place = {"file": path.relative_to(self._root).as_posix()}
        return place if line is None else {**place, "line": str(line + 1)}


def _is_ours(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return any(map(marks.is_ours, item.iter_markers())) or any(
        name.startswith("numa_") for name in fixtures
    )
