"""The recorded pinned baseline: sessions of runs, per class of host, workload, model and policy.

A file holds one JSON object, ``schema`` 2: ``digest`` (of all else, so that a change by hand is
seen), ``subject`` (what the sessions have in common) and ``sessions``, each with ``when``,
``host``, ``fingerprint`` and ``versions`` (shown, never a reason to refuse) and ``blocks`` of run
documents, perhaps with ``evidence``: what was counted around each of the runs. Schema 1 had no
digest and is still read. The file is written in one step, and one that is not ours is never
overwritten.
"""

import contextlib
import fcntl
import glob
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_numa import documents, sealing
from pytest_numa.errors import BaselineError
from pytest_numa.load.results import RunResult

SCHEMA = 2
_UNSEALED_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What two sessions must have in common to be compared: texts by name."""

    facts: Mapping[str, str]

    @property
    def file_name(self) -> str:
        """A name that is the same for the same subject."""
        text = json.dumps(dict(self.facts), sort_keys=True)
        return f"pinned-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"

    def differences(self, other: "Subject") -> list[str]:
        """A sentence for each fact that differs; ``other`` is what is measured now."""
        names = sorted({*self.facts, *other.facts})
        pairs = ((name, self.facts.get(name), other.facts.get(name)) for name in names)
        return [
            f"{name} was {then or 'not recorded'}, and is {now or 'not known'}"
            for name, then, now in pairs
            if then != now
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """One recorded session: ``blocks`` of runs of the mode `pinned`."""

    when: str
    host: str
    versions: Mapping[str, str]
    blocks: Sequence[Sequence[RunResult]]
    evidence: Sequence[Sequence[Mapping[str, Any]]] = ()
    """What was counted around each run, in the same order; for people. Empty where unknown."""
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    """What the host is: see HostIdentity; for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """All recorded sessions of one subject, oldest first."""

    subject: Subject
    sessions: tuple[RecordedSession, ...] = ()


def locate(path: Path, subject: Subject) -> Path:
    """The file of a subject: ``path`` itself when it is a .json file, else one in that folder."""
    return path if path.suffix == ".json" else path / subject.file_name


def load(path: Path, subject: Subject) -> Baseline | None:
    """The baseline in ``path``; None without one; BaselineError for another class or a bad file."""
    try:
        if path.exists() and not path.is_file():
            raise BaselineError(f"baseline {path} cannot be read: expected a regular file")
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"baseline {path} cannot be read: {error}") from None
    baseline = _parsed(text, path)
    differences = baseline.subject.differences(subject)
    if differences:
        raise BaselineError(
            f"baseline {path} belongs to something else: {'; '.join(differences)}. Compare with a "
            "baseline of this class, or record one: --numa-record with another --numa-baseline"
        )
    return baseline


def append(
    path: Path, subject: Subject, session: RecordedSession, *, is_anew: bool = False
) -> Baseline:
    """Add a session to the file, in one step and under a lock; returns what it holds now.

    ``is_anew`` begins a new file; the old one, whatever it holds, is kept as NAME.1, NAME.2, …
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent):
            known = None if is_anew else load(path, subject)
            sessions = (*known.sessions, session) if known else (session,)
            grown = Baseline(subject=subject, sessions=sessions)
            if is_anew and path.exists():
                _keep(path)
            _write(path, json.dumps(_document(grown), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise BaselineError(f"baseline {path} cannot be written: {error}") from None
    return grown


def check_writable(path: Path) -> None:
    """BaselineError where `append` would fail: to be asked before minutes are measured."""
    path = Path(os.path.realpath(path))
    folder = path
    try:
        folder = next(parent for parent in path.parents if parent.exists())
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BaselineError(
            f"baseline {path} cannot be written: {folder}: {error.strerror}: mend that, or choose "
            "another place with --numa-baseline PATH"
        ) from None


def _keep(path: Path) -> None:
    numbers = (path.with_name(f"{path.name}.{number}") for number in itertools.count(1))
    # A second name, and not a new one: at no moment is there no baseline.
    os.link(path, next(name for name in numbers if not name.exists()))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # The folder itself is locked: a lock file would be left behind, or raced for.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    prefix = f".{path.name}-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):
        # Of a session that was killed here: whoever lives, waits for the lock.
        left.unlink(missing_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=prefix)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk only once its folder is (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _document(baseline: Baseline) -> dict[str, object]:
    return sealing.sealed(
        {
            "schema": SCHEMA,
            "subject": dict(baseline.subject.facts),
            "sessions": [_session_document(session) for session in baseline.sessions],
        }
    )


def _session_document(session: RecordedSession) -> dict[str, object]:
    return {
        "when": session.when,
        "host": session.host,
        "fingerprint": dict(session.fingerprint),
        "versions": dict(session.versions),
        "blocks": [[run.as_document() for run in block] for block in session.blocks],
        # Beside the runs: readers before this key knew of none inside them.
        **({"evidence": session.evidence} if session.evidence else {}),
    }


def _parsed(text: str, path: Path) -> Baseline:
    keep = "it is left as it is; --numa-record=replace keeps it beside a new one"
    try:
        document = documents.parse(text)
    except ValueError as error:
        raise BaselineError(f"baseline {path} is no JSON ({error}): {keep}") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    schema = schema if type(schema) is int else None
    if schema is not None and schema > SCHEMA:
        raise BaselineError(
            f"baseline {path} has schema {schema}; this version reads {SCHEMA}: update pytest-numa"
        )
    if schema not in (_UNSEALED_SCHEMA, SCHEMA):
        raise BaselineError(f'baseline {path}: expected "schema": {SCHEMA}, found none: {keep}')
    if sealing.is_broken(document) or (schema == SCHEMA and sealing.KEY not in document):
        raise BaselineError(
            f"baseline {path} was changed after it was written: its digest is not that of its "
            f"content, so its figures prove nothing; {keep}"
        )
    try:
        facts = _typed(document["subject"], Mapping[str, str], "subject")
        return Baseline(subject=Subject(facts=facts), sessions=_sessions(document["sessions"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BaselineError(
            f"baseline {path} is damaged ({type(error).__name__}: {error}): {keep}"
        ) from None


def _sessions(found: Any) -> tuple[RecordedSession, ...]:  # noqa: ANN401 - JSON
    if not found:
        raise ValueError("no session")
    return tuple(_session(one) for one in found)


def _session(document: Any) -> RecordedSession:  # noqa: ANN401 - JSON
    blocks = [[RunResult.from_document(run) for run in block] for block in document["blocks"]]
    if not blocks or not all(blocks):
        raise ValueError("a session without runs")
    evidence = tuple([dict(run) for run in block] for block in document.get("evidence", ()))
    if evidence and list(map(len, evidence)) != list(map(len, blocks)):
        raise ValueError("evidence of other runs")
    return RecordedSession(
        when=_typed(document["when"], str, "when"),
        host=_typed(document["host"], str, "host"),
        versions=_typed(document["versions"], Mapping[str, str], "versions"),
        blocks=blocks,
        fingerprint=_typed(document.get("fingerprint", {}), Mapping[str, Any], "fingerprint"),
        evidence=evidence,
    )


def _typed(value: Any, kind: Any, name: str) -> Any:  # noqa: ANN401 - JSON, and a form of typing
    if not documents.has_type(value, kind):
        raise TypeError(f"{name}: found {str(value)[:40]!r}")
    return value
