"""One session: what is measured, once, and shared by all tests; what is started is stopped here."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pytest_numa import evidence, experiment, placement, process, settings
from pytest_numa.errors import LoadError, ServiceError
from pytest_numa.evidence import Change, perf
from pytest_numa.launch import Launcher, Service
from pytest_numa.load import runner
from pytest_numa.load.results import RunResult
from pytest_numa.services import managers, systemd, undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one mode: its figures, and what was found of the service's placement after it."""

    mode: str
    result: RunResult
    main_pid: int
    processes: tuple[process.Process, ...]
    findings: tuple[placement.Finding, ...]
    evidence: Change | None = None
    """What was counted from before the client was started until it had ended: warm-up included."""
    latencies_s: tuple[float, ...] = ()
    """Of each request that was answered, in the order of their ends."""

    @property
    def argv(self) -> tuple[str, ...]:
        """What the main process says that it runs; empty where it was not seen."""
        return next((one.argv for one in self.processes if one.pid == self.main_pid), ())


Blocks = Sequence[Mapping[str, Sequence[Run]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """All complete blocks, and when the first began."""

    begun_at: datetime
    blocks: Blocks

    def runs(self, mode: str) -> list[Run]:
        """All runs of a mode, in order."""
        return [run for block in self.blocks for run in block.get(mode, ())]


class Progress(Protocol):
    """Who is told how far it is."""

    def on_requests(self, position: experiment.Position, done: int, failed: int) -> None:
        """``done`` requests of the current run have ended, ``failed`` of them badly."""

    def on_block(self, number: int, block: Mapping[str, Sequence[Run]]) -> None:
        """Block ``number``, from 1, is complete."""


class Session:
    """The acting side of a session; a context manager that leaves nothing behind."""

    def __init__(self, wanted: settings.Settings, progress: Progress) -> None:
        self.settings = wanted
        self._progress = progress
        self._all = contextlib.ExitStack()
        # What --numa-keep leaves in place when the session ends.
        self._kept = contextlib.ExitStack()
        self._footprint: undo.Footprint | None = None
        self._unit: systemd.InstalledUnit | None = None
        self._service: Service | None = None
        self._perf: tuple[str | None] | None = None

    def __enter__(self) -> "Session":  # noqa: PYI034 - typing.Self came with Python 3.11
        self._footprint = self._all.enter_context(undo.footprint())
        return self

    def __exit__(self, *_: object) -> None:
        with self._all, self._kept:
            if self.settings.is_kept and self._service is not None:
                self._held().forget_units()
                self._kept.pop_all()

    def _held(self) -> undo.Footprint:
        if self._footprint is None:
            raise RuntimeError("the session has not been entered")
        return self._footprint

    def unit(self) -> systemd.InstalledUnit:
        """The rendered unit, installed under the manager when it is first asked for."""
        if self._unit is None:
            manager = managers.running(self.settings.manager, self._held())
            scope = self._all.enter_context(manager)
            stands = systemd.installed(self.settings.unit, scope, self._held())
            self._unit = self._kept.enter_context(stands)
        return self._unit

    def service(self) -> Service:
        """The unit, started when it is first asked for, and running till the session ends."""
        if self._service is None:
            self._service = self._kept.enter_context(self._launcher().launched("systemd"))
        return self._service

    def load(self, **changes: Any) -> RunResult:  # noqa: ANN401 - the workload's fields
        """Load the running service with the session's workload, changed where asked."""
        try:
            workload = replace(self.settings.workload, **changes)
        except (TypeError, ValueError) as error:
            raise LoadError(f"numa_load: {error}") from None
        service = self.service()
        result = runner.run(service.url, workload, cpus=self.settings.client_cpus)
        service.check_alive()
        return result

    def measure(self, plan: experiment.Plan, is_decided: Callable[[Blocks], bool]) -> Measurement:
        """Run the experiment; the modes are started and stopped one after the other."""
        begun_at = datetime.now().astimezone()
        done: list[Mapping[str, Sequence[Run]]] = []

        def on_block(block: Mapping[str, Sequence[Run]]) -> None:
            done.append(block)
            self._progress.on_block(len(done), block)

        driver = experiment.Driver(measure=self._measured, is_decided=is_decided, on_block=on_block)
        return Measurement(begun_at=begun_at, blocks=experiment.run(plan, driver))

    def _measured(self, position: experiment.Position) -> list[Run]:
        with self._launcher().launched(position.mode) as service:
            return [self._one_run(service, position) for _ in range(position.plan.runs)]

    def _one_run(self, service: Service, position: experiment.Position) -> Run:
        # Once: to look for processes takes longer than to read their counters.
        pids, cgroup, cpus = service.pids, service.cgroup, self.settings.policy.cpus
        latencies_s: list[float] = []
        before = evidence.read(pids, cgroup, cpus=cpus)
        with perf.counting(pids, lacks=self._perf_lacks()) as hardware:
            result = runner.run(
                service.url,
                self.settings.workload,
                cpus=self.settings.client_cpus,
                on_progress=lambda done, failed: self._progress.on_requests(position, done, failed),
                on_latencies=latencies_s.extend,
            )
            after = evidence.read(pids, cgroup, cpus=cpus)
        # First: requests fail because the service died, and not the other way round.
        service.check_alive()
        processes = process.read_processes(service.pids, Path("/"))
        findings = placement.check(self.settings.policy, processes, self.settings.topology)
        # Page cache lies where it lay before: no pinning by hand would have moved it.
        strays = [one for one in findings if not one.is_page_cache]
        if service.mode == "pinned" and strays:
            raise ServiceError(
                "the control is not pinned as it should be, so nothing can be compared with it:\n"
                f"{strays[0]}"
            )
        return Run(
            mode=service.mode,
            result=result,
            main_pid=service.first_pid,
            processes=processes,
            findings=tuple(findings),
            evidence=evidence.between(before, after, hardware.found),
            latencies_s=tuple(latencies_s),
        )

    def _perf_lacks(self) -> str | None:
        # Tried once: what perf may count does not change, and trying takes a process.
        if self._perf is None:
            self._perf = (perf.lacking(),)
        return self._perf[0]

    def _launcher(self) -> Launcher:
        return Launcher(
            policy=self.settings.policy,
            command=self.settings.command,
            endpoint=self.settings.endpoint,
            footprint=self._held(),
            start_timeout_s=self.settings.start_timeout_s,
            unit=self.unit,
        )
