"""One service in one mode: launched, answering, and gone at the end of the block."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_numa import process
from pytest_numa.errors import ServiceError
from pytest_numa.policy import Policy
from pytest_numa.services import direct, endpoint, systemd, undo
from pytest_numa.services.unit import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that answers. ``pid`` is read anew each time: a restart changes it."""

    mode: str
    url: str
    running: systemd.InstalledUnit | direct.Child
    first_pid: int

    @property
    def pid(self) -> int:
        """The main process."""
        return self.running.pid

    @property
    def pids(self) -> tuple[int, ...]:
        """All processes: those of the unit's cgroup, and all descendants of the main process."""
        main = self.pid
        if not main:
            return ()
        found = process.descendants(main, Path("/")) | {main}
        folder = self.cgroup
        found |= process.pids_in_cgroup(folder) if folder else frozenset()
        return tuple(sorted(found))

    @property
    def cgroup(self) -> Path | None:
        """The unit's cgroup; None for a service launched by hand, which is in ours."""
        main = self.pid
        if self.mode != "systemd" or not main:
            return None
        return process.cgroup_directory(main, Path("/"))

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
                f"process was {self.first_pid} and is {self.pid}\nits log ends:\n{self.log_tail()}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """Starts the same command in each mode, one at a time."""

    policy: Policy
    command: Command
    endpoint: endpoint.Endpoint
    footprint: undo.Footprint
    start_timeout_s: float
    unit: Callable[[], systemd.InstalledUnit]

    @contextlib.contextmanager
    def launched(self, mode: str) -> Iterator[Service]:
        """The service in ``mode``, ready to be asked, for the length of the block."""
        endpoint.check_free(self.endpoint)
        with contextlib.ExitStack() as stack:
            running: systemd.InstalledUnit | direct.Child
            if mode == "systemd":
                running = stack.enter_context(systemd.started(self.unit()))
            else:
                argv = list(self.command.argv)
                if mode == "pinned":
                    argv = self.policy.control_argv(argv)
                running = stack.enter_context(direct.running(self.command, argv, self.footprint))
            try:
                endpoint.wait_ready(self.endpoint, running.trouble, timeout_s=self.start_timeout_s)
            except ServiceError as error:
                raise ServiceError(f"mode {mode}: {error}") from None
            yield Service(mode=mode, url=self.endpoint.url, running=running, first_pid=running.pid)
