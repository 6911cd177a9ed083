"""The one room that runs systemctl and journalctl."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from pytest_numa.errors import HostError, ServiceError

# Longer than systemd lets a service take to start or to stop (90 s, unless the unit says more).
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which systemd instance is meant, and where its unit files lie.

    ``runtime_folder`` and ``config_folder`` are set for a private instance only: its client must
    look where the manager looks. ``process`` is that instance.
    """

    manager: str
    unit_folder: Path
    runtime_folder: Path | None = None
    config_folder: Path | None = None
    process: psutil.Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a client of this instance needs in its environment."""
        if self.runtime_folder is None or self.config_folder is None:
            return {}
        return {
            "XDG_RUNTIME_DIR": str(self.runtime_folder),
            "XDG_CONFIG_HOME": str(self.config_folder),
            "SYSTEMD_UNIT_PATH": str(self.unit_folder),
        }

    @property
    def state_folder(self) -> Path:
        """Where it is noted what we have installed; it outlives a reboot as the units do."""
        if self.manager == "private":
            return self.unit_folder.with_name("state")
        if self.manager == "system":
            return Path("/var/lib/pytest-numa")
        home = os.environ.get("XDG_STATE_HOME")
        return Path(home or Path.home() / ".local/state", "pytest-numa")

    @property
    def flags(self) -> tuple[str, ...]:
        """What tells a client of systemd which instance is meant."""
        return () if self.manager == "system" else ("--user",)


def scope_of(manager: str) -> Scope:
    """The instance ``system`` or ``user``, which runs without us."""
    folder = Path("/etc/systemd/system")
    if manager == "user":
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        folder = Path(config, "systemd/user")
    return Scope(manager=manager, unit_folder=folder)


def systemctl_argv(scope: Scope, *words: str) -> list[str]:
    """The command line; pure."""
    return ["systemctl", *scope.flags, "--no-pager", "--no-ask-password", *words]


def run(scope: Scope, *words: str) -> subprocess.CompletedProcess[str]:
    """Run systemctl; the caller looks at the status."""
    return _run(systemctl_argv(scope, *words), scope)


def must(scope: Scope, *words: str) -> str:
    """Run systemctl and return its output; ServiceError with argv, status and text on failure."""
    return _text(run(scope, *words), scope)


def _text(done: subprocess.CompletedProcess[str], scope: Scope) -> str:
    if done.returncode != 0:
        raise ServiceError(
            f"{' '.join(done.args)} ended with status {done.returncode}: "
            f"{(done.stderr or done.stdout).strip()}{_gone(scope)}"
        )
    return done.stdout


def _gone(scope: Scope) -> str:
    """What to say where a private manager has ended: all its services have ended with it."""
    process = scope.process
    if process is None or (process.is_running() and process.status() != psutil.STATUS_ZOMBIE):
        return ""
    return (
        "\nThe private systemd manager of this session has ended, and its services with it. "
        "Something else on this host has stopped it (SIGTERM, or the kernel for want of memory): "
        "run the same command again; --numa-resume keeps the finished blocks"
    )


def show(scope: Scope, unit: str, *properties: str) -> dict[str, str]:
    """Properties of a unit as systemd states them; absent ones are empty."""
    argv = ("show", f"--property={','.join(properties)}", "--", unit)
    done = run(scope, *argv)
    # CPUAffinity=numa with a node that is not there: systemd 252 answers nothing about such a unit.
    if done.returncode != 0 and "Failed to get properties" in done.stderr:
        return dict.fromkeys(properties, "") | _listed(scope, unit, properties)
    pairs = (line.partition("=") for line in _text(done, scope).splitlines())
    return dict.fromkeys(properties, "") | {key: value for key, _, value in pairs}


def _listed(scope: Scope, unit: str, properties: tuple[str, ...]) -> dict[str, str]:
    """What the list of units has of it."""
    text = must(scope, "list-units", "--all", "--full", "--plain", "--no-legend", "--", unit)
    states = text.split()[1:4]
    found = dict(zip(("LoadState", "ActiveState", "SubState"), states, strict=False))
    return {key: value for key, value in found.items() if key in properties}


def journal(scope: Scope, unit: str, *, lines: int) -> str:
    """The last lines of a unit's journal since its last start, or why there are none."""
    try:
        start = show(scope, unit, "InvocationID")["InvocationID"]
        # What the service wrote, and what systemd wrote of it.
        by_systemd = f"{'' if scope.manager == 'system' else 'USER_'}INVOCATION_ID={start}"
        matches = (f"_SYSTEMD_INVOCATION_ID={start}", "+", by_systemd)
        flags = ("--no-pager", "--output=cat", f"--lines={lines}")
        done = _run(["journalctl", *scope.flags, *flags, *matches], scope)
    except (HostError, ServiceError) as error:
        return f"(no journal: {error})"
    return done.stdout.strip() or f"(no journal: {done.stderr.strip()})"


def _run(argv: list[str], scope: Scope) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **scope.environment, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    if shutil.which(argv[0]) is None:
        raise HostError(f"{argv[0]} is not installed: install the package systemd")
    try:
        done = subprocess.run(
            # Were we killed, a client that lives on would act after what undoes this.
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise HostError("setpriv is not installed: install the package util-linux") from None
    except subprocess.TimeoutExpired:
        raise ServiceError(f"{' '.join(argv)} did not end within {_TIMEOUT_S:.0f} s") from None
    return subprocess.CompletedProcess(argv, done.returncode, done.stdout, done.stderr)
