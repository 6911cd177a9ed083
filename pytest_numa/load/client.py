"""The client: a process of its own, in which nothing but the load happens.

``python -m pytest_numa.load.client`` reads one line of JSON from standard input (``target``,
``workload``, ``limits``, ``cpus``, ``is_detailed``) and writes lines of JSON: ``ready`` when all is
warm (it goes on once another line comes), ``progress``, ``over`` with the last answer, then
``latencies``, ``request`` for each request if these were asked for, and ``result``; or ``error``.
"""

import contextlib
import gc
import json
import os
import resource
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import httpx

from pytest_numa.errors import LoadError, PytestNumaError
from pytest_numa.kernel import cpulist
from pytest_numa.load import prompts, results, schedule
from pytest_numa.load.plain import Plain
from pytest_numa.load.prepared import request_id
from pytest_numa.load.results import Limits, RequestResult, RunResult
from pytest_numa.load.target import Target
from pytest_numa.load.workload import Workload

# A client that uses more of its one core than this (Python runs on one at a time), or that wakes
# later than this, reports itself rather than the server. docs/load.md: at 0.85 of a core all stamps
# were right still, at 0.91 chunks began to come several in a read.
_MOST_CPU_SHARE = 0.9
_MOST_LAG_MS = 50.0
# Connections of an open loop come on top of those asked for; some descriptors are our own.
_SPARE_DESCRIPTORS = 64
_FOREVER = 10**9
# Servers that allow no field beside those of OpenAI's API say so by one of these.
_REFUSALS = ("http_400", "http_422")
_REFUSABLE = ((), ("cache_prompt",), ("cache_prompt", "ignore_eos"))


class Load:
    """One workload, offered to one server. ``run_id`` begins the name of each request."""

    def __init__(self, target: Target, workload: Workload) -> None:
        self.run_id = f"numa-{secrets.token_hex(4)}"
        self._workload = workload
        self._driver: Any = Plain(target, workload)
        if not target.is_plain:
            from pytest_numa.load.threads import Threads  # noqa: PLC0415 - seldom needed, and slow

            self._driver = Threads(target, workload)

    def stop(self) -> None:
        """End early: what is under way is cut and does not count."""
        self._driver.stop()

    def measured(self, limits: Limits) -> tuple[RunResult, list[RequestResult]]:
        """Warm up, then the run itself, with the garbage collector off."""
        driver, path = self._driver, self._workload.prompts
        driver.connect(prompts.read(Path(path)) if path is not None else ())
        if driver.wake_descriptor >= 0:
            signal.set_wakeup_fd(driver.wake_descriptor, warn_on_full_buffer=False)
        workload, warm = self._warmed_up()
        # Slots that begin at once stay in step: all prompts meet in the server, wave by wave, and
        # the time to first token is that of a wave. The fastest, since the first may be cold.
        alone_s = min((one.latency_s for one in warm if one.failure is None), default=0.0)
        counted = workload.n_requests if workload.duration_s is None else _FOREVER
        driver.prepare(workload, self.run_id, iter(range(counted)))
        _wait_for_leave()
        gc.collect()
        gc.freeze()
        gc.disable()
        cpu_s = time.process_time()
        begun_s = time.perf_counter()
        requests = driver.run(
            schedule.of(workload, begin_s=begun_s),
            slots=workload.concurrency if workload.rate_per_s is None else None,
            spacing_s=alone_s / workload.concurrency,
            on_tick=lambda done, failed: _tell("progress", done=done, failed=failed),
        )
        cpu_s = time.process_time() - cpu_s
        wall_s = time.perf_counter() - begun_s
        _tell("over")
        result = results.summarise(
            requests,
            client=self._client(requests, cpu_s=cpu_s, wall_s=wall_s),
            workload=workload.as_document(),
            clock=driver.clock,
            limits=limits,
            incomplete=driver.is_stopped,
        )
        return result, requests

    def _warmed_up(self) -> tuple[Workload, list[RequestResult]]:
        """Warm up; and leave out of all requests the fields that this server refuses to know."""
        asked, driver = self._workload, self._driver
        warm: list[RequestResult] = []
        workload = asked
        for left_out in _REFUSABLE:
            # What the user has set himself stays.
            extra = {**dict.fromkeys(left_out), **asked.extra_body}
            workload = replace(asked, extra_body=extra)
            numbers = range(-asked.warmup, 0)
            driver.prepare(workload, self.run_id, iter(numbers))
            warm = driver.run(schedule.Schedule(iter(numbers)), slots=asked.concurrency)
            if not warm or any(one.failure not in _REFUSALS for one in warm):
                return workload, warm
        # It is none of these fields that the server does not like.
        return asked, warm

    def _client(
        self, requests: Sequence[RequestResult], *, cpu_s: float, wall_s: float
    ) -> results.Client:
        lag_ms = _p99_ms(self._driver.lag_s) or 0.0
        late_s = [
            one.handed_at_s - one.sent_at_s for one in requests if one.handed_at_s is not None
        ]
        share = cpu_s / max(wall_s, 1e-9)
        return results.Client(
            cpu_s=cpu_s,
            lag_p99_ms=lag_ms,
            bound=share > _MOST_CPU_SHARE or lag_ms > _MOST_LAG_MS,
            reconnected=self._driver.reconnected,
            cpu_share=share,
            send_lag_p99_ms=_p99_ms(late_s) if self._workload.rate_per_s is not None else None,
            cpus=cpulist.format(frozenset(os.sched_getaffinity(0))),
        )


def _p99_ms(values_s: Sequence[float]) -> float | None:
    return 1000 * results.percentile(values_s, 0.99) if values_s else None


def _tell(event: str, **parts: Any) -> None:  # noqa: ANN401 - JSON
    sys.stdout.write(json.dumps({"event": event, **parts}) + "\n")
    sys.stdout.flush()


def _wait_for_leave() -> None:
    """What the run is measured by is read now, and not while the run lasts."""
    _tell("ready")
    # The end of the input is a leave too: whoever gave the job waits for nothing.
    sys.stdin.readline()


def _place(cpus: Sequence[int]) -> None:
    """Go where we were told, before any thread is started: they inherit it."""
    if not cpus:
        return
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        raise LoadError(f"the load generator cannot run on CPUs {cpus}: {error}") from None


def _have_descriptors(workload: Workload) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Not where the hard limit is above what the kernel allows at all.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft != resource.RLIM_INFINITY and workload.concurrency + _SPARE_DESCRIPTORS > soft:
        raise LoadError(
            f"a concurrency of {workload.concurrency} needs as many connections, and a process may "
            f"open {soft} files here: raise the limit (ulimit -Hn), or lower the concurrency"
        )


def main() -> int:
    """Run one job."""
    job = json.loads(sys.stdin.readline())
    try:
        _place(job["cpus"])
        workload = Workload.from_document(job["workload"])
        _have_descriptors(workload)
        load = Load(Target(**job["target"]), workload)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: load.stop())
        result, requests = load.measured(Limits(**job["limits"]))
    except PytestNumaError as error:
        _tell("error", text=str(error))
        return 1
    except httpx.InvalidURL as error:
        _tell("error", text=f"the server's URL cannot be used: {error}")
        return 1
    good = [one for one in requests if one.failure is None]
    first_s = [one.time_to_first_token_s for one in good]
    _tell("latencies", seconds=[one.latency_s for one in good], first_tokens=first_s)
    if job["is_detailed"]:
        begun_at_s = min((one.sent_at_s for one in requests), default=0.0)
        for one in requests:
            name = request_id(load.run_id, one.number)
            document = {"id": name, **one.as_document(begun_at_s=begun_at_s)}
            _tell("request", request=document)
    _tell("result", result=asdict(result))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        # Whoever started us is gone, and nobody wants to know.
        os._exit(1)
