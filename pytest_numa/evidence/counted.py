"""A block around which the counters are read: before it begins, and when it has ended."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from pytest_numa.evidence import perf, snapshot
from pytest_numa.evidence.change import Change, between


class Counted:
    """A context manager; ``change`` is known once the block has ended, None before.

    ``perf_lacks`` is why perf cannot be had, None where it can (``perf.lacking``).
    """

    def __init__(
        self,
        pids: Iterable[int],
        cgroup: Path | None,
        *,
        cpus: frozenset[int],
        perf_lacks: str | None,
    ) -> None:
        self._pids = sorted(pids)
        self._cgroup = cgroup
        self._cpus = cpus
        self._perf_lacks = perf_lacks
        self._readings: list[snapshot.Evidence] = []
        self._block = contextlib.ExitStack()
        self._hardware = perf.Counting()

    @property
    def change(self) -> Change | None:
        """What was counted; understood only now, when no run waits for it."""
        if len(self._readings) < 2:  # noqa: PLR2004 - before and after
            return None
        before, after = self._readings
        return between(before, after, self._hardware.found)

    def __enter__(self) -> "Counted":  # noqa: PYI034 - typing.Self came with Python 3.11
        # First, for it takes a moment to start, and is in none of the other counters then.
        counting = perf.counting(self._pids, lacks=self._perf_lacks)
        self._hardware = self._block.enter_context(counting)
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        with self._block:
            self._read()

    def _read(self) -> None:
        self._readings.append(snapshot.read(self._pids, self._cgroup, cpus=self._cpus))
