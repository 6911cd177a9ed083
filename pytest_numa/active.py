"""The plugin while a policy is asked for: one measurement, shared by all tests that need it."""

import contextlib
import signal
from collections.abc import Generator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_numa import (
    audit,
    benchmark_entries,
    explained,
    finishing,
    marks,
    options,
    outcome,
    packaged_suite,
    problem,
    settings,
)
from pytest_numa.audit.machine import Machine
from pytest_numa.errors import PytestNumaError
from pytest_numa.judgement import Demand, Judgement
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS
from pytest_numa.placement import Wanted
from pytest_numa.progress import TerminalProgress
from pytest_numa.report import audit as audit_report
from pytest_numa.report import publication, terminal
from pytest_numa.services import endpoint
from pytest_numa.session import Session
from pytest_numa.telling import Telling

if TYPE_CHECKING:
    from pytest_numa.launch import Service
    from pytest_numa.load.results import RunResult
    from pytest_numa.services.unit import Unit

_ROOT = Path("/")
_DEMANDS = pytest.StashKey[marks.Demands]()
_PLACEMENTS = pytest.StashKey[tuple[Wanted, ...]]()


class ActivePlugin:
    """Holds the session's settings, and runs the measurement when the first test needs it."""

    def __init__(self, config: pytest.Config) -> None:
        options.refuse_workers(config)
        try:
            given = options.read(config)
            self.settings = settings.build(given, directory=config.invocation_params.dir)
            publication.check(self.settings)
        except PytestNumaError as error:
            raise pytest.UsageError(str(error)) from None
        packaged_suite.choose(config)
        self._config = config
        self._stack = contextlib.ExitStack()
        self._progress = TerminalProgress(config, self.settings.workload.known_amount)
        self._session: Session | None = None
        self._demands: list[Demand] = []
        self._wanted: dict[Wanted, None] = {}
        self._is_measuring = False
        self._has_entries = False
        self._measurement: Measurement | None = None
        self._failure: str | None = None
        self._told: list[str] = []
        # Troubles at the end that fail the session, though no single test.
        self._notes: list[str] = []
        self._telling = Telling(config, self.settings, self._end)
        config.pluginmanager.register(self._telling, "numa-telling")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            # A misspelt mark must stop here, not after a model took minutes to load.
            demands = marks.demands(
                item.iter_markers(), test=item.nodeid, margin=self.settings.margin
            )
            item.stash[_PLACEMENTS] = self._placements(item, demands)
            item.stash[_DEMANDS] = demands
        self._has_entries = any(map(benchmark_entries.is_measured, items))
        self._is_measuring = self._has_entries or any(item.stash[_DEMANDS] for item in items)
        self._wanted = {one: None for item in items for one in item.stash[_PLACEMENTS]}
        asked = dict.fromkeys(one for item in items for one in item.stash[_DEMANDS].figures)
        self._demands = list(map(_demand, asked))
        if lacking := outcome.lacking_modes(self._demands, self.settings.plan.modes):
            raise pytest.UsageError(lacking)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._config.option.collectonly or not any(map(_needs_service, session.items)):
            return
        try:
            # Opened first: what a dead session left may hold the port.
            self._opened()
            endpoint.check_free(self.settings.endpoint)
        except PytestNumaError as error:
            raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item.stash[_DEMANDS]:
            self._measured()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        asked = item.stash[_DEMANDS]
        if asked and self._measurement is not None:
            judged, placements = self._judgements(asked), item.stash[_PLACEMENTS]
            both = explained.Asked(placements=placements, has_figures=bool(asked.figures))
            self._tell(
                explained.of_test(both, self._measurement, judged, self.settings),
                explained.of_record(judged, self.settings),
            )
        for ids in asked.hosts:
            self._tell_host(ids)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._close()
            if self._notes and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        self._close()

    @property
    def measurement(self) -> Measurement | None:
        return self._measurement

    @property
    def troubles(self) -> Sequence[str]:
        return self._notes

    def judgements_of(self, item: pytest.Item) -> Sequence[Judgement]:
        asked = item.stash.get(_DEMANDS, None)
        return self._judgements(asked) if asked and self._measurement else ()

    def _end(self) -> terminal.End:
        """What the terminal tells at the end."""
        judged = self._all_judgements()
        problems = [*self._telling.errors]
        if self._measurement is not None:
            both = explained.Asked(placements=tuple(self._wanted), has_figures=bool(self._demands))
            problems += explained.of_session(both, self._measurement, judged, self.settings)
        return terminal.End(
            wanted=self.settings,
            measurement=self._measurement,
            judgements=judged,
            problems=problems,
            told=self._told,
            troubles=self._notes,
            has_placement=bool(self._wanted),
        )

    def installed_unit(self) -> "Unit":
        with self._as_failure():
            return self._opened().unit().unit

    def service(self) -> "Service":
        # Measured first: one mode is loaded at a time, and the service then stays as it is.
        if self._is_measuring:
            self._measured()
        with self._as_failure():
            return self._opened().service()

    def load(self, **changes: Any) -> "RunResult":  # noqa: ANN401 - the workload's fields
        self.service()
        with self._as_failure():
            return self._opened().load(**changes)

    def entries(self) -> "benchmark_entries.Entries | benchmark_entries.NoEntries":
        """What makes entries of pytest-benchmark, or says why there are none."""
        if not benchmark_entries.has_pytest_benchmark(self._config):
            return benchmark_entries.NoEntries("pytest-benchmark does not take part")
        return benchmark_entries.Entries(
            modes=self.settings.plan.modes, policy=self.machine_info(), runs=self._runs
        )

    def machine_info(self) -> dict[str, str]:
        """What pytest-benchmark's files say of the policy."""
        policy = self.settings.policy
        return {"cpus": policy.cpu_list, "memory_nodes": policy.node_list}

    def _opened(self) -> Session:
        if self._session is None:
            # CI ends a job with SIGTERM; what was installed must go then, too.
            before = signal.signal(signal.SIGTERM, signal.default_int_handler)
            self._stack.callback(signal.signal, signal.SIGTERM, before)
            opened = Session(self.settings, self._progress)
            self._session = self._stack.enter_context(opened)
        return self._session

    def _placements(self, item: pytest.Item, demands: marks.Demands) -> tuple[Wanted, ...]:
        try:
            return tuple(self.settings.wanted_by(**asdict(one)) for one in demands.placements)
        except PytestNumaError as why:
            raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.numa_placement: {why}") from None

    def _close(self) -> None:
        try:
            self._stack.close()
        except PytestNumaError as error:
            self._notes.append(f"not everything could be removed: {error}")

    def _runs(self, mode: str) -> Sequence[Run]:
        self._measured()
        return self._measurement.runs(mode) if self._measurement else []

    def _measured(self) -> None:
        if self._failure is not None:
            pytest.fail(self._failure, pytrace=False)
        if self._measurement is not None:
            return
        try:
            with self._as_failure():
                self._measurement = self._taken()
        except BaseException as error:
            why = error if self._config.getoption("reruns", 0) else "see the first error"
            self._failure = f"the service could not be measured: {why}"
            raise
        try:
            if not outcome.failed_requests(self._measurement.blocks):
                self._measurement = self._opened().under_conditions(self._measurement)
        finally:
            self._write(self._measurement)

    @contextlib.contextmanager
    def _as_failure(self) -> Generator[None, None, None]:
        """Our errors are for the reader: their text is enough, a traceback says nothing more."""
        try:
            yield
        except PytestNumaError as error:
            self._telling.add(problem.parsed(str(error), weight="error"))
            raise pytest.fail.Exception(str(error), pytrace=False) from None

    def _taken(self) -> Measurement:
        plan = outcome.plan(self.settings.plan, self._demands)
        if self._has_entries:
            plan = replace(plan, modes=self.settings.plan.modes)
        try:
            return self._opened().measure(
                plan, lambda blocks: outcome.is_decided(self._demands, blocks, self.settings)
            )
        finally:
            self._progress.end(self._telling.test)

    def _write(self, measurement: Measurement) -> None:
        found = finishing.finish(self.settings, measurement, self._all_judgements())
        self._told += found.told
        self._notes += found.troubles

    def _all_judgements(self) -> list[Judgement]:
        blocks = getattr(self._measurement, "blocks", [])
        return outcome.judged(self._demands, blocks, self.settings)

    def _judgements(self, asked: marks.Demands) -> list[Judgement]:
        wanted = [_demand(one) for one in asked.figures]
        return [one for one in self._all_judgements() if one.demand in wanted]

    def _tell(self, *found: explained.Outcome) -> None:
        undecided = self.settings.inconclusive
        counted = [undecided if one.result == "inconclusive" else one.result for one in found]
        is_null_control = self.settings.is_null_control
        texts = [explained.told(one, is_null_control=is_null_control) for one in found if one.texts]
        if "fail" in counted:
            pytest.fail("\n\n".join(texts), pytrace=False)
        if "skip" in counted:
            pytest.skip("\n\n".join(texts))

    def _tell_host(self, ids: tuple[str, ...]) -> None:
        here = Machine(root=_ROOT, topology=self.settings.topology, policy=self.settings.policy)
        results = audit.run(here, ids)
        if failed := [one for one in results if one.status == "fail"]:
            for one in failed:
                self._telling.add(audit_report.problem(one))
            pytest.fail("\n\n".join(map(audit_report.paragraph, failed)), pytrace=False)
        if unknown := [one for one in results if one.status == "unknown"]:
            pytest.skip("\n\n".join(map(audit_report.paragraph, unknown)))
        if all(one.status == "skip" for one in results):
            pytest.skip("; ".join(f"{one.check.id}: {one.outcome.found}" for one in results))


def _needs_service(item: pytest.Item) -> bool:
    fixtures = {"numa_unit", "numa_service", "numa_pid", "numa_load", benchmark_entries.FIXTURE}
    asked = fixtures & set(getattr(item, "fixturenames", ()))
    # Nothing is known of the marks where reading them has just been refused.
    return bool(item.stash.get(_DEMANDS, None) or asked)


def _demand(asked: marks.Asked) -> Demand:
    return Demand(metric=METRICS[asked.metric], margin=asked.margin, limit=asked.limit)
