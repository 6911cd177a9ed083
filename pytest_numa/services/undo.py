"""All that a session leaves on the machine, and the one place that takes it away again.

Each session has a folder under the state directory. What it is about to change is noted there
first, so that after a crash or ``kill -9`` the next session can undo it; what it changes of units
is in the journal, which outlives a reboot as they do. Processes carry the session's name in their
environment, and are found by it wherever they went.
"""

import contextlib
import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

from pytest_numa.errors import HostError
from pytest_numa.services import installation, systemctl

SESSION_VARIABLE = "PYTEST_NUMA_SESSION"
_GRACE_S = 25.0
_TRIES = 100


def state_folder() -> Path:
    """Where sessions are noted: /run for root, else the user's run-time directory.

    Its path is short, since it holds sockets, and for root not under /tmp, which PrivateTmp= hides.
    """
    if os.geteuid() == 0:
        return Path("/run/pytest-numa")
    run_time = os.environ.get("XDG_RUNTIME_DIR")
    # Anybody may have made this one: _check_own().
    return Path(run_time, "pytest-numa") if run_time else Path(f"/tmp/pytest-numa-{os.geteuid()}")  # noqa: S108


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One session's folder and the notes in it."""

    folder: Path
    problems: tuple[str, ...] = ()
    """What others have left and could not be undone, in words."""

    @property
    def name(self) -> str:
        """What the session's processes carry in PYTEST_NUMA_SESSION."""
        return str(self.folder)

    @property
    def _notes(self) -> Path:
        return self.folder / "notes.jsonl"

    def note_cgroup(self, path: Path) -> None:
        """Note a cgroup that does not exist yet and that a private manager will make."""
        self._note({"cgroup": str(path)})

    def undo(self) -> None:
        """Take away all that was noted; harmless when it is gone already."""
        notes = self._read()
        end_processes(self.name)
        for note in reversed(notes):
            if "cgroup" in note:
                _remove_empty_cgroups(Path(note["cgroup"]))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self, note: dict[str, str]) -> None:
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> list[dict[str, str]]:
        try:
            lines = self._notes.read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        notes: list[dict[str, str]] = []
        for line in lines:
            # The last line may be cut off; what it would have named was not done yet.
            with contextlib.suppress(ValueError):
                notes.append(json.loads(line))
        return notes


@contextlib.contextmanager
def footprint() -> Iterator[Footprint]:
    """Hold this host for one session; undo what dead sessions left, and at the end our own."""
    folder = state_folder()
    with _locked(folder):
        for dead in sorted(path for path in folder.iterdir() if path.is_dir()):
            Footprint(folder=dead).undo()
        problems = [text for scope in _lasting_scopes() for text in installation.recover(scope)]
        own = Footprint(
            folder=folder / f"{os.getpid()}-{time.time_ns():x}", problems=tuple(problems)
        )
        own.folder.mkdir(mode=0o700)
        try:
            yield own
        finally:
            own.undo()


def _lasting_scopes() -> list[systemctl.Scope]:
    names = ("system", "user") if os.geteuid() == 0 else ("user",)
    return [systemctl.scope_of(name) for name in names]


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    path = folder / "lock"
    with _lock_of(folder, path) as lock:
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()


def _lock_of(folder: Path, path: Path) -> TextIO:
    """The file that a session holds as long as it measures, locked."""
    for _ in range(_TRIES):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_own(folder)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            # The session before has just taken the folder away.
            continue
        except OSError as error:
            raise HostError(f"the state of a session cannot be kept in {folder}: {error}") from None
        lock = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with lock:
                holder = lock.read().strip()
            raise HostError(
                f"another session of pytest-numa measures on this host (PID {holder}, "
                f"lock {path}): wait until it has ended"
            ) from None
        if _is_at(lock, path):
            return lock
        # Locked, but the session before has removed it: whoever comes would lock another one.
        lock.close()
    raise HostError(f"the state of a session cannot be kept in {folder}: it does not stay there")


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except OSError:
        return False


def _check_own(folder: Path) -> None:
    """Refuse a folder that somebody else has put there: what it notes would be undone by us."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise HostError(
            f"{folder}: expected a folder that is ours alone, found mode "
            f"{stat.filemode(found.st_mode)} of user {found.st_uid}: remove it"
        )


def end_processes(session_name: str) -> None:
    """End every process that carries the session's name: SIGTERM, and SIGKILL after a while."""
    found = [process for process in psutil.process_iter() if _carries(process, session_name)]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=_GRACE_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=_GRACE_S)


def _carries(process: psutil.Process, session_name: str) -> bool:
    try:
        return process.environ().get(SESSION_VARIABLE) == session_name
    except (psutil.Error, OSError):
        return False


def _remove_empty_cgroups(path: Path) -> None:
    """Remove a cgroup and its children; one that still holds a process stays."""
    folders = sorted((child for child in path.rglob("*") if child.is_dir()), reverse=True)
    for folder in [*folders, path]:
        with contextlib.suppress(OSError):
            folder.rmdir()
