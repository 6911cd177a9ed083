"""Everything that a session writes for people and for CI, in one go."""

import os
from collections.abc import Sequence
from pathlib import Path

from pytest_numa import settings
from pytest_numa.errors import ReportError
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.report import document, markdown, openmetrics, session_document, session_json

# GitHub Actions: what is appended to this file is shown on the page of the job.
_SUMMARY = "GITHUB_STEP_SUMMARY"


def publish(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> list[str]:
    """Write all that can be written; returns what could not be, in words."""
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
            told = session_document.document(wanted, measurement, judgements)
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
