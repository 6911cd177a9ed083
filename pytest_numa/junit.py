"""Properties for JUnit files: the figures are the suite's, the verdicts those of their tests.

Of a suite the schemas of JUnit allow properties; of a test CI systems read them nevertheless, or
pass over them.
"""

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Protocol

import pytest

from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.report import figures


class Measured(Protocol):
    """The session that is told of."""

    @property
    def measurement(self) -> Measurement | None:
        """What was measured, once it has been."""

    def judgements_of(self, item: pytest.Item) -> Sequence[Judgement]:
        """What came of a test's figures; nothing before they were measured."""


_Record = Callable[[str, object], None]
_RECORD = pytest.StashKey[_Record]()


# Of this module, which is a plugin for it: a method could not be a fixture of the session.
@pytest.fixture(scope="session", autouse=True)
def _numa_suite_properties(request: pytest.FixtureRequest) -> None:
    # Not there with -p no:junitxml.
    with contextlib.suppress(pytest.FixtureLookupError):
        request.config.stash[_RECORD] = request.getfixturevalue("record_testsuite_property")


class Properties:
    """Records the figures once, and each test's verdicts with the test."""

    def __init__(self, active: Measured) -> None:
        self._active = active
        self._are_figures_told = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            item.user_properties += figures.verdict_properties(self._active.judgements_of(item))
            self._tell_figures(item.config.stash.get(_RECORD, None))

    def _tell_figures(self, record: _Record | None) -> None:
        measurement = self._active.measurement
        if self._are_figures_told or record is None or measurement is None:
            return
        findings = {str(one) for run in measurement.runs("systemd") for one in run.findings}
        for name, value in figures.properties(measurement):
            record(name, value)
        record("numa.placement_findings", len(findings))
        self._are_figures_told = True
