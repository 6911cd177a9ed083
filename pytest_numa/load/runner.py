"""The parent's side of a run: the client is started, followed, and ended whatever happens."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from pytest_numa.errors import LoadError
from pytest_numa.load.results import RunResult
from pytest_numa.load.workload import Workload

_GRACE_S = 10.0
Told = Callable[[int, int], None]
Latencies = Callable[[list[float]], None]


def run(
    url: str,
    workload: Workload,
    *,
    cpus: frozenset[int] | None = None,
    on_progress: Told | None = None,
    on_latencies: Latencies | None = None,
) -> RunResult:
    """Offer the workload from a process of its own, on ``cpus`` where given.

    ``on_progress`` is told the requests that have ended, and how many of them badly;
    ``on_latencies`` the seconds of each that ended well, in the order of their ends. On Ctrl-C the
    client is ended and the exception goes on; LoadError where the client itself fails.
    """
    with started(url, workload, cpus=cpus) as client:
        return client.followed(on_progress, on_latencies)


class Client:
    """A client process under way."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self._process = process
        self._errors = errors

    def interrupt(self) -> None:
        """Have the client end early and report what it has."""
        self._process.send_signal(signal.SIGTERM)

    def followed(
        self, on_progress: Told | None = None, on_latencies: Latencies | None = None
    ) -> RunResult:
        """Read what the client says until its result."""
        output = self._process.stdout
        for line in output or ():
            event = _event(line)
            if event.get("event") == "progress" and on_progress is not None:
                on_progress(event["done"], event["failed"])
            if event.get("event") == "latencies" and on_latencies is not None:
                on_latencies(event["seconds"])
            if event.get("event") == "error":
                raise LoadError(event["text"])
            if event.get("event") == "result":
                return RunResult.from_document(event["result"])
        status = self._process.wait(_GRACE_S)
        self._errors.seek(0)
        said = self._errors.read().strip()[-2000:]
        raise LoadError(
            f"the load generator ended without a result (status {status}); it said:\n"
            f"{said or '(nothing)'}"
        )


@contextlib.contextmanager
def started(url: str, workload: Workload, *, cpus: frozenset[int] | None) -> Iterator["Client"]:
    """A client process, ended with the block."""
    job = {"url": url, "workload": workload.as_document(), "cpus": sorted(cpus or ())}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_numa.load.client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=_environment(),
            # Ctrl-C in the terminal is ours to handle: the client then ends in order.
            start_new_session=True,
        )
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext():
                if process.stdin is not None:
                    process.stdin.write(json.dumps(job))
            yield Client(process, errors)
        finally:
            _end(process)


def _environment() -> dict[str, str]:
    """Ours, less what would make Python's start depend on the current directory."""
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    # Safe path: a file json.py or load.py in the user's directory is none of ours.
    return {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(paths)}


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
