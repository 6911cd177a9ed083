"""One service in one mode: launched, answering, and gone at the end of the block."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytest_numa import process
from pytest_numa.errors import ServiceError
from pytest_numa.policy import Policy
from pytest_numa.services import direct, endpoint, systemd, undo
from pytest_numa.services.installed_unit import InstalledUnit
from pytest_numa.services.unit import Command

_WATCH_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that answers. ``pid`` is read anew each time: a restart changes it."""

    mode: str
    url: str
    running: InstalledUnit | direct.Child
    first_pid: int
    watch: process.Watch
    """Looks at its threads since it was born."""

    @property
    def pid(self) -> int:
        """The main process."""
        return self.running.pid

    @property
    def processes(self) -> process.ServiceProcesses:
        """Its processes, as they are now."""
        return process.ServiceProcesses(main_pid=self.pid, has_own_cgroup=self.mode == "systemd")

    @property
    def pids(self) -> tuple[int, ...]:
        """All processes: those of the unit's cgroup, and all descendants of the main process."""
        return tuple(sorted(self.processes.pids)) if self.pid else ()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the service wrote."""
        return self.running.log_tail(lines)

    def check_alive(self) -> None:
        """Raise ServiceError where the service has ended, or is no longer the one that started."""
        if trouble := self.running.trouble():
            raise ServiceError(f"mode {self.mode}: {trouble}")
        if self.pid != self.first_pid:
            raise ServiceError(
                f"mode {self.mode}: the service was restarted while it was measured: its main "
                f"process was {self.first_pid} and is {self.pid}\n"
                "  probably  it ended and Restart= started it again; its log says why\n"
                "  to fix    mend what the log names; a service that restarts has lost requests\n"
                f"its log ends:\n{self.log_tail()}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """Starts the same command in each mode, one at a time."""

    policy: Policy
    command: Command
    endpoint: endpoint.Endpoint
    footprint: undo.Footprint
    start_timeout_s: float
    unit: Callable[[], InstalledUnit]
    watch_cpus: frozenset[int] | None = None
    """Where the service's threads are looked at while it works; None: anywhere."""
    is_kept: bool = False
    """Whether the unit runs on when the block has ended well."""

    @contextlib.contextmanager
    def launched(self, mode: str) -> Iterator[Service]:
        """The service in ``mode``, ready to be asked, for the length of the block."""
        endpoint.check_free(self.endpoint)
        with contextlib.ExitStack() as stack:
            running: InstalledUnit | direct.Child
            if mode == "systemd":
                running = stack.enter_context(systemd.started(self.unit(), is_kept=self.is_kept))
            else:
                argv = list(self.command.argv)
                if mode == "pinned":
                    argv = self.policy.control_argv(argv)
                running = stack.enter_context(direct.running(self.command, argv, self.footprint))
            born = process.ServiceProcesses(main_pid=running.pid, has_own_cgroup=mode == "systemd")
            watch = born.watch(interval_s=_WATCH_INTERVAL_S, cpus=self.watch_cpus)
            stack.enter_context(watch)
            try:
                endpoint.wait_ready(self.endpoint, running, timeout_s=self.start_timeout_s)
            except ServiceError as error:
                raise ServiceError(f"mode {mode}: {error}") from None
            yield Service(
                mode=mode,
                url=self.endpoint.url,
                running=running,
                first_pid=born.main_pid,
                watch=watch,
            )
