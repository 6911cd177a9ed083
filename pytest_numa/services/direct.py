"""The same command without systemd: pinned by hand, or not pinned at all."""

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.errors import ServiceError
from pytest_numa.services import installed_unit, undo
from pytest_numa.services.unit import Command

_STOP_S = 20.0


def plain_environment() -> dict[str, str]:
    """What a service sees of an environment: systemd's defaults, nothing of the caller's shell."""
    user = pwd.getpwuid(os.geteuid())
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
    }


# The kernel tells nobody of the death of a parent that was gone before it was asked to.
_IF_PARENT_LIVES = '[ "$PPID" = "$0" ] && exec "$@"'


def launch_argv(argv: Sequence[str]) -> list[str]:
    """The command line of a child of ours that ends with us, even when we are killed."""
    alive = ("sh", "-c", _IF_PARENT_LIVES, str(os.getpid()))
    return ["setpriv", "--pdeathsig", "KILL", "--", *alive, *argv]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A service that runs as our child process."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def pid(self) -> int:
        """The process that was launched; numactl and taskset have become the service."""
        return self.process.pid

    def trouble(self) -> str | None:
        """How the service ended; None while it runs."""
        status = self.process.poll()
        if status is None:
            return None
        ended = ("1", str(status)) if status >= 0 else ("2", str(-status))
        return (
            f"the service, launched by hand, ended: {installed_unit.exit_text(*ended)}\n"
            f"{installed_unit.advice(*ended)}\nits log ends:\n{self.log_tail()}"
        )

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the service wrote."""
        return installed_unit.tail(self.log_path, lines)


@contextlib.contextmanager
def running(command: Command, argv: Sequence[str], footprint: undo.Footprint) -> Iterator[Child]:
    """Run ``argv`` with the command's environment and directory for the length of the block."""
    log_path = footprint.folder / "service.log"
    with log_path.open("wb") as log:
        try:
            process = subprocess.Popen(
                launch_argv(argv),
                env={
                    **plain_environment(),
                    **dict(command.environment),
                    undo.SESSION_VARIABLE: footprint.name,
                },
                cwd=command.directory or "/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise ServiceError(f"the service could not be launched by hand: {error}") from None
    try:
        yield Child(process=process, log_path=log_path)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and all of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
