"""Writes the folder: whole or not at all, and never over anything."""

import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pytest_numa import process
from pytest_numa.capture import sources
from pytest_numa.capture.blanking import Blanked, Blanker
from pytest_numa.errors import HostError, PytestNumaError

_MOST_BYTES = 64 * 2**20
_PART_BYTES = 65_536
_CONTROLLERS = (None, "memory", "cpuset", "cpu")
# Files whose text people wrote or chose; all others hold numbers and the kernel's own words.
_ARGV = frozenset({"cmdline"})
_PATHS = frozenset({"mountinfo", "mounts", "maps", "numa_maps", "cgroup", "comm", "version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What was written."""

    files: int
    blanked: tuple[str, ...]
    unreadable: tuple[str, ...]


def write(directory: Path, *, pids: Iterable[int] = (), root: Path = Path("/")) -> Captured:
    """Write the machine below ``root``, and these processes, to a new or an empty ``directory``.

    Reading the pages of a process (numa_maps) holds it up, 10 to 33 ms a GiB of small pages.
    HostError where the directory holds anything or cannot be written.
    """
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise HostError(
                f"{directory}: expected a new or an empty folder, found something in it"
            )
        parent = directory.absolute().parent
        with tempfile.TemporaryDirectory(dir=parent, prefix=".pytest-numa-capture-") as building:
            copy = _Copy(root=root, target=Path(building) / "capture")
            copy.target.mkdir(mode=0o700)
            copy.machine()
            for pid in sorted(set(pids)):
                copy.process(pid)
            found = Captured(
                files=copy.files,
                blanked=tuple(copy.blanked),
                unreadable=tuple(copy.unreadable),
            )
            (copy.target / "CAPTURE.md").write_text(_described(found), encoding="utf-8")
            # An empty folder is replaced in one step.
            copy.target.rename(directory)
    except OSError as error:
        raise HostError(f"{directory}: the capture cannot be written: {error}") from None
    return found


@dataclass(slots=True, kw_only=True)
class _Copy:
    """The copying: what was written, and what was not."""

    root: Path
    target: Path
    files: int = 0
    blanked: dict[str, None] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @property
    def _blanker(self) -> Blanker:
        path = self.root / "proc/sys/kernel/hostname"
        name = path.read_text(errors="replace").strip("\0\n ") if path.is_file() else ""
        return Blanker(hostname=name)

    def machine(self) -> None:
        """Copy what belongs to no process."""
        for pattern in sources.MACHINE:
            for path in sorted(self.root.glob(pattern)):
                self._one(path)

    def process(self, pid: int) -> None:
        """Copy a process with its threads and its cgroups; all of it or, if it ends, nothing."""
        directory = self.root / "proc" / str(pid)
        start = self._start_of(pid)
        for pattern in sources.PROCESS:
            for path in sorted(directory.glob(pattern)):
                self._one(path)
        if start is None or self._start_of(pid) != start:
            shutil.rmtree(self.target / "proc" / str(pid), ignore_errors=True)
            self.unreadable.append(f"process {pid}: it ended while it was read")
            return
        for folder in sorted(set(self._cgroups(pid))):
            for pattern in sources.CGROUP:
                for path in sorted(folder.glob(pattern)):
                    self._one(path)

    def _start_of(self, pid: int) -> int | None:
        try:
            (found,) = process.read_processes([pid], self.root, depth="threads")
        except (PytestNumaError, ValueError):
            return None
        return found.start_time_ticks

    def _cgroups(self, pid: int) -> Iterator[Path]:
        for controller in _CONTROLLERS:
            folder = process.cgroup_directory(pid, self.root, controller=controller)
            if folder is None:
                continue
            whole = process.service_cgroup(pid, self.root, controller=controller) or folder
            yield from (path for path in whole.rglob("*") if path.is_dir())
            yield folder
            base = self.root / "sys/fs/cgroup"
            yield from (path for path in folder.parents if path.is_relative_to(base))

    def _one(self, path: Path) -> None:
        relative = path.relative_to(self.root)
        if (self.target / relative).exists():
            return
        try:
            mode = path.stat().st_mode
            # Some of the kernel's files can only be written.
            if not stat.S_ISREG(mode) or not mode & 0o444:
                return
            content = _content(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self.unreadable.append(f"/{relative}: {error.strerror}")
            return
        copy = self.target / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(self._without_secrets(relative, content))
        self.files += 1

    def _without_secrets(self, relative: Path, content: bytes) -> bytes:
        # What is no UTF-8 keeps its bytes and can still be searched.
        text = content.decode(errors="surrogateescape")
        blanker = self._blanker
        found = Blanked(text=text, what=())
        if relative.name == "hostname":
            found = Blanked(text="host\n", what=("the host's name",))
        elif relative.name in _ARGV:
            by_nul = len(relative.parts) > 2  # noqa: PLR2004 - proc/PID/cmdline, not proc/cmdline
            found = blanker.argv(text) if by_nul else blanker.words(text)
        elif relative.name in _PATHS:
            found = blanker.paths(text)
        if relative.parts[:1] == ("proc",) and relative.name in {"mountinfo", "mounts"}:
            found = _both(found, blanker.words(found.text))
        self.blanked.update(dict.fromkeys(f"/{relative}: {what}" for what in found.what))
        return found.text.encode(errors="surrogateescape")


def _content(path: Path) -> bytes:
    """Read by parts: for some files the kernel sets aside as much memory as is asked for."""
    parts: list[bytes] = []
    with path.open("rb", buffering=0) as file:
        while len(parts) * _PART_BYTES < _MOST_BYTES and (part := file.read(_PART_BYTES)):
            parts.append(part)
    return b"".join(parts)


def _both(first: Blanked, second: Blanked) -> Blanked:
    return Blanked(text=second.text, what=tuple(dict.fromkeys(first.what + second.what)))


def _described(found: Captured) -> str:
    now = datetime.now().astimezone().isoformat(timespec="minutes")
    lines = [
        "# A captured machine",
        "",
        f"Written by pytest-numa on {now}: {found.files} files of /sys and /proc. Read it with",
        "`pytest-numa topology --root DIR` and `pytest-numa placement PID --root DIR`.",
        "",
        "Names of the host and of users, addresses, serial numbers and secrets of command lines",
        "were blanked by rule. Look through the command lines before you give it away:",
        "`grep -r . proc/*/cmdline`.",
        "",
        "## Blanked",
        "",
        *(f"- {line}" for line in found.blanked or ["nothing"]),
        "",
        "## Not readable",
        "",
        *(f"- {line}" for line in found.unreadable or ["nothing"]),
    ]
    return "\n".join(lines) + "\n"
