"""What a verdict will take on this host: the spread of its runs, and what the gate makes of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_numa import comparison, stats
from pytest_numa.errors import SessionError
from pytest_numa.gate import power
from pytest_numa.metrics import Metric
from pytest_numa.session_file import SessionFile

_FEW_RUNS = 3
# Of the margin.
_SLOWDOWNS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The spread of one run: its coefficient of variation, and on how many runs that rests."""

    name: str
    cv: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to expect. Blocks are None where 64 would not do."""

    spreads: Sequence[Spread]
    noise: power.Noise
    margin: float
    most_blocks: int
    half_by: int | None
    most_by: int | None
    block_s: float | None
    curve: Sequence[power.Expected]

    def minutes(self, blocks: float | None) -> float | None:
        """What so many blocks take."""
        return None if blocks is None or self.block_s is None else blocks * self.block_s / 60


def spreads(sessions: Sequence[SessionFile], metrics: Sequence[Metric]) -> list[Spread]:
    """The spread of the runs of each figure, within modes and starts of one session.

    Runs of ``bench`` count as one session. SessionError where there are too few.
    """
    found = []
    for metric in metrics:
        groups = _groups(sessions, metric)
        freedom = sum(len(group) - 1 for group in groups)
        runs = sum(map(len, groups))
        if freedom < _FEW_RUNS - 1:
            raise SessionError(
                f"expected at least {_FEW_RUNS} runs of one mode to tell their spread, found "
                f"{runs or 'one'}; give more files, or --cv PCT"
            )
        squares = math.fsum((len(group) - 1) * stats.sd(group) ** 2 for group in groups)
        cv = math.sqrt(math.expm1(squares / freedom))
        found.append(Spread(name=metric.name, cv=cv, runs=runs))
    return found


def _groups(sessions: Sequence[SessionFile], metric: Metric) -> list[list[float]]:
    groups: list[list[float]] = []
    single: list[float] = []
    for session in sessions:
        for blocks in session.modes.values():
            logs = [
                math.log(value)
                for block in comparison.values(blocks, metric, session)
                for value in block
            ]
            if len(logs) > 1:
                groups.append(logs)
            else:
                single += logs
    return [*groups, single] if len(single) > 1 else groups


def plan(
    found: Sequence[Spread],
    *,
    margin: float,
    runs: int,
    most_blocks: int,
    block_s: float | None,
    repetitions: int,
) -> Plan:
    """Simulate sessions with the widest of the spreads."""
    noise = power.Noise(cv=max(one.cv for one in found), runs=runs)
    half_by, most_by = (
        power.blocks_for(noise, share, margin=margin, repetitions=repetitions)
        for share in (0.5, 0.9)
    )
    return Plan(
        spreads=found,
        noise=noise,
        margin=margin,
        most_blocks=most_blocks,
        half_by=half_by,
        most_by=most_by,
        block_s=block_s,
        curve=power.curve(
            noise,
            [share * margin for share in _SLOWDOWNS],
            margin=margin,
            most_blocks=most_blocks,
            repetitions=repetitions,
        ),
    )
