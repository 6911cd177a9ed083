"""TLS, HTTP/2 and proxies: a thread per request in flight, httpx's own transport, our own clock."""

import threading
import time
from collections.abc import Iterator, Sequence

import httpx

from pytest_numa.load.engine import OnTick
from pytest_numa.load.line import Line
from pytest_numa.load.plain import first_model
from pytest_numa.load.prepared import Prepared, Ready
from pytest_numa.load.prompts import Prompt
from pytest_numa.load.results import RequestResult
from pytest_numa.load.schedule import Due, Schedule
from pytest_numa.load.target import Target
from pytest_numa.load.workload import Workload

_TELL_S = 0.2
_WATCH_S = 0.005
# On an open loop more may be in flight than slots were asked for, but a thread each.
_MOST_THREADS = 64
_HOPELESS = 20


class Threads:
    """Offers requests through httpx as it comes."""

    clock = "client"
    wake_descriptor = -1

    def __init__(self, target: Target, workload: Workload) -> None:
        self._workload = workload
        count = workload.concurrency
        if workload.rate_per_s is not None:
            count = max(count, _MOST_THREADS)
        # Without the proxies of the environment, but with its SSL_CERT_FILE.
        trust = httpx.create_ssl_context()
        self._lines = [
            Line(target, workload.timeout_s, is_streaming=workload.is_streaming, trust=trust)
            for _ in range(count)
        ]
        self._prepared: Prepared[httpx.Request] | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._late_s: list[float] = []

    @property
    def reconnected(self) -> int:
        """Requests that were sent once more."""
        return sum(line.reconnected for line in self._lines)

    @property
    def is_stopped(self) -> bool:
        """Whether the run was ended early."""
        return self._stop.is_set()

    @property
    def lag_s(self) -> Sequence[float]:
        """How late this process itself woke."""
        return self._late_s

    def stop(self) -> None:
        """End early: what is under way is cut and does not count."""
        self._stop.set()
        for line in self._lines:
            line.cut()

    def connect(self, prompts: Sequence[Prompt]) -> str:
        """Open every connection, and find the model: the one given, else the server's first."""
        found = self._workload.model
        for line in self._lines:
            try:
                response = line.models()
            except httpx.HTTPError:
                break
            found = found or first_model(response)
        first = self._lines[0]
        self._prepared = Prepared(
            found or "default",
            prompts,
            lambda body, name: first.build(self._workload.path, body, name),
        )
        return found or "default"

    def prepare(self, workload: Workload, run_id: str, numbers: Iterator[int]) -> None:
        """Build the requests that come next, before their clock starts."""
        if self._prepared is not None:
            self._prepared.begin(workload, run_id, numbers)

    def run(
        self,
        schedule: Schedule,
        *,
        slots: int | None,
        spacing_s: float = 0.0,
        on_tick: OnTick | None = None,
    ) -> list[RequestResult]:
        """Offer all that is scheduled, in the order that was prepared."""
        self._late_s.clear()
        for line in self._lines:
            line.reconnected = 0
        done: list[RequestResult] = []
        threads = [
            threading.Thread(
                target=self._serve, args=(line, schedule, done, order * spacing_s), daemon=True
            )
            for order, line in enumerate(self._lines[:slots])
        ]
        watcher = threading.Thread(target=self._watch, args=(threads,), daemon=True)
        for thread in (*threads, watcher):
            thread.start()
        while alive := [thread for thread in threads if thread.is_alive()]:
            alive[0].join(_TELL_S)
            if on_tick is not None:
                on_tick(len(done), sum(1 for one in done if one.failure))
        watcher.join()
        return done

    def _serve(
        self, line: Line, schedule: Schedule, done: list[RequestResult], wait_s: float
    ) -> None:
        self._stop.wait(wait_s)
        while not self._stop.is_set():
            taken = self._taken(schedule)
            if taken is None:
                return
            due, ready = taken
            if due.at_s is not None:
                self._stop.wait(max(0.0, due.at_s - time.perf_counter()))
            result = line.exchange(ready, due_s=due.at_s)
            if not self._stop.is_set():
                done.append(result)
            if len(done) >= _HOPELESS and all(one.failure == "connect" for one in done):
                with self._lock:
                    done.extend([done[-1]] * schedule.rest())

    def _taken(self, schedule: Schedule) -> tuple[Due, Ready[httpx.Request]] | None:
        with self._lock:
            due = schedule.peek(time.perf_counter())
            if due is None or self._prepared is None:
                return None
            schedule.taken()
            return due, self._prepared.take()

    def _watch(self, threads: Sequence[threading.Thread]) -> None:
        """Cut what is late, and note how late this process itself wakes."""
        while any(thread.is_alive() for thread in threads):
            due_s = time.perf_counter() + _WATCH_S
            time.sleep(_WATCH_S)
            now_s = time.perf_counter()
            self._late_s.append(now_s - due_s)
            for line in self._lines:
                line.cut_if_late(now_s)
