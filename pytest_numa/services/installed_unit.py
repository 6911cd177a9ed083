"""A unit that stands installed under a manager: started, asked, stopped."""

import contextlib
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.errors import ServiceError
from pytest_numa.services import log_text, systemctl
from pytest_numa.services.unit import Unit

_STATE = (
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "MainPID",
    "ExecMainCode",
    "ExecMainStatus",
)
_JOURNAL_LINES = 1000
_CRASHES = frozenset(
    str(number.value)
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGBUS, signal.SIGFPE)
)
_EXITED = "1"  # CLD_EXITED; 2 and 3 are CLD_KILLED and CLD_DUMPED (sigaction(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledUnit:
    """A unit that stands installed under a manager."""

    scope: systemctl.Scope
    unit: Unit
    log_path: Path | None = None

    def enable(self) -> None:
        """Have it started at every boot, where it says by what."""
        if "[Install]" in self.unit.text:
            systemctl.must(self.scope, "enable", "--quiet", "--", self.unit.name)

    def start(self) -> None:
        """Start it."""
        if self.log_path is not None:
            # What earlier starts wrote explains nothing now.
            self.log_path.unlink(missing_ok=True)
        done = systemctl.run(self.scope, "start", "--", self.unit.name)
        if done.returncode != 0:
            raise ServiceError(self.described(f"{self.unit.name} did not start"))

    def stop(self) -> None:
        """Stop and disable it; harmless when it does not run."""
        systemctl.run(self.scope, "disable", "--now", "--quiet", "--", self.unit.name)
        systemctl.run(self.scope, "stop", "--", self.unit.name)
        systemctl.run(self.scope, "reset-failed", "--", self.unit.name)

    @property
    def pid(self) -> int:
        """The main process now; 0 when there is none."""
        return int(systemctl.show(self.scope, self.unit.name, "MainPID")["MainPID"] or 0)

    def trouble(self) -> str | None:
        """What has happened to the service that should not have; None while it runs."""
        state = systemctl.show(self.scope, self.unit.name, *_STATE)
        if state["ActiveState"] in ("active", "activating") and state["NRestarts"] in ("0", ""):
            is_failing = state["SubState"] == "auto-restart"
            return self.described(f"{self.unit.name} ended") if is_failing else None
        return self.described(f"{self.unit.name} ended")

    def described(self, what: str) -> str:
        """``what``, with the unit's state, the exit code by name, and the log's tail."""
        state = systemctl.show(self.scope, self.unit.name, *_STATE)
        restarts = int(state["NRestarts"] or 0)
        return (
            f"{what}: {exit_text(state['ExecMainCode'], state['ExecMainStatus'])} "
            f"({state['ActiveState']}, {state['SubState']}, result {state['Result']}"
            f"{f', restarted {restarts} times' if restarts else ''})\n"
            f"{advice(state['ExecMainCode'], state['ExecMainStatus'])}\n"
            f"its log ends:\n{self.log_tail()}"
        )

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the service wrote, and the errors before them."""
        if self.log_path is None:
            told = systemctl.journal(self.scope, self.unit.name, lines=_JOURNAL_LINES)
            return log_text.ending(told, lines)
        return tail(self.log_path, lines)


def tail(path: Path, lines: int) -> str:
    """The last lines of a log file, and the errors before them."""
    try:
        text = path.read_bytes()[-100_000:].decode("utf-8", errors="replace")
    except OSError as error:
        return f"(no log: {error})"
    return log_text.ending(text, lines)


def exit_text(code: str, status: str) -> str:
    """How the main process ended, by name: ``exit status 203/EXEC``, ``killed by SIGKILL``."""
    if code == "":
        return "how its main process ended systemd does not say"
    if code == "0":
        return "main process not ended"
    if code == _EXITED:
        return f"exit status {status}{_status_name(status)}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(int(status)).name}"
    return f"killed by signal {status}"


def advice(code: str, status: str) -> str:
    """Why a main process that ended like this probably did so, and what to do; in two lines."""
    if code == _EXITED or code in ("", "0"):
        cause, fix = (
            "its log says why",
            "mend what the log names; pytest -v shows the command that was run",
        )
    elif status == str(signal.SIGKILL.value):
        cause = "the kernel ended it for want of memory (or MemoryMax=), or somebody did"
        fix = (
            "look for `Killed process` in dmesg; then a smaller model or cache, a node with more "
            "memory, or a higher MemoryMax="
        )
    elif status in _CRASHES:
        cause, fix = "the server crashed", "look at its log and at coredumpctl info; update it"
    else:
        cause = "it was told to end: by RuntimeMaxSec= or another unit, or by somebody"
        fix = "look for who did in the journal (journalctl -u UNIT), and measure again"
    return f"  probably  {cause}\n  to fix    {fix}"


def _status_name(status: str) -> str:
    """``/EXEC`` for 203, as systemd names its own statuses; empty for those of programs."""
    argv = ["systemd-analyze", "exit-status", status]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = done.stdout.splitlines()[-1].split() if done.stdout.strip() else []
    return f"/{words[0]}" if words[1:] == [status, "systemd"] else ""
