"""Writes the folder: whole or not at all, and never over anything."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from pytest_numa import process
from pytest_numa.capture import note, sources, texts, tree
from pytest_numa.capture.blanking import Blanker
from pytest_numa.errors import HostError, PytestNumaError
from pytest_numa.kernel import stat

_CONTROLLERS = (None, "memory", "cpuset", "cpu")
# Of what was found in more files than these, one is named.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What was written, and in words what of it was blanked and what could not be read."""

    files: int
    blanked: tuple[str, ...]
    unreadable: tuple[str, ...]


def write(directory: Path, *, pids: Iterable[int] = (), root: Path = Path("/")) -> Captured:
    """Write the machine below ``root``, and services, to a new or an empty ``directory``.

    With each of ``pids`` come its descendants and the others of its service's cgroup. Reading the
    pages of a process (numa_maps) holds it up, 10 to 33 ms a GiB of small pages.
    HostError where the directory holds anything or cannot be written, and below a root of nothing.
    """
    if not any((root / name).is_dir() for name in ("sys", "proc")):
        raise HostError(f"{root}: expected a folder with sys/ or proc/, found neither")
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise HostError(
                f"{directory}: expected a new or an empty folder, found something in it"
            )
        place = directory.resolve()
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".pytest-numa-capture-") as built:
            copy = _Copy(root=root, target=Path(built) / "capture")
            copy.target.mkdir(mode=0o700)
            copy.machine()
            copy.processes(pids)
            found = copy.finish()
            # An empty folder is replaced in one step.
            copy.target.rename(place)
    except OSError as error:
        raise HostError(f"{directory}: the capture cannot be written: {error}") from None
    return found


@dataclass(slots=True, kw_only=True)
class _Copy:
    """The copying: what was written, and what was not."""

    root: Path
    target: Path
    blanker: Blanker = field(init=False)
    sources: dict[PurePath, Path] = field(default_factory=dict)
    """Where each file in the capture, without what is private in its name, came from."""
    pids: list[int] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)
    blanked: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        kernel = self.root / "proc/sys/kernel"
        names = [_name(kernel / "hostname"), _name(kernel / "domainname")]
        if self.root == Path("/"):
            names.append(os.uname().nodename)
        self.blanker = Blanker(tuple(name for name in names if name not in ("", "(none)")))

    def machine(self) -> None:
        """Copy what belongs to no process."""
        for pattern in sources.MACHINE:
            self._all(self.root, pattern)

    def processes(self, pids: Iterable[int]) -> None:
        """Copy the services that these processes belong to."""
        seen: set[int] = set()
        for pid in sorted(set(pids)):
            for one in sorted(self._service(pid) - seen) if pid not in seen else ():
                seen.add(one)
                self._process(one)

    def finish(self) -> Captured:
        """Write CAPTURE.md."""
        blanked = [
            line
            for what, places in self.blanked.items()
            for line in (
                [f"{place}: {what}" for place in places]
                if len(places) <= _MOST_NAMED
                else [f"{what}: in {len(places)} files, such as {places[0]}"]
            )
        ]
        text = note.text(
            files=len(self.sources),
            kernel=_name(self.root / "proc/sys/kernel/osrelease"),
            pids=self.pids,
            blanked=blanked,
            unreadable=self.unreadable,
        )
        (self.target / "CAPTURE.md").write_text(text, encoding="utf-8")
        return Captured(
            files=len(self.sources), blanked=tuple(blanked), unreadable=tuple(self.unreadable)
        )

    def _service(self, pid: int) -> set[int]:
        """A process and those that belong to it, as far as they can be found."""
        try:
            folder = process.service_cgroup(pid, self.root)
            inside = process.pids_in_cgroup(folder) if folder else frozenset[int]()
            # Where we are in it ourselves, as in a CI runner's, it is not the service's alone.
            is_own = self.root != Path("/") or os.getpid() not in inside
            below = process.descendants(pid, self.root)
        except PytestNumaError as error:
            self.unreadable.append(self._said(str(error)))
            return {pid}
        return {pid, *below, *(inside if is_own else ())}

    def _process(self, pid: int) -> None:
        """Copy a process with its threads and its cgroups; all of it or, if it ends, nothing."""
        folder = self.root / "proc" / str(pid)
        start = _start(folder)
        paths = [path for pattern in sources.PROCESS for path in tree.find(folder, pattern)]
        notes: list[str] = []
        found = [(path, self._read(path, notes)) for path in paths]
        if start is None or _start(folder) != start:
            self.unreadable.append(f"process {pid}: it ended while it was read")
            return
        self.unreadable += notes
        for path, content in found:
            self._write(path, content)
        self.pids.append(pid)
        for cgroup in sorted(set(self._cgroups(pid)) - self.folders):
            self.folders.add(cgroup)
            for pattern in sources.CGROUP:
                self._all(cgroup, pattern)

    def _cgroups(self, pid: int) -> Iterator[Path]:
        """The cgroups of a process in all hierarchies, with those below its service's and above."""
        base = self.root / "sys/fs/cgroup"
        for controller in _CONTROLLERS:
            try:
                own = process.cgroup_directory(pid, self.root, controller=controller)
                whole = process.service_cgroup(pid, self.root, controller=controller) or own
            except PytestNumaError as error:
                self.unreadable.append(self._said(str(error)))
                continue
            if own is None or whole is None:
                continue
            yield from (Path(path) for path, _, _ in os.walk(whole))
            yield own
            yield from (path for path in own.parents if path.is_relative_to(base))

    def _all(self, folder: Path, pattern: str) -> None:
        for path in tree.find(folder, pattern):
            self._write(path, self._read(path, self.unreadable))

    def _read(self, path: Path, notes: list[str]) -> bytes | None:
        if self.sources.get(self._named(path)) == path:
            return None
        try:
            found = tree.read(path)
        except OSError as error:
            notes.append(f"{self._shown(path)}: {error.strerror}")
            return None
        if found is None:
            return None
        content, is_cut = found
        if is_cut:
            notes.append(f"{self._shown(path)}: only its first {tree.MOST_BYTES >> 20} MiB")
        return content

    def _write(self, path: Path, content: bytes | None) -> None:
        if content is None:
            return
        named = self._named(path)
        if self.sources.setdefault(named, path) != path:
            self.unreadable.append(f"/{named}: left out one of two that are alike but for a name")
            return
        # What is no UTF-8 keeps its bytes and can still be searched.
        text = content.decode(errors="surrogateescape")
        found = texts.blank(path.relative_to(self.root), text, self.blanker)
        for what in found.what:
            self.blanked.setdefault(_printable(what), []).append(self._shown(path))
        copy = self.target / named
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(found.text.encode(errors="surrogateescape"))

    def _named(self, path: Path) -> PurePath:
        return texts.blank_path(path.relative_to(self.root), self.blanker)

    def _shown(self, path: Path) -> str:
        return _printable(f"/{self._named(path)}")

    def _said(self, message: str) -> str:
        return _printable(self.blanker.people(message).text)


def _start(folder: Path) -> int | None:
    """When a process was started, in ticks since boot: with its id it names it for good."""
    try:
        found = tree.read(folder / "stat")
        text = found[0].decode(errors="surrogateescape") if found else ""
        return stat.parse(text, source=str(folder / "stat")).start_time_ticks
    except (OSError, PytestNumaError):
        return None


def _name(path: Path) -> str:
    try:
        found = tree.read(path)
    except OSError:
        return ""
    return found[0].decode(errors="replace").strip("\0\n ") if found else ""


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
