"""Blocks under conditions: who is measured when, in rounds, after the main question is decided.

A round measures one block under each condition, "as it is" the first among them, and its order
turns round from round to round. So each block under a condition has one without it beside it, and
a drift of the host cancels, as it does between modes.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from pytest_numa.experiment import Block, Budget, Measured, Plan, Position

AS_IT_IS = "as it is"
Round = Mapping[str, Block[Measured]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is set for the length of a block; ``modes`` are those that it is to be told of.

    ``remarks`` is asked when all is over.
    """

    name: str
    modes: tuple[str, ...]
    held: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    remarks: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """``rounds`` of all conditions within ``time_s``; a block is expected to take ``block_s``."""

    conditions: tuple[Condition, ...]
    rounds: int
    runs: int = 1
    cool_down_s: float = 0.0
    time_s: float | None = None
    block_s: float = 0.0

    @property
    def blocks(self) -> int:
        """Blocks of all rounds."""
        return self.rounds * (1 + len(self.conditions))

    def order(self, number: int) -> tuple[Condition, ...]:
        """The conditions of a round; every other one is turned round."""
        asked = {mode: None for one in self.conditions for mode in one.modes}
        everything = (Condition(name=AS_IT_IS, modes=tuple(asked)), *self.conditions)
        return everything if number % 2 == 0 else everything[::-1]

    def has_time(self, done: int, elapsed_s: float) -> bool:
        """Whether another round, as long as those before it, would end in time."""
        if self.time_s is None:
            return True
        round_s = elapsed_s / done if done else self.block_s * (1 + len(self.conditions))
        return elapsed_s + round_s <= self.time_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver(Generic[Measured]):
    """What rounds act through; ``measure`` as in ``experiment.Driver``."""

    measure: Callable[[Position], Sequence[Measured]]
    on_block: Callable[[str, int, Block[Measured]], None]
    on_round: Callable[[Round[Measured]], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def run(schedule: Schedule, driver: Driver[Measured]) -> None:
    """Measure round after round; the complete ones are told to ``on_round``."""
    begun_s = driver.clock()
    for number in range(schedule.rounds):
        if not schedule.has_time(number, driver.clock() - begun_s):
            return
        found: dict[str, Block[Measured]] = {}
        for condition in schedule.order(number):
            with condition.held():
                found[condition.name] = _block(
                    condition, schedule, driver, number=number, done=len(found), begun_s=begun_s
                )
            driver.on_block(condition.name, number + 1, found[condition.name])
        driver.on_round(found)


def _block(
    condition: Condition,
    schedule: Schedule,
    driver: Driver[Measured],
    *,
    number: int,
    done: int,
    begun_s: float,
) -> Block[Measured]:
    """One block; all blocks of a round have the modes in one order."""
    plan = Plan(
        modes=condition.modes, budget=Budget(max_blocks=schedule.blocks), runs=schedule.runs
    )
    block: dict[str, Sequence[Measured]] = {}
    for mode in plan.order(number):
        if schedule.cool_down_s:
            driver.sleep(schedule.cool_down_s)
        position = Position(
            block=number * (1 + len(schedule.conditions)) + done,
            mode=mode,
            plan=plan,
            elapsed_s=driver.clock() - begun_s,
        )
        block[mode] = driver.measure(position)
    return block
