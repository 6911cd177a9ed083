"""The page of a session as a file: ``--numa-html``, ``pytest-numa report --html``."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_numa import history
from pytest_numa.errors import HistoryError, ReportError
from pytest_numa.history import Entry
from pytest_numa.report import destination


def check(path: Path, *, option: str) -> None:
    """ReportError where the page could not be made or written; asked before all is measured."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ReportError(
            f"{option}: expected matplotlib, which draws the plots, found none: "
            "pip install 'pytest-numa[html]'"
        )
    destination.check(destination.real(path), "", option=option)


def entries(path: Path) -> tuple[Entry, ...]:
    """What the history has; nothing where there is none."""
    try:
        return history.read(path).entries
    except HistoryError:
        return ()


def write(
    path: Path, document: Mapping[str, Any], sessions: Sequence[Entry], *, option: str
) -> None:
    """Write the page in one step; ReportError where it cannot be."""
    from pytest_numa.report.html import page  # noqa: PLC0415 - takes long, and may not be there

    real = destination.real(path)
    try:
        text = page.page(document, sessions)
    except Exception as error:
        # A session's other reports stand, and a saved document may be damaged in any way.
        raise ReportError(
            f"page {path} cannot be drawn ({type(error).__name__}: {error}): expected a document "
            "that --numa-json wrote, or could have; where it is whole, this is a fault of ours"
        ) from error
    with destination.locked(real, option=option):
        destination.replace(real, text, option=option)
