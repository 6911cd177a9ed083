"""On which mount of a process a path lies: whether it is a tmpfs, and with which memory policy.

Sources: proc_pid_mountinfo(5); the kernel's Documentation/filesystems/tmpfs.rst for ``mpol=``.
"""

from functools import cached_property
from pathlib import Path, PurePosixPath

from pytest_numa.errors import ParseError
from pytest_numa.kernel import mountinfo
from pytest_numa.kernel.mountinfo import Mount
from pytest_numa.process import files


class Mounts:
    """The mounts that a process sees; read when first asked for."""

    def __init__(self, directory: Path) -> None:
        self._source = directory / "mountinfo"

    def is_tmpfs(self, path: str) -> bool:
        """Whether the path lies on a tmpfs; not where that could not be read."""
        mount = self.of(path)
        return mount is not None and mount.kind == "tmpfs"

    def policy(self, path: str) -> str | None:
        """The memory policy that the mount of the path was given, as ``bind:0``."""
        mount = self.of(path)
        options = mount.super_options if mount else frozenset[str]()
        found = [word for word in options if word.startswith("mpol=")]
        return found[0].removeprefix("mpol=") if found else None

    def of(self, path: str) -> Mount | None:
        """The mount of a path: of those above it the nearest, and of these the last."""
        for folder in PurePosixPath(path).parents:
            if mount := self._by_point.get(str(folder)):
                return mount
        return None

    @cached_property
    def _by_point(self) -> dict[str, Mount]:
        try:
            found = mountinfo.parse(files.read(self._source) or "", source=str(self._source))
        except (OSError, ParseError):
            return {}
        return {mount.mount_point: mount for mount in found}
