"""One session: what is measured, once, and shared by all tests; what is started is stopped here."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from pytest_numa import attach, evidence, experiment, placement, process, settings, unfinished
from pytest_numa.conditions import governors, measuring
from pytest_numa.conditions.page_cache import PageCache
from pytest_numa.errors import LoadError, ServiceError
from pytest_numa.evidence import perf
from pytest_numa.launch import Launcher, Service
from pytest_numa.load import runner
from pytest_numa.load.results import RunResult
from pytest_numa.load.workload import Workload
from pytest_numa.measurement import Blocks, Measurement, Run
from pytest_numa.services import endpoint, managers, systemd, undo, unit_facts
from pytest_numa.services.installed_unit import InstalledUnit

# Two seconds, while nothing is measured.
_FULL_BYTES = 64 * 2**30


class Progress(Protocol):
    """Who is told how far it is."""

    def on_start(self, position: experiment.Position) -> None:
        """The server of a run is about to be started."""

    def on_requests(self, position: experiment.Position, done: int, failed: int) -> None:
        """``done`` requests of the current run have ended, ``failed`` of them badly."""

    def on_block(self, number: int, block: Mapping[str, Sequence[Run]]) -> None:
        """Block ``number``, from 1, is complete."""

    def on_condition(self, name: str, number: int, block: Mapping[str, Sequence[Run]]) -> None:
        """The same for a block under a condition."""


class Session:
    """The acting side of a session; a context manager that leaves nothing behind."""

    def __init__(self, wanted: settings.Settings, progress: Progress) -> None:
        self.settings = wanted
        self._progress = progress
        self._all = contextlib.ExitStack()
        self._footprint: undo.Footprint | None = None
        self._unit: InstalledUnit | None = None
        self._service: Service | None = None
        self._perf: tuple[str | None] | None = None
        self._page_cache = PageCache(wanted.page_cache, wanted.command)
        self._spent = measuring.Spent()

    def __enter__(self) -> "Session":  # noqa: PYI034 - typing.Self came with Python 3.11
        with contextlib.ExitStack() as opening:
            self._footprint = opening.enter_context(undo.footprint())
            opening.enter_context(governors.kept(governors.journal(self._footprint)))
            self._all = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._all.close()

    def _held(self) -> undo.Footprint:
        if self._footprint is None:
            raise RuntimeError("the session has not been entered")
        return self._footprint

    def unit(self) -> InstalledUnit:
        """The rendered unit, installed under the manager when it is first asked for."""
        if self._unit is None:
            manager = managers.running(self.settings.manager, self._held())
            scope = self._all.enter_context(manager)
            stands = systemd.installed(
                self.settings.bundle,
                scope,
                self._held(),
                is_kept=lambda: self.settings.is_kept and self._service is not None,
            )
            self._unit = self._all.enter_context(stands)
        return self._unit

    def service(self) -> Service:
        """The unit, started when it is first asked for, and running till the session ends."""
        if self._service is None:
            launcher = replace(self._launcher(), is_kept=self.settings.is_kept)
            self._service = self._all.enter_context(launcher.launched("systemd"))
        return self._service

    def load(self, **changes: Any) -> RunResult:  # noqa: ANN401 - the workload's fields
        """Load the running service with the session's workload, changed where asked."""
        try:
            workload = replace(self.settings.workload, **changes)
        except (TypeError, ValueError) as error:
            raise LoadError(f"numa_load: {error}") from None
        service = self.service()
        result = self._offered(service, workload)
        service.check_alive()
        return result

    def _offered(
        self,
        service: Service,
        workload: Workload,
        on_progress: runner.Told | None = None,
        on_latencies: runner.OnLatencies | None = None,
        around: runner.Around | None = None,
    ) -> RunResult:
        return runner.run(
            self.settings.target(service.url),
            workload,
            cpus=self.settings.client_cpus,
            limits=self.settings.limits,
            on_progress=on_progress,
            on_latencies=on_latencies,
            around=around,
        )

    def measure(self, plan: experiment.Plan, is_decided: Callable[[Blocks], bool]) -> Measurement:
        """Run the experiment; the modes are started and stopped one after the other."""
        path, inputs = self.settings.unfinished_path, self.settings.inputs(plan)
        with unfinished.kept(path, inputs, is_resumed=self.settings.is_resumed) as kept:

            def on_block(block: Mapping[str, Sequence[Run]]) -> None:
                kept.add(block)
                self._progress.on_block(len(kept.blocks), block)

            driver = experiment.Driver(
                measure=self._measured, is_decided=is_decided, on_block=on_block
            )
            begun_s = time.monotonic()
            blocks = experiment.run(plan, driver, done=list(kept.blocks))
            self._spent = measuring.Spent(
                blocks=len(blocks) - kept.resumed, elapsed_s=time.monotonic() - begun_s
            )
        return Measurement(
            begun_at=kept.begun_at,
            blocks=blocks,
            took_s=None if kept.resumed else self._spent.elapsed_s,
            notes=kept.notes,
            page_cache=tuple(self._page_cache.sentences()),
        )

    def under_conditions(self, measurement: Measurement) -> Measurement:
        """The same with the blocks under each condition that is wanted, if any."""
        if not self.settings.conditions or self.settings.is_null_control:
            return measurement
        found = measuring.measured(
            self.settings.conditions,
            self.settings.plan,
            self._spent,
            self._held(),
            measure=self._measured,
            on_block=self._progress.on_condition,
        )
        told = tuple(self._page_cache.sentences())
        return replace(measurement, conditions=found, page_cache=told)

    def _measured(self, position: experiment.Position) -> list[Run]:
        self._progress.on_start(position)
        self._page_cache.before_start()
        with self._launcher().launched(self._launched_as(position.mode)) as service:
            # The weights are loaded and nothing is measured yet; a sample, for there may be much.
            loaded = self._proof(service, depth="sample")
            runs = [self._one_run(service, position, loaded) for _ in range(position.plan.runs)]
            self._page_cache.remember(service.pids)
        return runs

    def _launched_as(self, mode: str) -> str:
        """The null control has the control on both sides; all else is as ever."""
        return "pinned" if self.settings.is_null_control and mode == "systemd" else mode

    def _one_run(
        self, service: Service, position: experiment.Position, loaded: placement.Proof
    ) -> Run:
        latencies_s: list[float] = []
        first_tokens_s: list[float | None] = []

        def on_latencies(whole_s: list[float], first_s: list[float | None]) -> None:
            latencies_s.extend(whole_s)
            first_tokens_s.extend(first_s)

        counted = evidence.Counted(
            # Once: to look for processes takes longer than to read their counters.
            service.pids,
            service.processes.cgroup if service.pid else None,
            cpus=self.settings.policy.cpus,
            perf_lacks=self._perf_lacks(),
        )
        result = self._offered(
            service,
            self.settings.workload,
            on_progress=lambda done, failed: self._progress.on_requests(position, done, failed),
            on_latencies=on_latencies,
            around=counted,
        )
        # First: requests fail because the service died, and not the other way round.
        service.check_alive()
        # In a short run none may have come since numactl and taskset became the service.
        service.watch.look()
        proofs = (loaded, self._proof(service, watched=service.watch.so_far()))
        if service.mode == "pinned":
            _check_control(proofs)
        return Run(
            mode=position.mode,
            result=result,
            main_pid=service.first_pid,
            proofs=proofs,
            evidence=counted.change,
            latencies_s=tuple(latencies_s),
            first_tokens_s=tuple(first_tokens_s),
        )

    def _proof(
        self,
        service: Service,
        *,
        depth: process.Depth | None = None,
        watched: process.Watched | None = None,
    ) -> placement.Proof:
        unit = None
        if self._unit is not None and service.mode == "systemd":
            unit = unit_facts.read(self._unit.scope, self._unit.unit.name)
        target = attach.Target(service=service.processes, unit=unit)
        wanted = self.settings.wanted
        return attach.take(
            target,
            wanted,
            self.settings.topology,
            depth=depth,
            watched=watched,
            full_bytes=_FULL_BYTES,
            listeners=endpoint.listeners(self.settings.endpoint),
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
            watch_cpus=self.settings.client_cpus,
        )


def _check_control(proofs: Sequence[placement.Proof]) -> None:
    # Page cache lies where it lay before: no pinning by hand would have moved it.
    strays = [one for one in placement.over_time(proofs) if not one.is_page_cache]
    if strays:
        raise ServiceError(
            "the control is not pinned as it should be, so nothing can be compared with it:\n"
            f"{strays[0]}"
        )
