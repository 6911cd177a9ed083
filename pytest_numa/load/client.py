"""The client: a process of its own, in which nothing but the load happens.

``python -m pytest_numa.load.client`` reads one JSON object from standard input (``url``,
``workload``, ``cpus``) and writes JSON lines: ``progress``, and at the end ``latencies`` and
``result``, or ``error``.
"""

import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import httpx

from pytest_numa.load import results
from pytest_numa.load.exchange import Line
from pytest_numa.load.results import RequestResult
from pytest_numa.load.workload import Workload

_TELL_S = 0.2
_WATCH_S = 0.005
# A client that uses more of its one core than this (Python runs on one at a time), or that wakes
# later than this, reports itself rather than the server.
_MOST_CPU_SHARE = 0.8
_MOST_LAG_MS = 50.0
# So many refused connections and no other outcome: there is no server.
_HOPELESS = 20


class Loop:
    """The closed loop: one thread and one connection per request in flight."""

    def __init__(self, url: str, workload: Workload) -> None:
        self._workload = workload
        self._lines = [Line(url, workload.timeout_s) for _ in range(workload.concurrency)]
        self._stop = threading.Event()
        self._late_ms: list[float] = []

    def stop(self) -> None:
        """End early: what is under way is cut and does not count."""
        self._stop.set()
        for line in self._lines:
            line.cut()

    def model(self) -> str | None:
        """The model's name, given or the server's first; None where the server cannot be reached.

        Every connection is opened by it, so that none is opened while the clock runs.
        """
        found = self._workload.model
        for line in self._lines:
            try:
                response = line.models()
            except httpx.HTTPError:
                return found
            found = found or _first_model(response)
        return found

    def run(
        self, numbers: Sequence[int], model: str, *, is_told: bool, spacing_s: float = 0.0
    ) -> list[RequestResult]:
        """Send the requests ``numbers``; returns those that ended, in the order of their ends.

        Each slot begins ``spacing_s`` after the one before.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in numbers:
            waiting.put(number)
        done: list[RequestResult] = []
        bodies = {number: self._workload.body(number, model=model) for number in numbers}
        slots = [
            threading.Thread(
                target=self._serve,
                args=(line, waiting, bodies, done, order * spacing_s),
                daemon=True,
            )
            for order, line in enumerate(self._lines[: len(numbers)])
        ]
        watcher = threading.Thread(target=self._watch, args=(slots,), daemon=True)
        for thread in (*slots, watcher):
            thread.start()
        while alive := [slot for slot in slots if slot.is_alive()]:
            alive[0].join(_TELL_S)
            if is_told:
                _tell_progress(done)
        watcher.join()
        if is_told:
            _tell_progress(done)
        return done

    def _serve(
        self,
        line: Line,
        waiting: "queue.SimpleQueue[int]",
        bodies: Mapping[int, Mapping[str, Any]],
        done: list[RequestResult],
        wait_s: float,
    ) -> None:
        self._stop.wait(wait_s)
        while not self._stop.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            body = bodies[number]
            request = line.build(self._workload.path, body)
            wanted = body.get("max_tokens") if body.get("ignore_eos") else None
            result = line.exchange(request, wanted_tokens=wanted)
            if not self._stop.is_set():
                done.append(result)
            if len(done) >= _HOPELESS and all(one.failure == "connect" for one in done):
                self._give_up(waiting, done)

    def _give_up(self, waiting: "queue.SimpleQueue[int]", done: list[RequestResult]) -> None:
        while not waiting.empty():
            try:
                waiting.get_nowait()
            except queue.Empty:
                return
            done.append(done[-1])

    def _watch(self, slots: Sequence[threading.Thread]) -> None:
        """Cut what is late, and note how late this process itself wakes."""
        while any(slot.is_alive() for slot in slots):
            due_s = time.perf_counter() + _WATCH_S
            time.sleep(_WATCH_S)
            now_s = time.perf_counter()
            self._late_ms.append(1000 * (now_s - due_s))
            for line in self._lines:
                line.cut_if_late(now_s)

    def measured(self, model: str) -> results.RunResult:
        """Warm up, then the run itself, with the garbage collector off."""
        workload = self._workload
        warm = self.run(range(-workload.warmup, 0), model, is_told=False)
        # Slots that begin at once stay in step: all prompts meet in the server, wave by wave, and
        # the time to first token is that of a wave. The fastest, since the first may be cold.
        alone_s = min((one.latency_s for one in warm if one.failure is None), default=0.0)
        spacing_s = alone_s / workload.concurrency
        self._late_ms.clear()
        for line in self._lines:
            line.reconnected = 0
        gc.collect()
        gc.freeze()
        gc.disable()
        cpu_s = time.process_time()
        wall_s = time.perf_counter()
        requests = self.run(range(workload.n_requests), model, is_told=True, spacing_s=spacing_s)
        cpu_s = time.process_time() - cpu_s
        wall_s = time.perf_counter() - wall_s
        gc.enable()
        lag_ms = results.percentile(self._late_ms, 0.99) if self._late_ms else 0.0
        is_bound = cpu_s / max(wall_s, 1e-9) > _MOST_CPU_SHARE or lag_ms > _MOST_LAG_MS
        client = results.Client(
            cpu_s=cpu_s,
            lag_p99_ms=lag_ms,
            bound=is_bound,
            reconnected=sum(line.reconnected for line in self._lines),
        )
        good = [one.latency_s for one in requests if one.failure is None]
        _tell("latencies", seconds=good)
        return results.summarise(
            requests,
            client=client,
            workload=workload.as_document(),
            incomplete=self._stop.is_set(),
        )


def _first_model(response: httpx.Response) -> str | None:
    try:
        return str(response.json()["data"][0]["id"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _tell(event: str, **parts: Any) -> None:  # noqa: ANN401 - JSON
    sys.stdout.write(json.dumps({"event": event, **parts}) + "\n")
    sys.stdout.flush()


def _tell_progress(done: Sequence[RequestResult]) -> None:
    failed = sum(1 for one in done if one.failure is not None)
    _tell("progress", done=len(done), failed=failed)


def main() -> int:
    """Run one job."""
    job = json.load(sys.stdin)
    if job.get("cpus"):
        # Before any thread is started: they inherit it.
        try:
            os.sched_setaffinity(0, job["cpus"])
        except OSError as error:
            _tell("error", text=f"the load generator cannot run on CPUs {job['cpus']}: {error}")
            return 1
    workload = Workload.from_document(job["workload"])
    loop = Loop(job["url"], workload)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.stop())
    model = loop.model()
    # Without a server the requests find that out for themselves, each counted as failed.
    result = loop.measured(model or "default")
    _tell("result", result=asdict(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
