"""A systemd of our own: ``systemd --user`` as a child process, where none is process 1.

All it checks is that /run/systemd/system exists, so a mount namespace with an empty tmpfs there is
enough. Units, restarts, CPUAffinity= and NUMAPolicy= work as on a server; the cpuset controller is
usually not delegated, so AllowedCPUs= and AllowedMemoryNodes= have no effect.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from pytest_numa.errors import HostError
from pytest_numa.services import cgroups, systemctl, undo

_START_S = 20.0
_SYSTEMD = ("/lib/systemd/systemd", "/usr/lib/systemd/systemd")
_NAMESPACE = """\
for group in "$@"; do echo $$ >"$group/cgroup.procs" || exit; done
mkdir -p /run/systemd && mount -t tmpfs -o mode=755 tmpfs /run/systemd \
&& mkdir /run/systemd/system \
&& exec "$0" --user --log-target=console --log-level=notice"""

# No unit of the host's is loaded: none of its sockets and timers start beside the service.
_TARGETS = {
    "default.target": "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n",
    "basic.target": "[Unit]\nDescription=Basic System\n",
    "shutdown.target": "[Unit]\nDefaultDependencies=no\nRefuseManualStart=yes\n",
    "exit.target": "[Unit]\nDefaultDependencies=no\nRequires=systemd-exit.service\n"
    "After=systemd-exit.service\nAllowIsolate=yes\n",
    "systemd-exit.service": "[Unit]\nDefaultDependencies=no\nRequires=shutdown.target\n"
    "After=shutdown.target\nSuccessAction=exit-force\n[Service]\nType=oneshot\n"
    "ExecStart=/bin/true\nSlice=-.slice\n",
}


def missing() -> str | None:
    """What this host lacks for a private manager, or None."""
    tools = [tool for tool in ("unshare", "setpriv", "systemctl") if not shutil.which(tool)]
    if _systemd() is None:
        tools.append("systemd")
    return f"install the package of: {', '.join(tools)}" if tools else None


def _systemd() -> str | None:
    return next((path for path in _SYSTEMD if os.access(path, os.X_OK)), None)


def manager_argv(systemd: str, *, groups: Sequence[Path], is_root: bool) -> list[str]:
    """The command line; pure. It enters the cgroups, and ends with its parent, killed or not."""
    rootless = [] if is_root else ["--user", "--map-root-user"]
    return [
        *("setpriv", "--pdeathsig", "TERM", "--"),
        *("unshare", *rootless, "--mount", "--propagation", "private", "--"),
        *("sh", "-c", _NAMESPACE, systemd, *map(str, groups)),
    ]


@contextlib.contextmanager
def running(footprint: undo.Footprint, environment: Mapping[str, str]) -> Iterator[systemctl.Scope]:
    """Run a private manager for the length of the block, with ``environment`` and no other."""
    lacking, systemd = missing(), _systemd()
    if lacking or systemd is None:
        raise HostError(f"no private systemd manager can be started: {lacking}")
    scope = _prepared(footprint.folder)
    group = cgroups.below_own(f"pytest-numa-{footprint.folder.name}")
    for path in group.everywhere:
        footprint.note_cgroup(path)
    cgroups.make(group)
    log_path = footprint.folder / "manager.log"
    with log_path.open("wb") as log:
        child = subprocess.Popen(
            manager_argv(systemd, groups=group.entered, is_root=os.geteuid() == 0),
            env={**environment, **scope.environment, undo.SESSION_VARIABLE: footprint.name},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_up(scope, child, log_path)
        yield replace(scope, process=psutil.Process(child.pid))
    finally:
        with contextlib.suppress(HostError):
            systemctl.run(scope, "exit")
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _prepared(folder: Path) -> systemctl.Scope:
    scope = systemctl.Scope(
        manager="private",
        # Where a user's manager looks, too.
        unit_folder=folder / "config/systemd/user",
        runtime_folder=folder / "run",
        config_folder=folder / "config",
    )
    for path in (folder / "run", scope.unit_folder):
        path.mkdir(mode=0o700, parents=True)
    for name, text in _TARGETS.items():
        (scope.unit_folder / name).write_text(text, encoding="utf-8")
    return scope


def _wait_until_up(scope: systemctl.Scope, child: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and child.poll() is None:
        if systemctl.run(scope, "is-active", "default.target").stdout.strip() == "active":
            return
        time.sleep(0.02)
    log = log_path.read_text(encoding="utf-8", errors="replace").strip()
    raise HostError(
        "the private systemd manager did not come up. It needs a mount namespace (root, or user "
        "namespaces for everybody) and a cgroup tree that it may write to; it said:\n"
        f"{log[-2000:] or '(nothing)'}"
    )
