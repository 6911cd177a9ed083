"""Additional blocks under governors of a tree of files; what is said where there were none."""

from collections.abc import Callable
from pathlib import Path

import clock_trees
import pytest

from pytest_numa.conditions import measuring
from pytest_numa.conditions.measuring import Found, Spent
from pytest_numa.conditions.rounds import AS_IT_IS
from pytest_numa.conditions.wanted import Wanted
from pytest_numa.errors import ServiceError
from pytest_numa.experiment import Budget, Plan, Position
from pytest_numa.services.undo import Footprint

PLAN = Plan(modes=("unpinned", "pinned", "systemd"), budget=Budget(max_blocks=16, max_time_s=900.0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return clock_trees.build(tmp_path / "host")


@pytest.fixture
def footprint(tmp_path: Path) -> Footprint:
    folder = tmp_path / "state/1-abc"
    folder.mkdir(parents=True)
    return Footprint(folder=folder)


def wanted(root: Path, *names: str, cpus: frozenset[int] = frozenset({0, 1})) -> Wanted:
    return Wanted(governors=names, cpus=cpus, blocks=2, root=root)


def measured(
    given: Wanted,
    footprint: Footprint,
    measure: Callable[[Position], list[list[str]]],
    *,
    spent_s: float = 40.0,
) -> Found[list[str]]:
    spent = Spent(blocks=4, elapsed_s=spent_s)
    return measuring.measured(
        given, PLAN, spent, footprint, measure=measure, on_block=lambda *_: None
    )


def test_each_block_is_measured_under_its_governor_and_the_host_is_as_before(
    root: Path, footprint: Footprint
) -> None:
    def measure(_: Position) -> list[list[str]]:
        return [clock_trees.seen(root)[:2]]

    found = measured(wanted(root, "performance"), footprint, measure)

    assert found.names == ("governor performance",)
    assert len(found.rounds) == 2
    assert found.rounds[1] == {
        AS_IT_IS: {
            "pinned": [["powersave", "powersave"]],
            "systemd": [["powersave", "powersave"]],
        },
        "governor performance": {
            "pinned": [["performance", "powersave"]],
            "systemd": [["performance", "powersave"]],
        },
    }
    assert clock_trees.seen(root)[:2] == ["powersave", "powersave"]


def test_the_governor_that_stands_already_is_not_measured_twice(
    root: Path, footprint: Footprint
) -> None:
    found = measured(wanted(root, "powersave"), footprint, lambda _: [[]])

    assert (found.names, found.rounds) == ((), [])
    assert found.notes == ("as it is, CPUs 0-1 have the governor powersave",)


def test_cpus_that_share_the_clock_of_the_policys_are_named(
    root: Path, footprint: Footprint
) -> None:
    given = wanted(root, "performance", cpus=frozenset({0}))

    found = measured(given, footprint, lambda _: [[]])

    assert found.notes[1] == "CPUs 1 share their clock and have the same governor set"


def test_an_error_keeps_the_rounds_before_it_and_puts_the_governor_back(
    root: Path, footprint: Footprint
) -> None:
    def measure(position: Position) -> list[list[str]]:
        if position.block == 2:
            raise ServiceError("the service died")
        return [[]]

    found = measured(wanted(root, "performance"), footprint, measure)

    assert len(found.rounds) == 1
    assert found.notes[-1] == "measuring under conditions ended early: the service died"
    assert clock_trees.seen(root)[:2] == ["powersave", "powersave"]


def test_an_interruption_puts_the_governor_back(root: Path, footprint: Footprint) -> None:
    def measure(position: Position) -> list[list[str]]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(wanted(root, "performance"), footprint, measure)

    assert clock_trees.seen(root)[:2] == ["powersave", "powersave"]


def test_no_time_left_is_said(root: Path, footprint: Footprint) -> None:
    found = measured(wanted(root, "performance"), footprint, lambda _: [[]], spent_s=890.0)

    assert found.rounds == []
    assert found.notes[-1] == (
        "0 of 2 blocks were measured under each condition: the rest of --numa-time, 10.0 s, was "
        "not enough for more"
    )
