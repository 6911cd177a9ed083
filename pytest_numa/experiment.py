"""Who is measured when: blocks of modes, in alternating order, until all is decided or spent.

One block measures every mode once, each with a fresh start of the server. The order turns round
from block to block, so that a drift of the host cancels out of the ratios (shared clock: the
block). The driver knows neither servers nor pytest; a test replaces ``measure`` and the clock.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MODES = ("unpinned", "pinned", "systemd")

Measured = TypeVar("Measured")
Block = Mapping[str, Sequence[Measured]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When to stop without a decision."""

    max_blocks: int
    max_time_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured: ``runs`` of each mode in each block."""

    modes: tuple[str, ...]
    budget: Budget
    runs: int = 1
    cool_down_s: float = 0.0
    """How long the host rests before each start but the first."""

    def order(self, block: int) -> tuple[str, ...]:
        """The modes of one block in their order; every other block is turned round."""
        return self.modes if block % 2 == 0 else self.modes[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the experiment is, for progress lines. ``block`` counts from 0.

    ``resumed`` blocks were measured before ``elapsed_s`` began.
    """

    block: int
    mode: str
    plan: Plan
    elapsed_s: float
    resumed: int = 0

    @property
    def left_s(self) -> float | None:
        """Time left at the pace so far, at most; None before the first mode has been measured."""
        count = len(self.plan.modes)
        done = (self.block - self.resumed) * count + self.plan.order(self.block).index(self.mode)
        if not done:
            return None
        all_of_them = (self.plan.budget.max_blocks - self.resumed) * count
        left_s = self.elapsed_s / done * (all_of_them - done)
        limit_s = self.plan.budget.max_time_s
        return left_s if limit_s is None else min(left_s, max(0.0, limit_s - self.elapsed_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver(Generic[Measured]):
    """What the experiment acts through.

    ``measure`` starts the server in a mode, measures it ``plan.runs`` times and stops it.
    ``is_decided`` is asked after each block, with all blocks so far.
    """

    measure: Callable[[Position], Sequence[Measured]]
    is_decided: Callable[[Sequence[Block[Measured]]], bool]
    on_block: Callable[[Block[Measured]], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def run(
    plan: Plan, driver: Driver[Measured], done: Sequence[Block[Measured]] = ()
) -> list[Block[Measured]]:
    """Measure block after block; returns the complete ones, after those that were ``done``."""
    begun_s = driver.clock()
    blocks = list(done)
    if blocks and driver.is_decided(blocks):
        return blocks
    while len(blocks) < plan.budget.max_blocks:
        block: dict[str, Sequence[Measured]] = {}
        for mode in plan.order(len(blocks)):
            if plan.cool_down_s and (block or len(blocks) > len(done)):
                driver.sleep(plan.cool_down_s)
            position = Position(
                block=len(blocks),
                mode=mode,
                plan=plan,
                elapsed_s=driver.clock() - begun_s,
                resumed=len(done),
            )
            block[mode] = driver.measure(position)
        blocks.append(block)
        driver.on_block(block)
        if driver.is_decided(blocks) or _is_spent(
            plan.budget, len(blocks) - len(done), driver.clock() - begun_s
        ):
            break
    return blocks


def _is_spent(budget: Budget, blocks: int, elapsed_s: float) -> bool:
    """Whether another block, as long as the mean so far, would exceed the time."""
    if budget.max_time_s is None:
        return False
    return elapsed_s * (blocks + 1) / blocks > budget.max_time_s
