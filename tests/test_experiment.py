"""The experiment: order, budget and stopping, driven without a server."""

from collections.abc import Callable, Sequence
from itertools import count

from pytest_numa import experiment
from pytest_numa.experiment import Block, Budget, Driver, Plan, Position


def driven(
    plan: Plan,
    *,
    done: Sequence[Block[int]] = (),
    slept: list[float] | None = None,
    is_decided: Callable[[Sequence[Block[int]]], bool] = lambda _: False,
    seconds_per_look: float = 0.0,
) -> tuple[list[Block[int]], list[str], list[Position]]:
    measured: list[Position] = []
    told: list[str] = []
    looks = count()

    def measure(position: Position) -> list[int]:
        measured.append(position)
        return [0] * position.plan.runs

    driver = Driver(
        measure=measure,
        is_decided=is_decided,
        on_block=lambda block: told.append(",".join(block)),
        clock=lambda: next(looks) * seconds_per_look,
        sleep=(slept if slept is not None else list[float]()).append,
    )
    return experiment.run(plan, driver, done), told, measured


def test_every_other_block_is_turned_round() -> None:
    plan = Plan(modes=("unpinned", "pinned", "systemd"), budget=Budget(max_blocks=3))

    _, told, _ = driven(plan)

    assert told == [
        "unpinned,pinned,systemd",
        "systemd,pinned,unpinned",
        "unpinned,pinned,systemd",
    ]


def test_each_mode_runs_as_often_as_asked_in_a_block() -> None:
    plan = Plan(modes=("pinned", "systemd"), budget=Budget(max_blocks=1), runs=3)

    blocks, _, _ = driven(plan)

    assert blocks == [{"pinned": [0, 0, 0], "systemd": [0, 0, 0]}]


def test_it_stops_when_all_is_decided() -> None:
    plan = Plan(modes=("pinned",), budget=Budget(max_blocks=16))

    blocks, _, _ = driven(plan, is_decided=lambda blocks: len(blocks) == 5)

    assert len(blocks) == 5


def test_it_stops_at_the_budget_of_blocks() -> None:
    plan = Plan(modes=("pinned",), budget=Budget(max_blocks=4))

    blocks, _, _ = driven(plan)

    assert len(blocks) == 4


def test_no_block_begins_that_would_end_after_the_time() -> None:
    plan = Plan(modes=("pinned",), budget=Budget(max_blocks=16, max_time_s=10.0))

    # Two looks at the clock a block, so a block takes 2 s; the first look begins it.
    blocks, _, _ = driven(plan, seconds_per_look=1.0)

    assert len(blocks) == 5


def test_the_first_block_is_measured_however_short_the_time() -> None:
    plan = Plan(modes=("pinned",), budget=Budget(max_blocks=16, max_time_s=0.001))

    blocks, _, _ = driven(plan, seconds_per_look=1.0)

    assert len(blocks) == 1


def test_time_left_is_unknown_before_the_first_mode_and_then_follows_the_pace() -> None:
    plan = Plan(modes=("pinned", "systemd"), budget=Budget(max_blocks=2))

    _, _, positions = driven(plan, seconds_per_look=3.0)

    assert [position.left_s for position in positions] == [None, 18.0, 12.0, 5.0]


def test_blocks_that_were_done_before_count_and_the_order_goes_on() -> None:
    plan = Plan(modes=("pinned", "systemd"), budget=Budget(max_blocks=3))
    done = [{"pinned": [7], "systemd": [7]}]

    blocks, told, positions = driven(plan, done=done, seconds_per_look=1.0)

    assert (len(blocks), blocks[0]) == (3, done[0])
    assert told == ["systemd,pinned", "pinned,systemd"]
    assert [position.left_s for position in positions][:2] == [None, 6.0]


def test_what_was_decided_before_is_not_measured_again() -> None:
    plan = Plan(modes=("pinned",), budget=Budget(max_blocks=3))

    blocks, told, _ = driven(plan, done=[{"pinned": [7]}], is_decided=lambda _: True)

    assert (len(blocks), told) == (1, [])


def test_the_host_rests_before_each_start_but_the_first() -> None:
    plan = Plan(modes=("pinned", "systemd"), budget=Budget(max_blocks=2), cool_down_s=5.0)
    slept: list[float] = []

    driven(plan, slept=slept)

    assert slept == [5.0, 5.0, 5.0]
