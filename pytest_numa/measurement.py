"""What a session has measured: runs, blocks of runs by mode, and how they came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pytest_numa import placement, process
from pytest_numa.conditions import measuring
from pytest_numa.evidence import Change
from pytest_numa.load.results import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one mode: its figures, and what was found of the service's placement after it."""

    mode: str
    result: RunResult
    main_pid: int
    proofs: tuple[placement.Proof, ...]
    """After the service was ready, by a sample of its pages, and after the run, in full."""
    evidence: Change | None = None
    """What was counted around the measured requests."""
    latencies_s: tuple[float, ...] = ()
    """Of each request that was answered, in the order of their ends."""
    first_tokens_s: tuple[float | None, ...] = ()
    """To the first token of the same requests; None where an answer was not streamed."""

    @property
    def proof(self) -> placement.Proof:
        """What was seen after the run, and by the watch from the service's birth on."""
        return self.proofs[-1]

    @property
    def processes(self) -> tuple[process.Process, ...]:
        """The service's processes after the run."""
        return self.proof.processes

    @property
    def findings(self) -> tuple[placement.Finding, ...]:
        """All that speaks against the placement, from the service's birth to the run's end."""
        return placement.over_time(self.proofs)

    @property
    def argv(self) -> tuple[str, ...]:
        """What the main process says that it runs; empty where it was not seen."""
        return next((one.argv for one in self.processes if one.pid == self.main_pid), ())


Blocks = Sequence[Mapping[str, Sequence[Run]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """All complete blocks, and when the first began."""

    begun_at: datetime
    blocks: Blocks
    took_s: float | None = None
    """From the first block's begin to the last one's end; None where it was interrupted."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how it was measured."""
    page_cache: tuple[str, ...] = ()
    """What was done with it before each start, in words."""
    conditions: measuring.Found[Run] | None = None
    """Under other conditions than the host's own; no verdict rests on it."""

    def runs(self, mode: str) -> list[Run]:
        """All runs of a mode, in order."""
        return [run for block in self.blocks for run in block.get(mode, ())]
