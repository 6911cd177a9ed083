"""A noisy neighbour: a load on memory for the length of a block, which dies with the session.

stress-ng where it is installed, else a small loop of our own. Each process that we start is killed
by the kernel when we end, however we end (PR_SET_PDEATHSIG); those of stress-ng end with it in the
same way. Should one survive all the same, the next session finds it by our name and ends it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

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


def described(place: Place, *, stress_ng: str | None) -> list[str]:
    """What works where, for the report."""
    how = "stress-ng --stream" if stress_ng else "copying memory"
    count = len(place.cpus)
    processes = f"{count} process{'' if count == 1 else 'es'}"
    return [
        f"{place.name}: {how} in {processes} on CPUs {cpulist.format(place.cpus)}",
        *(f"{place.name}: {remark}" for remark in place.remarks),
    ]


def found_stress_ng() -> str | None:
    """The path of stress-ng, where it is installed."""
    return shutil.which("stress-ng")


@contextlib.contextmanager
def held(place: Place, footprint: Footprint, *, stress_ng: str | None) -> Iterator[None]:
    """Have the neighbour work for the length of the block; ServiceError where it did not."""
    children: list[subprocess.Popen[bytes]] = []
    log_path = footprint.folder / _LOG
    try:
        with log_path.open("wb") as log:
            for argv in load_argvs(place, stress_ng=stress_ng):
                child = _started(argv, footprint, log.fileno())
                children.append(child)
        yield
        _check_alive(children, log_path)
    finally:
        _end(children)


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
