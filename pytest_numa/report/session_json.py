"""The session's document as a JSON file, for programs and for later reports."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_numa.report import destination

_OPTION = "--numa-json"


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write the file in one step; ReportError where it cannot be."""
    real = destination.real(path)
    with destination.locked(real, option=_OPTION):
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        destination.replace(real, f"{text}\n", option=_OPTION)
