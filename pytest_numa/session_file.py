"""Sessions in files, whoever wrote them: the runs of each mode, block by block.

Three kinds of JSON are read: a session (``--numa-json``), a recorded baseline, of which the last
session is meant, and one run (``pytest-numa bench --json``), which is a session of one block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_numa import documents, sealing
from pytest_numa.errors import SessionError
from pytest_numa.load.results import RunResult

SCHEMA = 1
_UNSEALED_SCHEMA = 1
_BASELINE_SCHEMAS = (_UNSEALED_SCHEMA, 2)
KIND = "pytest-numa session"

Blocks = Sequence[Sequence[RunResult]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFile:
    """One session. ``subject`` is what it must have in common with one that it is held against."""

    path: Path
    modes: Mapping[str, Blocks]
    subject: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    when: str = ""
    took_s: float | None = None

    @property
    def block_s(self) -> float | None:
        """What a block took, starts and warm-up included; None where it is not known."""
        blocks = max((len(blocks) for blocks in self.modes.values()), default=0)
        return self.took_s / blocks if self.took_s and blocks else None


def read(path: Path) -> SessionFile:
    """The session in a file; SessionError says what it is instead."""
    expected = "expected a session (--numa-json), a recorded baseline, or a run of bench --json"
    loaded = _loaded(path, expected)
    try:
        return _session(loaded, path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}"
        raise SessionError(f"{path}: {expected}, found something else ({what})") from None


def document(path: Path) -> dict[str, Any]:
    """All that ``--numa-json`` wrote of a session; SessionError where it is no such file."""
    expected = "expected a session (--numa-json)"
    loaded = _loaded(path, expected)
    if not isinstance(loaded, dict) or loaded.get("kind") != KIND:
        raise SessionError(f"{path}: {expected}, found something else")
    # Its runs are those of a session, in a schema that this version knows.
    read(path)
    return loaded


def _loaded(path: Path, expected: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return documents.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SessionError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{path}: {expected}, found no JSON ({error})") from None


def _session(document: Any, path: Path) -> SessionFile:  # noqa: ANN401 - JSON
    if not isinstance(document, dict):
        raise TypeError(f"a {type(document).__name__}")
    if document.get("kind") == KIND:
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']!r}, and this version reads {SCHEMA}")
        modes = {str(mode): _blocks(blocks) for mode, blocks in document["modes"].items()}
        if not modes:
            raise ValueError("a session without runs")
        took_s = document["took_s"]
        own = document
    elif "sessions" in document:
        if document.get("schema") not in _BASELINE_SCHEMAS:
            raise ValueError(f"a baseline of schema {document.get('schema')!r}")
        is_bare = sealing.KEY not in document and document["schema"] != _UNSEALED_SCHEMA
        if is_bare or sealing.is_broken(document):
            raise ValueError("a baseline that was changed after it was written")
        own = document["sessions"][-1]
        modes, took_s = {"pinned": _blocks(own["blocks"])}, None
    else:
        return SessionFile(path=path, modes={"bench": _blocks([[document]])})
    if not (took_s is None or (documents.has_type(took_s, float) and took_s > 0)):
        raise ValueError(f"took_s of {took_s!r}")
    return SessionFile(
        path=path,
        modes=modes,
        subject={str(key): str(value) for key, value in document["subject"].items()},
        versions={str(key): str(value) for key, value in own["versions"].items()},
        when=str(own["when"]),
        took_s=None if took_s is None else float(took_s),
    )


def _blocks(documents: Sequence[Sequence[Any]]) -> Blocks:
    blocks = [[RunResult.from_document(run) for run in block] for block in documents]
    if not blocks or not all(blocks):
        raise ValueError("a session without runs")
    return blocks
