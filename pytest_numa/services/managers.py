"""Which systemd instance runs the unit, and why that one."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.errors import HostError
from pytest_numa.services import cgroups, direct, private, systemctl, undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The manager that was taken; ``reason`` is for the header."""

    name: str
    reason: str

    @property
    def has_cpuset(self) -> bool:
        """Whether AllowedCPUs= and AllowedMemoryNodes= can have an effect under this manager."""
        return cgroups.has_cpuset(self.name) is True


def choose(wanted: str, root: Path = Path("/")) -> Choice:
    """The wanted manager, or for ``auto`` the sturdiest that can be had here."""
    booted = (root / "run/systemd/system").is_dir()
    is_root = os.geteuid() == 0
    if wanted != "auto":
        _check(wanted, booted=booted, is_root=is_root)
        return Choice(name=wanted, reason="asked for")
    if booted and is_root:
        return Choice(name="system", reason="systemd is process 1 and we are root")
    if booted and os.environ.get("XDG_RUNTIME_DIR"):
        return Choice(name="user", reason="systemd is process 1 and we are not root")
    why = "no user session of systemd" if booted else "systemd is not process 1 here"
    _check("private", booted=booted, is_root=is_root)
    return Choice(name="private", reason=why)


def _check(wanted: str, *, booted: bool, is_root: bool) -> None:
    if wanted == "private":
        lacking = private.missing()
        if lacking:
            raise HostError(f"the manager `private` cannot be had: {lacking}")
        return
    if not booted:
        raise HostError(
            f"the manager `{wanted}` needs a host booted with systemd, which has a folder "
            "/run/systemd/system; this one has none: use --numa-manager private"
        )
    if wanted == "system" and not is_root:
        raise HostError("the manager `system` needs root: use sudo, or --numa-manager user")


@contextlib.contextmanager
def running(choice: Choice, footprint: undo.Footprint) -> Iterator[systemctl.Scope]:
    """The instance, for the length of the block."""
    if choice.name == "private":
        with private.running(footprint, direct.plain_environment()) as scope:
            yield scope
        return
    yield systemctl.scope_of(choice.name)


def check_lasting(scope: systemctl.Scope) -> None:
    """HostError where the instance ``system`` or ``user`` cannot have units installed by us."""
    if scope.manager == "system" and os.geteuid() != 0:
        raise HostError("to install units for the whole host needs root: use sudo, or --user")
    done = systemctl.run(scope, "show", "--property=Version")
    if done.returncode != 0:
        raise HostError(
            f"the manager `{scope.manager}` does not answer ({done.stderr.strip()}): units are "
            "installed on a host that was booted with systemd; elsewhere, as in a container, "
            "`pytest --numa-manager private` runs them without"
        )


def notes(scope: systemctl.Scope) -> list[str]:
    """What a unit that is installed for good under this manager does not get, in words."""
    if scope.manager != "user":
        return []
    user = pwd.getpwuid(os.geteuid()).pw_name
    found = []
    if not Path("/var/lib/systemd/linger", user).exists():
        found.append(
            "a user's service ends when the user logs out, and starts at a login: for one that "
            f"runs from boot on, type loginctl enable-linger {user}"
        )
    if not cgroups.has_cpuset("user"):
        found.append(
            "AllowedCPUs= and AllowedMemoryNodes= have no effect here: the cpuset controller is "
            "not delegated to this user; CPUAffinity=, NUMAPolicy= and NUMAMask= hold the policy, "
            "which the service itself may widen. For a cpuset, as root: systemctl edit "
            f"user@.service, [Service] Delegate=cpuset, systemctl restart user@{os.geteuid()}"
        )
    return found
