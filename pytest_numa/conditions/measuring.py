"""The additional blocks of a session: measured in what time is left, and never at its expense."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from pytest_numa import formatting
from pytest_numa.conditions import rounds
from pytest_numa.conditions.rounds import Round, Schedule
from pytest_numa.conditions.wanted import Wanted
from pytest_numa.errors import PytestNumaError
from pytest_numa.experiment import Block, Measured, Plan, Position
from pytest_numa.services.undo import Footprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Measured]):
    """What was measured under conditions: complete rounds, and what is to be said of them."""

    names: tuple[str, ...] = ()
    """Of the conditions in their order, without "as it is"."""
    rounds: Sequence[Round[Measured]] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the main question took in this session: blocks, and the seconds of all of them."""

    blocks: int = 0
    elapsed_s: float = 0.0


def measured(
    wanted: Wanted,
    plan: Plan,
    spent: Spent,
    footprint: Footprint,
    *,
    measure: Callable[[Position], Sequence[Measured]],
    on_block: Callable[[str, int, Block[Measured]], None],
) -> Found[Measured]:
    """Measure under all conditions that are wanted.

    An error ends it and becomes a note: what the main question has found is worth keeping.
    """
    conditions = wanted.conditions(plan.modes, footprint)
    notes = wanted.as_it_is()
    done: list[Round[Measured]] = []
    limit_s = plan.budget.max_time_s
    schedule = Schedule(
        conditions=conditions,
        rounds=wanted.blocks if conditions else 0,
        runs=plan.runs,
        cool_down_s=plan.cool_down_s,
        time_s=None if limit_s is None else limit_s - spent.elapsed_s,
        block_s=spent.elapsed_s / max(1, spent.blocks),
    )
    driver = rounds.Driver(measure=measure, on_block=on_block, on_round=done.append)
    try:
        rounds.run(schedule, driver)
    except PytestNumaError as error:
        notes.append(f"measuring under conditions ended early: {error}")
    else:
        notes += _too_few(len(done), schedule)
    notes += [text for one in conditions for text in one.remarks()]
    return Found(names=tuple(one.name for one in conditions), rounds=done, notes=tuple(notes))


def _too_few(done: int, schedule: Schedule) -> list[str]:
    if done == schedule.rounds:
        return []
    left = formatting.duration(max(0.0, schedule.time_s or 0.0))
    return [
        f"{done} of {schedule.rounds} blocks were measured under each condition: the rest of "
        f"--numa-time, {left}, was not enough for more"
    ]
