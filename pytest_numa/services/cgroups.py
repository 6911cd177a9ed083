"""A cgroup for a private manager.

Without one of its own, ``systemd --user`` takes over the cgroup it is started in: in a container's
root cgroup it would move every process there, also those that are none of ours, into a scope
(``manager_setup_cgroup()`` in systemd's src/core/cgroup.c).
"""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pytest_numa.errors import HostError
from pytest_numa.kernel import cgroup, mountinfo
from pytest_numa.kernel.mountinfo import Mount

_SYSTEMD = "name=systemd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One cgroup, as it is seen in each hierarchy.

    ``entered`` are those that systemd reads its own place from: the unified one, and its own of
    version 1. In the others it makes the same path when it needs it.
    """

    entered: tuple[Path, ...]
    everywhere: tuple[Path, ...]


def below_own(name: str, root: Path = Path("/")) -> Group:
    """The cgroup ``name`` below the one that we are in; nothing is made."""
    memberships = cgroup.parse(
        (root / "proc/self/cgroup").read_text(encoding="utf-8"), source="/proc/self/cgroup"
    )
    mounts = [
        mount
        for mount in mountinfo.parse(
            (root / "proc/self/mountinfo").read_text(encoding="utf-8"), source="mountinfo"
        )
        if mount.kind in ("cgroup", "cgroup2")
    ]
    systemds = [mount for mount in mounts if _is_systemds(mount)]
    has_unified = any(mount.kind == "cgroup2" for mount in systemds)
    own = next(
        (
            membership.path
            for membership in memberships
            if (membership.is_unified if has_unified else _SYSTEMD in membership.controllers)
        ),
        None,
    )
    if not systemds or own is None:
        raise HostError(
            "no private systemd manager can be started: no cgroup hierarchy is mounted that "
            "systemd could use (cgroup v2, or name=systemd of v1)"
        )
    path = PurePosixPath(own) / name
    return Group(
        entered=tuple(_folder(mount, path, root) for mount in systemds),
        everywhere=tuple(_folder(mount, path, root) for mount in mounts),
    )


def has_cpuset(manager: str, root: Path = Path("/")) -> bool | None:
    """Whether AllowedCPUs= and AllowedMemoryNodes= can have an effect; None where that is unknown.

    A user's manager has the controller only where user@.service delegates it (Delegate=cpuset).
    """
    if manager == "private":
        return False
    folder = root / "sys/fs/cgroup"
    if manager == "user":
        uid = os.geteuid()
        folder = folder / f"user.slice/user-{uid}.slice/user@{uid}.service"
    try:
        return "cpuset" in (folder / "cgroup.controllers").read_text(encoding="utf-8").split()
    except OSError:
        return None


def make(group: Group) -> None:
    """Make it where it is entered; HostError where the tree may not be written."""
    for folder in group.entered:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise HostError(
                f"no private systemd manager can be started: the cgroup tree cannot be written "
                f"({error}): run as root, or in a container with a writable /sys/fs/cgroup"
            ) from None


def _is_systemds(mount: Mount) -> bool:
    return mount.kind == "cgroup2" or _SYSTEMD in mount.super_options


def _folder(mount: Mount, path: PurePosixPath, root: Path) -> Path:
    inside = path.relative_to(mount.root) if path.is_relative_to(mount.root) else path
    return root / f"{mount.mount_point}/{inside}".lstrip("/")
