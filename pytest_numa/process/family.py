"""Which processes belong together: by descent, and by cgroup."""

import errno
import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from pytest_numa.errors import HostError
from pytest_numa.kernel import cgroup, mountinfo
from pytest_numa.kernel.cgroup import Membership
from pytest_numa.kernel.mountinfo import Mount
from pytest_numa.kernel.stat import Stat
from pytest_numa.process import files

_SYSTEMD = "name=systemd"
# A unit's cgroup, or a container's as Docker, Podman and Kubernetes name them.
_OF_A_SERVICE = re.compile(
    r".+\.service|(?:docker|libpod|crio|cri-containerd|nerdctl)-.+\.scope|[0-9a-f]{64}"
)
# For a capture that has cgroups and not where they were mounted.
_USUAL_MOUNTS = (
    Mount(root="/", mount_point="/sys/fs/cgroup", kind="cgroup2", super_options=frozenset()),
)


def all_pids(root: Path = Path("/")) -> frozenset[int]:
    """Find all processes that /proc shows."""
    return frozenset(int(directory.name) for directory in files.numbered(root / "proc"))


def descendants(pid: int, root: Path = Path("/")) -> frozenset[int]:
    """Find the children of a process, their children, and so on; without the process itself.

    A process that has lost its parent (a daemon) is nobody's child here; its cgroup still has it.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for directory in files.numbered(root / "proc"):
        facts = _stat_if_readable(directory / "stat")
        if facts is not None:
            children[facts.ppid].append(facts.pid)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        new = set(children[waiting.pop()]) - found - {pid}
        found |= new
        waiting += new
    return frozenset(found)


def cgroup_directory(
    pid: int, root: Path = Path("/"), *, controller: str | None = None
) -> Path | None:
    """Find the directory of a process's cgroup.

    Without ``controller`` the hierarchy in which systemd keeps its units: the unified one, on
    hybrid hosts too, else its own of version 1. With one, the hierarchy that has this controller,
    as ``memory``. None where the process has ended, where the hierarchy is not mounted in sight,
    and where the process is in the root cgroup, which says nothing about what belongs together.
    """
    source = root / "proc" / str(pid) / "cgroup"
    memberships = cgroup.parse(_read(source), source=str(source))
    mounts_source = root / "proc/self/mountinfo"
    mounts = (
        mountinfo.parse(_read(mounts_source), source=str(mounts_source))
        if mounts_source.exists()
        else _USUAL_MOUNTS
    )
    for membership in _preferred(memberships, controller):
        for mount in mounts:
            directory = _directory(membership, mount)
            if directory is not None:
                return root / directory.lstrip("/")
    return None


def service_cgroup(
    pid: int, root: Path = Path("/"), *, controller: str | None = None
) -> Path | None:
    """Find the cgroup of the unit or container that a process belongs to.

    It may be above the process's own, where the service divides it (Delegate=). None for a process
    of a login session and the like: what else is in such a cgroup is no part of the service.
    """
    directory = cgroup_directory(pid, root, controller=controller)
    while directory is not None and directory.parent not in (directory, root):
        if _OF_A_SERVICE.fullmatch(directory.name):
            return directory
        directory = directory.parent
    return None


def pids_in_cgroup(directory: Path) -> frozenset[int]:
    """Find the processes in a cgroup and in those below it; none where it is gone.

    Processes outside the reader's pid namespace are left out: the kernel shows them as 0.
    """
    found: set[int] = set()
    # Not glob(), which fails where a cgroup is removed meanwhile.
    for folder, _, _ in os.walk(directory):
        found |= members(Path(folder))
    return frozenset(found)


def members(directory: Path) -> frozenset[int]:
    """Find the processes of one cgroup alone; the kernel shows those of other namespaces as 0."""
    return frozenset(map(int, _read(directory / "cgroup.procs").split())) - {0}


def _preferred(memberships: tuple[Membership, ...], controller: str | None) -> list[Membership]:
    unified = [membership for membership in memberships if membership.is_unified]
    wanted = _SYSTEMD if controller is None else controller
    named = [membership for membership in memberships if wanted in membership.controllers]
    # A controller is in one hierarchy; on hybrid hosts it is mostly one of version 1.
    return unified + named if controller is None else named or unified


def _directory(membership: Membership, mount: Mount) -> str | None:
    """Tell where a mount shows the cgroup, or None where it shows another hierarchy or part."""
    is_same = (
        mount.kind == "cgroup2"
        if membership.is_unified
        else mount.kind == "cgroup" and membership.controllers <= mount.super_options
    )
    path = PurePosixPath(membership.path)
    # A path that leads up is outside our cgroup namespace.
    if not is_same or path == PurePosixPath("/") or ".." in path.parts:
        return None
    if not path.is_relative_to(mount.root):
        return None
    return str(mount.mount_point / path.relative_to(mount.root))


def _stat_if_readable(path: Path) -> Stat | None:
    try:
        return files.read_stat(path)
    except HostError:
        # Another user's process, where /proc hides them: no child of a service of ours.
        return None


def _read(path: Path) -> str:
    try:
        return files.read(path) or ""
    except OSError as error:
        # The cgroup is being removed, or is threaded: its processes stand in one above it.
        if error.errno in {errno.ENODEV, errno.EOPNOTSUPP}:
            return ""
        raise HostError(f"{path}: expected to read it, found: {error.strerror}") from None
