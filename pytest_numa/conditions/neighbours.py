"""A noisy neighbour: a load on memory for the length of a block, which dies with the session.

stress-ng where it is installed, else a small loop of our own. Each process that we start is killed
by the kernel when we end, however we end (PR_SET_PDEATHSIG); those of stress-ng end with it in the
same way. Should one survive all the same, the next session finds it by our name and ends it.
"""

import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from pytest_numa.conditions import memory_load
from pytest_numa.conditions.places import Place
from pytest_numa.errors import ServiceError
from pytest_numa.kernel import cpulist
from pytest_numa.services import direct
from pytest_numa.services.undo import SESSION_VARIABLE, Footprint

_END_S = 5.0
_LOG = "neighbour.log"


def load_argvs(place: Place, *, stress_ng: str | None) -> list[list[str]]:
    """The command lines of all processes to be started; pure."""
    if stress_ng is not None:
        count, cpus = str(len(place.cpus)), cpulist.format(place.cpus)
        return [[stress_ng, "--stream", count, "--taskset", cpus, "--timeout", "0", "--quiet"]]
    loop = [sys.executable, "-I", "-S", memory_load.__file__]
    return [[*loop, str(cpu), str(place.buffer_bytes)] for cpu in sorted(place.cpus)]


def found_stress_ng() -> str | None:
    """The path of stress-ng, where it is installed."""
    return shutil.which("stress-ng")


class Neighbour:
    """One neighbour, at work for some blocks of a session, and what is to be said of it."""

    def __init__(self, place: Place, footprint: Footprint, *, stress_ng: str | None) -> None:
        self.place = place
        self._footprint = footprint
        self._stress_ng = stress_ng
        self._worked_s = 0.0
        self._elapsed_s = 0.0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have it work for the length of the block; ServiceError where it did not."""
        children: list[subprocess.Popen[bytes]] = []
        log_path = self._footprint.folder / _LOG
        try:
            with log_path.open("wb") as log:
                for argv in load_argvs(self.place, stress_ng=self._stress_ng):
                    child = _started(argv, self._footprint, log.fileno())
                    children.append(child)
            begun_s = time.monotonic()
            yield
            _check_alive(children, log_path)
            self._elapsed_s += time.monotonic() - begun_s
            self._worked_s += math.fsum(_cpu_s(child.pid) for child in children)
        finally:
            _end(children)

    def remarks(self) -> list[str]:
        """What worked where, and how much of these CPUs' time it got."""
        how = "stress-ng --stream" if self._stress_ng else "copying memory"
        count = len(self.place.cpus)
        processes = f"{count} process{'' if count == 1 else 'es'}"
        cpus = f"on CPUs {cpulist.format(self.place.cpus)}"
        got = f", {self.share:.0%} of whose time it got" if self._elapsed_s else ""
        texts = [f"{how} in {processes} {cpus}{got}", *self.place.remarks]
        return [f"{self.place.name}: {text}" for text in texts]

    @property
    def share(self) -> float:
        """The part of its CPUs' time that it worked: less, where it had to share them."""
        available_s = self._elapsed_s * len(self.place.cpus)
        return self._worked_s / available_s if available_s else 0.0


def _cpu_s(pid: int) -> float:
    """The CPU time of a process and its children, in seconds; 0 where it has just ended."""
    try:
        process = psutil.Process(pid)
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    except psutil.Error:
        return 0.0
    return math.fsum(one.user + one.system for one in times)


def _started(argv: Sequence[str], footprint: Footprint, log: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            direct.launch_argv(argv),
            env={**direct.plain_environment(), SESSION_VARIABLE: footprint.name},
            # stress-ng makes files where it is started.
            cwd=footprint.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise ServiceError(f"the noisy neighbour could not be started: {error}") from None


def _check_alive(children: Sequence[subprocess.Popen[bytes]], log_path: Path) -> None:
    ended = [child for child in children if child.poll() is not None]
    if ended:
        log = log_path.read_text(encoding="utf-8", errors="replace").strip()
        raise ServiceError(
            f"the noisy neighbour ended before the block did (status {ended[0].returncode}), so "
            f"nothing was measured under it; it said:\n{log[-2000:] or '(nothing)'}"
        )


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all of them and their groups: at the same time, then each for sure."""
    for child in children:
        _signal(child, signal.SIGTERM)
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=_END_S)
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
