"""Rounds of blocks under conditions: their order, what is in force in each, and the time."""

import contextlib
from collections.abc import Iterator
from itertools import count

from pytest_numa.conditions import rounds
from pytest_numa.conditions.rounds import Condition, Driver, Round, Schedule
from pytest_numa.experiment import Position

BOTH = ("pinned", "systemd")
ALL = ("unpinned", *BOTH)


class Recorder:
    """Remembers who was measured when, and what was in force."""

    def __init__(self) -> None:
        self.measured: list[str] = []
        self.rounds: list[Round[str]] = []
        self.in_force = ""

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[None]:
        self.in_force = name
        yield
        self.in_force = ""

    def condition(self, name: str, modes: tuple[str, ...] = BOTH) -> Condition:
        return Condition(name=name, modes=modes, held=lambda: self.held(name))

    def run(self, schedule: Schedule, *, seconds_per_look: float = 0.0) -> None:
        looks = count()
        driver = Driver(
            measure=self.measure,
            on_block=lambda *_: None,
            on_round=self.rounds.append,
            clock=lambda: next(looks) * seconds_per_look,
        )
        rounds.run(schedule, driver)

    def measure(self, position: Position) -> list[str]:
        self.measured.append(f"{self.in_force or '-'} {position.mode}")
        return [self.in_force] * position.plan.runs


def test_each_round_has_a_block_as_it_is_and_one_under_each_condition() -> None:
    recorder = Recorder()
    conditions = (recorder.condition("A"), recorder.condition("B"))

    recorder.run(Schedule(conditions=conditions, rounds=1))

    assert recorder.measured == [
        *("- pinned", "- systemd", "A pinned", "A systemd", "B pinned", "B systemd")
    ]


def test_every_other_round_is_turned_round_in_conditions_and_modes() -> None:
    recorder = Recorder()

    recorder.run(Schedule(conditions=(recorder.condition("A"),), rounds=2))

    assert recorder.measured[4:] == ["A systemd", "A pinned", "- systemd", "- pinned"]


def test_as_it_is_all_modes_are_measured_that_any_condition_is_told_of() -> None:
    recorder = Recorder()
    conditions = (recorder.condition("A", ("systemd",)), recorder.condition("B", ALL))

    recorder.run(Schedule(conditions=conditions, rounds=1))

    assert recorder.measured[:4] == ["- systemd", "- unpinned", "- pinned", "A systemd"]


def test_each_mode_runs_as_often_in_a_block_as_in_the_main_blocks() -> None:
    recorder = Recorder()

    recorder.run(Schedule(conditions=(recorder.condition("A"),), rounds=1, runs=2))

    assert recorder.rounds[0]["A"] == {"pinned": ["A", "A"], "systemd": ["A", "A"]}


def test_the_host_rests_before_each_start_as_it_does_between_main_blocks() -> None:
    recorder = Recorder()
    rests: list[float] = []
    driver = Driver(
        measure=recorder.measure,
        on_block=lambda *_: None,
        on_round=recorder.rounds.append,
        sleep=rests.append,
    )

    rounds.run(Schedule(conditions=(recorder.condition("A"),), rounds=1, cool_down_s=3.0), driver)

    assert rests == [3.0] * 4


def test_no_round_begins_that_would_end_after_the_time() -> None:
    recorder = Recorder()
    schedule = Schedule(conditions=(recorder.condition("A"),), rounds=4, time_s=20.0, block_s=4.0)

    recorder.run(schedule, seconds_per_look=1.0)

    assert len(recorder.rounds) == 3


def test_not_even_one_round_begins_where_the_main_question_took_the_time() -> None:
    recorder = Recorder()
    schedule = Schedule(conditions=(recorder.condition("A"),), rounds=4, time_s=7.9, block_s=4.0)

    recorder.run(schedule)

    assert recorder.measured == []
