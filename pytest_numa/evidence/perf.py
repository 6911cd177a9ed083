"""Counters of the CPU itself while a run lasts, by `perf stat`, where that is there and allowed.

perf counts for the processes' threads, and those they start meanwhile. Output: perf-stat(1), "CSV
FORMAT"; it goes to standard error, one event a line.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_numa.errors import ParseError

EVENTS = ("task-clock", "cycles", "instructions", "cache-misses")
_END_S = 5.0
# Of a line: value, unit, event, time counted, share of the time; the rest is derived.
_FIELDS = 3


@dataclass(slots=True)
class Counting:
    """What perf found, once the block has ended: counts by event, or why there are none."""

    found: Mapping[str, float] | str = "perf has not ended yet"


def stat_argv(pids: Iterable[int]) -> list[str]:
    """The command line; pure."""
    shown = ",".join(map(str, sorted(pids)))
    return ["perf", "stat", "-x", ",", "-e", ",".join(EVENTS), "-p", shown]


def parse(text: str, *, source: str) -> dict[str, float]:
    """Counts by event, task-clock in ms; ParseError where there is none at all.

    Events that this CPU, hypervisor or user cannot count are left out. A name loses its modifier:
    without the right to see the kernel perf counts ``cycles:u``.
    """
    counts: dict[str, float] = {}
    for line in text.splitlines():
        fields = line.split(",")
        name = fields[_FIELDS - 1].partition(":")[0] if len(fields) >= _FIELDS else ""
        if name in EVENTS:
            # "<not supported>" and "<not counted>" are no numbers.
            with contextlib.suppress(ValueError):
                counts[name] = float(fields[0])
    if not counts.keys() - {"task-clock"}:
        raise ParseError(source, expected="a count of cycles or instructions", found=text)
    return counts


def lacking() -> str | None:
    """Why perf cannot count here, found by trying; None where it can."""
    if shutil.which("perf") is None:
        return "perf is not installed"
    argv = ["perf", "stat", "-x", ",", "-e", ",".join(EVENTS), "--", "true"]
    try:
        tried = subprocess.run(
            argv, capture_output=True, text=True, env=_environment(), timeout=_END_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"perf: {error}"
    found = _understood(tried.stderr)
    return found if isinstance(found, str) else None


@contextlib.contextmanager
def counting(pids: Iterable[int], *, lacks: str | None) -> Iterator[Counting]:
    """Count for the processes while the block runs; not where it ``lacks`` something."""
    counts = Counting()
    if lacks is not None:
        counts.found = lacks
        yield counts
        return
    process = subprocess.Popen(
        stat_argv(pids),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        # Ctrl-C in the terminal is ours to handle: perf then ends in order.
        start_new_session=True,
    )
    try:
        yield counts
    finally:
        counts.found = _ended(process)


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _ended(process: "subprocess.Popen[str]") -> Mapping[str, float] | str:
    """End perf, which then prints what it has."""
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "perf did not end"
    return _understood(said)


def _understood(said: str) -> Mapping[str, float] | str:
    try:
        return parse(said, source="perf stat")
    except ParseError:
        pass
    if "<not supported>" in said:
        return "perf: this CPU or hypervisor offers no hardware counters"
    lines = [line for line in said.splitlines() if line.strip() not in ("", "Error:")]
    return f"perf: {lines[0] if lines else 'it said nothing'}"
