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
from pytest_numa.load.results import Limits, RunResult
from pytest_numa.load.target import Target
from pytest_numa.load.workload import Workload

_GRACE_S = 10.0
Told = Callable[[int, int], None]
OnRequest = Callable[[dict[str, Any]], None]
OnLatencies = Callable[[list[float], list[float | None]], None]
Around = contextlib.AbstractContextManager[object]


def run(
    target: str | Target,
    workload: Workload,
    *,
    cpus: frozenset[int] | None = None,
    limits: Limits | None = None,
    on_progress: Told | None = None,
    on_latencies: OnLatencies | None = None,
    around: Around | None = None,
) -> RunResult:
    """Offer the workload from a process of its own, on ``cpus`` where given.

    ``on_progress`` is told the requests that have ended, and how many of them badly;
    ``on_latencies`` the seconds of each that ended well, in the order of their ends, and those to
    their first tokens (None where an answer was not streamed). ``around`` is
    entered when all is warm, before the first measured request, and left after the last answer. On
    Ctrl-C the client is ended and the exception goes on; LoadError where the client itself fails.
    """
    with started(target, workload, cpus=cpus, limits=limits) as client:
        return client.followed(on_progress, on_latencies=on_latencies, around=around)


class Client:
    """A client process under way."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self._process = process
        self._errors = errors

    def interrupt(self) -> None:
        """Have the client end early and report what it has."""
        self._process.send_signal(signal.SIGTERM)

    def followed(
        self,
        on_progress: Told | None = None,
        on_request: OnRequest | None = None,
        on_latencies: OnLatencies | None = None,
        around: Around | None = None,
    ) -> RunResult:
        """Read what the client says until its result; the rest is as for ``run``.

        ``on_request`` is given the requests once all is over, if they were asked for.
        """
        with contextlib.ExitStack() as lasting:
            for event in self._events():
                kind = event.get("event")
                if kind == "ready":
                    lasting.enter_context(around or contextlib.nullcontext())
                    self._give_leave()
                elif kind == "over":
                    lasting.close()
                elif kind == "progress" and on_progress is not None:
                    on_progress(event["done"], event["failed"])
                elif kind == "latencies" and on_latencies is not None:
                    on_latencies(event["seconds"], event["first_tokens"])
                elif kind == "request" and on_request is not None:
                    on_request(event["request"])
                elif kind == "error":
                    raise LoadError(event["text"])
                elif kind == "result":
                    return RunResult.from_document(event["result"])
        status = self._process.wait(_GRACE_S)
        self._errors.seek(0)
        said = self._errors.read().strip()[-2000:]
        raise LoadError(
            f"the load generator ended without a result (status {status}); it said:\n"
            f"{said or '(nothing)'}"
        )

    def _events(self) -> Iterator[dict[str, Any]]:
        for line in self._process.stdout or ():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event

    def _give_leave(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write("\n")
                self._process.stdin.flush()


@contextlib.contextmanager
def started(
    target: str | Target,
    workload: Workload,
    *,
    cpus: frozenset[int] | None,
    limits: Limits | None = None,
    is_detailed: bool = False,
) -> Iterator["Client"]:
    """A client process, ended with the block."""
    job = {
        "target": (Target(url=target) if isinstance(target, str) else target).as_job(),
        "workload": workload.as_document(),
        "limits": (limits or Limits()).given,
        "cpus": sorted(cpus or ()),
        "is_detailed": is_detailed,
    }
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
            with contextlib.suppress(BrokenPipeError):
                if process.stdin is not None:
                    process.stdin.write(json.dumps(job) + "\n")
                    process.stdin.flush()
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
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
