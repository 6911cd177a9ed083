"""How true the load generator is, and what it costs, against a server that knows the truth.

``python benchmarks/load_generator.py [--repeat 3] [--parts truth,bound]`` builds mock_server.c,
puts it on one CPU and each client on another, and prints a table; httpx as it comes runs in turn
with ours. The figures are of this machine, at this time: `raw` is the least that Python can do.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mock_server
import raw_epoll

from pytest_numa.load import results, runner
from pytest_numa.load.results import RunResult
from pytest_numa.load.workload import Workload

Figures = dict[str, float]
BASE = Workload(n_requests=384, concurrency=64, output_tokens=64, warmup=64)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where everything is."""

    program: Path
    server_cpu: int
    client_cpu: int

    def server(self, *options: str) -> Any:  # noqa: ANN401 - a context manager of a Mock
        """A server with these options."""
        return mock_server.running(self.program, *options, cpu=self.server_cpu)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a client saw, beside what the server did."""

    requests: list[dict[str, Any]]
    records: dict[str, dict[str, Any]]
    cpu_s: float
    duration_s: float

    @property
    def events(self) -> int:
        return sum(len(one["text_at_s"]) for one in self.requests)

    def figures(self) -> Figures:
        """Errors against the server's stamps, in ms and µs; costs per event."""
        stamps_us: list[float] = []
        first_ms: list[float] = []
        gaps_ms: list[float] = []
        true_gaps_ms: list[float] = []
        for one in self.requests:
            record = self.records[one["key"]]
            true_s = [stamp / 1e9 for stamp in record["stamps"]]
            pairs = zip(one["text_at_s"], true_s, strict=True)
            stamps_us += [1e6 * (seen_s - at_s) for seen_s, at_s in pairs]
            true_ms = 1e3 * (true_s[0] - record["read_at"] / 1e9)
            first_ms.append(abs(1e3 * (one["text_at_s"][0] - one["sent_at_s"]) - true_ms))
            gaps_ms += [1e3 * (late - early) for early, late in pairwise(one["text_at_s"])]
            true_gaps_ms += [1e3 * (late - early) for early, late in pairwise(true_s)]
        return {
            "ttft_error_p50_ms": results.percentile(first_ms, 0.5),
            "ttft_error_p99_ms": results.percentile(first_ms, 0.99),
            "stamp_error_p50_us": results.percentile(stamps_us, 0.5),
            "stamp_error_p99_us": results.percentile(stamps_us, 0.99),
            "itl_p99_ms": results.percentile(gaps_ms, 0.99),
            "true_itl_p99_ms": results.percentile(true_gaps_ms, 0.99),
            "cpu_us_per_event": 1e6 * self.cpu_s / self.events,
            "tokens_per_s": self.events / self.duration_s,
        }


def offered(bench: Bench, workload: Workload, *options: str) -> tuple[RunResult, Seen]:
    """Our own client against a server with these options."""
    requests: list[dict[str, Any]] = []
    with bench.server(*options) as mock:
        started = runner.started(
            mock.url, workload, cpus=frozenset({bench.client_cpu}), is_detailed=True
        )
        with started as client:
            result = client.followed(on_request=requests.append)
    begun_s = result.begun_at_s or 0.0
    seen = [
        {
            "key": workload.prompt(one["number"])[:31],
            "sent_at_s": begun_s + one["sent_at_ms"] / 1e3,
            "text_at_s": [begun_s + at_ms / 1e3 for at_ms in one["text_at_ms"]],
        }
        for one in requests
        if one["failure"] is None
    ]
    return result, Seen(
        requests=seen,
        records=mock.records,
        cpu_s=result.client.cpu_s,
        duration_s=result.duration_s,
    )


def peer(bench: Bench, workload: Workload, *options: str, spacing_s: float) -> Seen:
    """Httpx as it comes against the same."""
    numbers = range(-workload.concurrency, workload.n_requests)
    with bench.server(*options) as mock:
        job = {
            "url": mock.url,
            "concurrency": workload.concurrency,
            "spacing_s": spacing_s / workload.concurrency,
            "cpu": bench.client_cpu,
            "bodies": [workload.body(number, model="mock") for number in numbers],
        }
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("httpx_as_it_comes.py")],
            input=json.dumps(job), capture_output=True, text=True, check=True,
        )  # fmt: skip
    return Seen(records=mock.records, **json.loads(done.stdout))


def truth(bench: Bench) -> Figures:
    """Concurrency 64, a token every 5 ms: ours, the peer, and the least."""
    options = ("--ttft", "50000", "--itl", "5000")
    ours = offered(bench, BASE, *options)[1].figures()
    theirs = peer(bench, replace(BASE, n_requests=192), *options, spacing_s=0.37).figures()
    with bench.server(*options) as mock:
        raw_us = raw_epoll.cpu_us_per_event(mock.url, BASE, cpu=bench.client_cpu)
    named = {f"httpx_{name}": value for name, value in theirs.items()}
    return {**ours, **named, "raw_cpu_us_per_event": raw_us}


def bursts(bench: Bench) -> Figures:
    """64 tokens at once every 40 ms."""
    options = ("--ttft", "50000", "--itl", "40000", "--align", "40000")
    workload = replace(BASE, n_requests=128, output_tokens=32, warmup=0)
    ours = offered(bench, workload, *options)[1].figures()
    theirs = peer(bench, workload, *options, spacing_s=0.0).figures()
    return {
        "burst_stamp_error_p99_us": ours["stamp_error_p99_us"],
        "httpx_burst_stamp_error_p99_us": theirs["stamp_error_p99_us"],
    }


def flat_out(bench: Bench) -> Figures:
    """A server without any delay."""
    options = ("--ttft", "0", "--itl", "0")
    workload = replace(BASE, output_tokens=256)
    ours = offered(bench, workload, *options)[0]
    theirs = peer(bench, replace(workload, n_requests=64), *options, spacing_s=0.0).figures()
    return {
        "flat_out_tokens_per_s": ours.output_tokens_per_s,
        "httpx_flat_out_tokens_per_s": theirs["tokens_per_s"],
    }


def command(bench: Bench) -> Figures:
    """30 requests, concurrency 4, instant server: the whole command."""
    with bench.server("--ttft", "0", "--itl", "0") as mock:
        argv = [sys.executable, "-m", "pytest_numa.cli", "bench", "--url", mock.url]
        begun_s = time.perf_counter()
        process = subprocess.Popen([*argv, "--n-requests", "30"], stdout=subprocess.DEVNULL)
        peaks_kib: dict[int, int] = {}
        while process.poll() is None:
            for pid in (process.pid, *_children(process.pid)):
                peaks_kib[pid] = max(peaks_kib.get(pid, 0), _peak_kib(pid))
            time.sleep(0.005)
        wall_s = time.perf_counter() - begun_s
    return {"command_wall_s": wall_s, "command_peak_mb": sum(peaks_kib.values()) / 1024}


def behaviour(bench: Bench) -> Figures:
    """What other tools do not see."""
    one = replace(BASE, n_requests=12, concurrency=4, warmup=4, output_tokens=32)
    stalled = offered(bench, one, "--stall-at", "16", "--stall", "300000")[0]
    role = offered(bench, one, "--ttft", "200000", "--role", "1")[0]
    by_object = offered(bench, one, "--fail", "object")[0]
    by_status = offered(bench, one, "--fail", "status")[0]
    nobody = runner.run("http://127.0.0.1:9", replace(one, warmup=0))
    return {
        "stall_itl_p99_ms": stalled.itl_ms.p99 or 0.0,
        "stall_itl_max_ms": stalled.itl_ms.max or 0.0,
        "role_ttft_p50_ms": role.ttft_ms.p50 or 0.0,
        "stream_error": by_object.failures.get("stream_error", 0),
        "http_500": by_status.failures.get("http_500", 0),
        "connect": nobody.failures.get("connect", 0),
    }


def bound(bench: Bench) -> Figures:
    """Concurrency 256: up to which rate of events the client does not call itself the limit."""
    workload = replace(BASE, n_requests=768, concurrency=256, warmup=256)
    found: Figures = {}
    for per_s in (12_500, 25_000, 36_000, 51_200, 100_000):
        gap_us = str(round(256 / per_s * 1e6))
        result = offered(bench, workload, "--ttft", "50000", "--itl", gap_us)[0]
        found[f"events_per_s_{per_s}"] = result.output_tokens_per_s
        found[f"bound_{per_s}"] = float(result.client.bound)
        found[f"cpu_share_{per_s}"] = result.client.cpu_share or 0.0
        found[f"lag_p99_ms_{per_s}"] = result.client.lag_p99_ms
        found[f"itl_p50_ms_{per_s}"] = result.itl_ms.p50 or 0.0
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


PARTS: Sequence[Callable[[Bench], Figures]] = (truth, bursts, flat_out, command, behaviour, bound)


def main() -> None:
    """Measure all parts so many times, and tell the median and the range of each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    everything = ",".join(part.__name__ for part in PARTS)
    parser.add_argument("--parts", default=everything, help=f"of {everything} [all]")
    arguments = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise SystemExit("needs two CPUs: one for the server, one for the client")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = mock_server.build(Path(folder))
        bench = Bench(program=program, server_cpu=cpus[-1], client_cpu=cpus[0])
        for _ in range(arguments.repeat):
            for part in PARTS:
                if part.__name__ in arguments.parts.split(","):
                    for name, value in part(bench).items():
                        found.setdefault(name, []).append(value)
    print(f"{'figure':34} {'median':>12} {'lowest':>12} {'highest':>12}")
    for name, values in found.items():
        middle = statistics.median(values)
        print(f"{name:34} {middle:12.3f} {min(values):12.3f} {max(values):12.3f}")


if __name__ == "__main__":
    main()
