"""Everything that a session writes for people and for CI, in one go."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_numa import settings
from pytest_numa.errors import ReportError
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.report import (
    destination,
    document,
    html_file,
    markdown,
    openmetrics,
    session_json,
)

# GitHub Actions: what is appended to this file is shown on the page of the job.
_SUMMARY = "GITHUB_STEP_SUMMARY"


def check(wanted: settings.Settings) -> None:
    """ReportError where a report could not be made or written; asked before all is measured."""
    _check_apart(wanted)
    markdown.check_writable(wanted.report_path)
    for option, path in (
        ("--numa-json", wanted.json_path),
        ("--numa-openmetrics", wanted.openmetrics_path),
    ):
        if path is not None:
            destination.check(destination.real(path), "", option=option)
    if wanted.html_path is not None:
        html_file.check(wanted.html_path, option="--numa-html")


def _check_apart(wanted: settings.Settings) -> None:
    """Each file has its own path: the later would take the place of the earlier, or of a record."""
    taken: dict[Path, str] = {}
    for option, path in (
        ("--numa-history", wanted.history_path),
        ("--numa-baseline", wanted.baseline_path),
        ("--numa-report", wanted.report_path),
        ("--numa-json", wanted.json_path),
        ("--numa-openmetrics", wanted.openmetrics_path),
        ("--numa-html", wanted.html_path),
    ):
        if path is None:
            continue
        real = destination.real(path)
        if real in taken:
            raise ReportError(
                f"{option} {path}: expected a file of its own, found that of {taken[real]}: "
                f"choose another one with {option} PATH"
            )
        taken[real] = option


def publish(
    wanted: settings.Settings,
    measurement: Measurement,
    judgements: Sequence[Judgement],
    told: Mapping[str, Any],
) -> list[str]:
    """Write all that can be written; returns what could not be, in words.

    ``told`` is the session's document.
    """
    troubles: list[str] = []
    session = document.session(wanted, measurement, judgements)
    try:
        markdown.write(wanted.report_path, session)
    except ReportError as error:
        troubles.append(str(error))
    if wanted.openmetrics_path is not None:
        try:
            openmetrics.write(wanted.openmetrics_path, wanted, measurement, judgements)
        except ReportError as error:
            troubles.append(str(error))
    if wanted.json_path is not None:
        try:
            session_json.write(wanted.json_path, told)
        except ReportError as error:
            troubles.append(str(error))
    if summary := os.environ.get(_SUMMARY):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown.updated(None, session, source=summary))
        except OSError as error:
            troubles.append(f"{_SUMMARY}: {summary} cannot be written: {error.strerror}")
    return troubles


def publish_page(wanted: settings.Settings, told: Mapping[str, Any]) -> list[str]:
    """Write the page, where one is wanted; it shows the history with this session in it."""
    if wanted.html_path is None:
        return []
    sessions = html_file.entries(wanted.history_path)
    try:
        html_file.write(wanted.html_path, told, sessions, option="--numa-html")
    except ReportError as error:
        return [str(error)]
    return []
