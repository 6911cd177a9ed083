"""The history: one line of JSON for each session that measured anything, oldest first.

A line is written at once and synced, under a lock on the file. Half a line that a crash left is
closed off by the next writer and skipped by readers, as is any line that is not ours: nothing that
stands in the file is ever changed.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_numa import documents
from pytest_numa.errors import HistoryError

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One session. ``figures`` has the values of each block by mode and name of the metric.

    ``subject`` is what sessions of one series have in common. ``verdicts`` are for people.
    """

    when: str
    host: str
    subject: Mapping[str, str]
    versions: Mapping[str, str]
    figures: Mapping[str, Mapping[str, Sequence[float]]]
    verdicts: Sequence[Mapping[str, Any]] = ()

    @property
    def line(self) -> str:
        """As it is written, without the end of the line."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was read, and what had to be left out, in words."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def append(path: Path, entry: Entry) -> None:
    """Add a line; HistoryError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _add(descriptor, entry.line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise HistoryError(
            f"history {path} cannot be written: {error.strerror}: mend that, or choose another "
            "file with --numa-history PATH"
        ) from None


def _add(descriptor: int, line: bytes) -> None:
    size_bytes = os.fstat(descriptor).st_size
    is_torn = size_bytes > 0 and os.pread(descriptor, 1, size_bytes - 1) != b"\n"
    text = b"\n" * is_torn + line + b"\n"
    try:
        while text:
            text = text[os.write(descriptor, text) :]
        os.fsync(descriptor)
    except OSError:
        # A full disk took half of it: the other sessions' lines stand as they were.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size_bytes)
        raise


def read(path: Path) -> History:
    """All that can be read; HistoryError without a file."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise HistoryError(
            f"history {path}: {error.strerror}: sessions write it; name another file, or --url"
        ) from None
    entries: list[Entry] = []
    notes: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entries.append(parse(line.decode()))
        except ValueError as error:
            notes.append(f"{path}:{number}: skipped: {error}")
    return History(entries=tuple(entries), notes=tuple(notes))


def parse(line: str) -> Entry:
    """The entry in a line; ValueError says what is wrong with it."""
    try:
        document = documents.parse(line)
    except ValueError as error:
        raise ValueError(f"no whole line of JSON ({error})") from None
    if not isinstance(document, dict) or type(document.get("schema")) is not int:
        raise ValueError("no session of pytest-numa")
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']}, and this version reads {SCHEMA}")
    try:
        return Entry(
            when=str(document["when"]),
            host=str(document["host"]),
            subject=_texts(document["subject"]),
            versions=_texts(document["versions"]),
            figures={
                str(mode): {str(name): _numbers(values) for name, values in figures.items()}
                for mode, figures in document["figures"].items()
            },
            verdicts=tuple(dict(one) for one in document["verdicts"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"damaged ({type(error).__name__}: {error})") from None


def _texts(document: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in document.items()}


def _numbers(values: Sequence[Any]) -> list[float]:
    are_known = bool(values) and all(documents.has_type(value, float) for value in values)
    if not are_known or not min(values) > 0:
        raise ValueError(f"expected numbers above 0, found {str(values)[:60]}")
    return [float(value) for value in values]
