"""Files with sessions, made of runs with a given speed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_numa.load import results
from pytest_numa.load.results import Client, RequestResult, RunResult

CLIENT = Client(cpu_s=0.1, lag_p99_ms=0.1, bound=False)
SUBJECT = {"host class": "a host", "workload": "a load", "server and model": "a server"}
NOISE = (1.004, 0.997, 1.001, 0.995, 1.006, 0.999, 1.003, 0.998)


def run(latency_s: float) -> RunResult:
    """A run of one request with ten tokens."""
    request = RequestResult(
        sent_at_s=1.0,
        ended_at_s=1.0 + latency_s,
        text_at_s=(1.0 + latency_s / 2, 1.0 + latency_s),
        output_tokens=10,
        is_counted_by_usage=True,
        failure=None,
    )
    return replace(results.summarise([request], client=CLIENT, workload={}), failures={})


def session(path: Path, *, latency_s: float = 1.0, blocks: int = 6, **changes: object) -> Path:
    """A session of the modes `pinned`, always as fast, and `systemd`."""
    found: dict[str, object] = {
        "kind": "pytest-numa session",
        "schema": 1,
        "when": "2026-01-01T00:00:00+00:00",
        "took_s": 60.0 * blocks,
        "subject": SUBJECT,
        "versions": {"kernel": "6.12.9"},
        "modes": {"pinned": _blocks(1.0, blocks), "systemd": _blocks(latency_s, blocks, shift=3)},
    }
    path.write_text(json.dumps(found | changes))
    return path


def baseline(path: Path, *, latency_s: float = 1.0, blocks: int = 6) -> Path:
    """A recorded baseline of one session."""
    recorded = {
        "when": "2026-01-01T00:00:00+00:00",
        "host": "h",
        "versions": {},
        "blocks": _blocks(latency_s, blocks),
    }
    path.write_text(json.dumps({"schema": 1, "subject": SUBJECT, "sessions": [recorded]}))
    return path


def bench(path: Path, latency_s: float) -> Path:
    """What ``pytest-numa bench --json`` writes."""
    path.write_text(json.dumps(run(latency_s).as_document()))
    return path


def _blocks(latency_s: float, blocks: int, shift: int = 0) -> Sequence[Sequence[object]]:
    noise = [NOISE[(number + shift) % len(NOISE)] for number in range(blocks)]
    return [[run(latency_s * factor).as_document()] for factor in noise]
