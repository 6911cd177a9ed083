"""Verdicts on blocks: which way is slower, when it is sure, and what is refused."""

import dataclasses
import math
import random
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_numa import gate

NOISE = (1.004, 0.997, 1.001, 0.995, 1.006, 0.999, 1.003, 0.998)
Blocks = list[list[float]]


def blocks(level: float, count: int = 6, shift: int = 0) -> Blocks:
    return [[level * NOISE[(number + shift) % len(NOISE)]] for number in range(count)]


@pytest.mark.parametrize(
    ("better", "candidate", "outcome"),
    [
        ("lower", 100.0, "pass"),
        ("lower", 110.0, "fail"),
        ("lower", 90.0, "pass"),
        ("higher", 100.0, "pass"),
        ("higher", 90.0, "fail"),
        ("higher", 110.0, "pass"),
    ],
)
def test_slower_by_more_than_the_margin_fails_in_either_direction(
    better: gate.Better, candidate: float, outcome: str
) -> None:
    verdict = gate.judge(blocks(100.0), blocks(candidate, shift=3), margin=0.05, better=better)

    assert verdict.outcome == outcome
    assert (verdict.slowdown > 0.02) == (outcome == "fail")


def test_a_slowdown_is_a_fraction_of_the_control() -> None:
    lower = gate.judge(blocks(100.0), blocks(110.0), margin=0.05, better="lower")
    higher = gate.judge(blocks(110.0), blocks(100.0), margin=0.05, better="higher")

    assert lower.slowdown == pytest.approx(0.10)
    assert higher.slowdown == pytest.approx(0.10)
    assert lower.interval[0] < lower.slowdown < lower.interval[1]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_fewer_than_four_blocks_decide_nothing(count: int) -> None:
    verdict = gate.judge(blocks(100.0, count), blocks(200.0, count), margin=0.05, better="lower")

    assert (verdict.outcome, verdict.blocks, verdict.blocks_needed) == ("inconclusive", count, 4)


def test_too_much_noise_is_inconclusive_and_says_how_many_blocks_would_do() -> None:
    drawn = random.Random(4)
    control = [[100 * drawn.lognormvariate(0, 0.1)] for _ in range(6)]
    candidate = [[100 * drawn.lognormvariate(0, 0.1)] for _ in range(6)]

    verdict = gate.judge(control, candidate, margin=0.05, better="lower")

    assert verdict.outcome == "inconclusive"
    assert verdict.blocks_needed is not None
    assert verdict.blocks_needed > 6
    assert f"about {verdict.blocks_needed} blocks would decide" in verdict.sentence


def test_values_alike_to_the_last_digit_make_nobody_absurdly_sure() -> None:
    verdict = gate.judge([[5.0]] * 4, [[5.0]] * 4, margin=0.001, better="lower")

    assert verdict.outcome == "inconclusive"
    assert verdict.interval[1] > 0.001


def test_one_run_of_a_block_that_went_astray_does_not_count() -> None:
    control = [[100.0, 100.5, 99.5]] * 6
    candidate = [[100.2, 900.0, 99.8]] * 6

    verdict = gate.judge(control, candidate, margin=0.05, better="lower")

    assert verdict.outcome == "pass"


def test_a_host_that_gets_slower_in_mid_session_blames_nobody() -> None:
    speed = [1.0, 1.0, 1.0, 1.3, 1.3, 1.3]
    control = [[100 * factor * noise] for factor, noise in zip(speed, NOISE, strict=False)]
    candidate = [[100 * factor * noise] for factor, noise in zip(speed, NOISE[2:], strict=False)]

    assert gate.judge(control, candidate, margin=0.05, better="lower").outcome == "pass"


VALUES = st.lists(
    st.lists(st.floats(min_value=1e-6, max_value=1e9), min_size=1, max_size=3),
    min_size=4,
    max_size=16,
)


@given(VALUES, st.floats(min_value=0.001, max_value=1.0))
def test_a_service_is_never_found_slower_than_itself(values: Blocks, margin: float) -> None:
    verdict = gate.judge(values, values, margin=margin, better="lower")

    assert verdict.outcome != "fail"
    assert verdict.slowdown == 0.0


@given(VALUES, VALUES)
def test_turning_the_values_round_turns_the_direction_round(a: Blocks, b: Blocks) -> None:
    count = min(len(a), len(b))
    lower = gate.judge(a[:count], b[:count], margin=0.05, better="lower")
    turned = [[[1 / value for value in block] for block in side[:count]] for side in (a, b)]
    # The median of an even number of runs is no inverse of itself; one run a block is.
    if all(len(block) != 2 for side in (a, b) for block in side[:count]):
        higher = gate.judge(turned[0], turned[1], margin=0.05, better="higher")
        assert higher.slowdown == pytest.approx(lower.slowdown, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("control", "candidate", "margin", "better", "message"),
    [
        ([[1.0]], [[1.0], [1.0]], 0.05, "lower", "found 1 and 2"),
        ([[]], [[1.0]], 0.05, "lower", "found an empty block"),
        ([[0.0]], [[1.0]], 0.05, "lower", "above 0, found 0.0"),
        ([[1.0]], [[float("nan")]], 0.05, "lower", "above 0, found nan"),
        ([[1.0]], [[float("inf")]], 0.05, "lower", "above 0, found inf"),
        ([[1.0]], [[1.0]], 0.0, "lower", "margin: expected a fraction above 0"),
        ([[1.0]], [[1.0]], float("nan"), "lower", "margin"),
        ([[1.0]], [[1.0]], 0.05, "faster", "expected 'lower' or 'higher', found 'faster'"),
        ([[True]], [[1.0]], 0.05, "lower", "above 0, found True"),
        ([["1.5"]], [[1.0]], 0.05, "lower", "above 0, found '1.5'"),
        ([[None]], [[1.0]], 0.05, "lower", "above 0, found None"),
        ([[10**400]], [[1.0]], 0.05, "lower", "above 0, found 10{59}…"),
        ([[10**5000]], [[1.0]], 0.05, "lower", "above 0, found a int"),
        ([1.0], [1.0], 0.05, "lower", "a sequence of runs in each block, found 1.0"),
        (["12"], [[1.0]], 0.05, "lower", "a sequence of runs in each block, found '12'"),
        ([{1.0}], [[1.0]], 0.05, "lower", "a sequence of runs in each block, found {1.0}"),
        ("12", "12", 0.05, "lower", "a sequence of blocks, found '12'"),
        (None, None, 0.05, "lower", "a sequence of blocks, found None"),
        ([[1.0]], [[1.0]], True, "lower", "margin: expected a fraction above 0"),
        ([[1.0]], [[1.0]], "5", "lower", "margin: expected a fraction above 0"),
    ],
)
def test_values_that_are_none_are_refused(
    control: Blocks, candidate: Blocks, margin: float, better: gate.Better, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gate.judge(control, candidate, margin=margin, better=better)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=1), inner),
    max_leaves=12,
)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_given_there_is_a_verdict_or_a_value_error(
    control: Blocks, candidate: Blocks, margin: float
) -> None:
    try:
        verdict = gate.judge(control, candidate, margin=margin, better="lower")
    except ValueError:
        return
    assert verdict.outcome in ("pass", "fail", "inconclusive")


EXTREME = st.lists(st.lists(st.floats(min_value=5e-324), min_size=1, max_size=3), min_size=6)


@example([[5e-324]] * 6, [[1.0]] * 4 + [[1e40]] * 2, "lower")
@given(EXTREME, EXTREME, st.sampled_from(["lower", "higher"]))
def test_no_finite_value_is_too_small_or_too_large(
    control: Blocks, candidate: Blocks, better: gate.Better
) -> None:
    values = [[value for value in block if value < math.inf] or [1.0] for block in control]
    others = [[value for value in block if value < math.inf] or [1.0] for block in candidate]
    count = min(len(values), len(others))

    verdict = gate.judge(values[:count], others[:count], margin=0.05, better=better)

    assert not math.isnan(verdict.slowdown)
    assert verdict.interval[0] <= verdict.slowdown <= verdict.interval[1]
    assert len(verdict.sentence) < 200


def test_a_slowdown_that_no_float_can_hold_is_infinite() -> None:
    verdict = gate.judge([[1e-300]] * 4, [[1e300]] * 4, margin=0.05, better="lower")

    assert (verdict.outcome, verdict.slowdown) == ("fail", math.inf)
    assert verdict.sentence.startswith("inf% slower")


def test_arrays_and_tuples_and_whole_numbers_are_judged_as_lists_are() -> None:
    numpy = pytest.importorskip("numpy", reason="needs numpy: pip install numpy")
    control, candidate = [[7], [8], [7], [8], [7]], [[9], [9], [8], [9], [9]]
    as_list = gate.judge(control, candidate, margin=0.05, better="lower")

    as_array, as_small, as_tuple = (
        gate.judge(made(control), made(candidate), margin=0.05, better="lower")
        for made in (
            numpy.array,
            lambda blocks: [numpy.array(block, dtype=numpy.float32) for block in blocks],
            lambda blocks: tuple(map(tuple, blocks)),
        )
    )

    assert as_list == as_array == as_small == as_tuple
    assert type(as_array.slowdown) is float


def test_a_verdict_cannot_be_changed() -> None:
    verdict = gate.judge(blocks(100.0), blocks(100.0), margin=0.05, better="lower")

    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.outcome = "fail"  # type: ignore[misc]


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan"), True, "1"])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share: expected a fraction above 0 and up to 1"):
        gate.judge(blocks(100.0), blocks(100.0), margin=0.05, better="lower", share=share)


def test_one_recorded_session_says_that_drift_is_not_accounted_for() -> None:
    verdict = gate.judge_against_record(
        [blocks(100.0)], blocks(100.0, shift=2), margin=0.05, better="lower"
    )

    assert verdict.outcome == "pass"
    assert "1 session recorded: drift of the host is not accounted for" in verdict.sentence


def test_sessions_that_differ_widen_the_interval() -> None:
    steady = [blocks(level) for level in (100.0, 100.1, 99.9, 100.05)]
    restless = [blocks(level) for level in (100.0, 108.0, 93.0, 101.0)]
    now = blocks(108.0, 8)

    sure = gate.judge_against_record(steady, now, margin=0.02, better="lower")
    unsure = gate.judge_against_record(restless, now, margin=0.02, better="lower")

    assert (sure.outcome, unsure.outcome) == ("fail", "inconclusive")
    assert "4 sessions recorded" in sure.sentence


def test_three_sessions_that_agree_decide_as_two_do() -> None:
    sessions = [blocks(level) for level in (100.0, 100.3, 99.8)]

    verdict = gate.judge_against_record(
        sessions, blocks(100.0, shift=2), margin=0.05, better="lower"
    )

    assert verdict.outcome == "pass"


def test_three_sessions_that_happen_to_agree_make_nobody_sure_of_a_percent() -> None:
    sessions = [blocks(100.0)] * 3

    verdict = gate.judge_against_record(
        sessions, blocks(100.0, shift=2), margin=0.01, better="lower"
    )

    assert verdict.outcome == "inconclusive"


def test_a_regression_against_the_record_fails_once_new_blocks_confirm_it() -> None:
    seen, confirmed = (
        gate.judge_against_record(
            [blocks(100.0)], blocks(115.0, count, shift=2), margin=0.05, better="lower"
        )
        for count in (7, 8)
    )

    assert (seen.outcome, seen.blocks_needed, confirmed.outcome) == ("inconclusive", 8, "fail")
    assert "in the first 4 blocks, and 4 more are to confirm it, of which 3" in seen.sentence
    assert "slower, twice; 1 session recorded" in confirmed.sentence


def test_a_regression_that_new_blocks_do_not_show_blames_nobody() -> None:
    passing = [*blocks(115.0, 4, shift=2), *blocks(100.0, 4)]

    verdict = gate.judge_against_record([blocks(100.0)], passing, margin=0.05, better="lower")

    assert verdict.outcome == "inconclusive"
    assert "it was in the first 4 blocks, and not in the 4 after" in verdict.sentence


@pytest.mark.parametrize(
    ("limit", "better", "outcome", "words"),
    [
        (120.0, "lower", "pass", "within the limit of 120"),
        (80.0, "lower", "fail", "beyond the limit of 80"),
        (100.0, "lower", "pass", "not surely on either side"),
        (80.0, "higher", "pass", "within the limit of 80"),
        (120.0, "higher", "fail", "beyond the limit of 120"),
    ],
)
def test_a_limit_fails_only_where_the_interval_excludes_it(
    limit: float, better: gate.Better, outcome: str, words: str
) -> None:
    verdict = gate.judge_limit(blocks(100.0), limit=limit, better=better)

    assert verdict.outcome == outcome
    assert words in verdict.sentence


def test_an_effect_is_told_with_its_interval_and_without_a_decision() -> None:
    effect = gate.effect(blocks(100.0), blocks(80.0, shift=1), better="lower")

    assert effect.slowdown == pytest.approx(-0.2, abs=0.01)
    assert effect.sentence.startswith("20.")
    assert "faster" in effect.sentence


def test_no_effect_is_said_to_be_none() -> None:
    effect = gate.effect(blocks(100.0), blocks(100.0, shift=3), better="lower")

    assert "no difference is shown" in effect.sentence


def test_no_recorded_session_is_nothing_to_judge_against() -> None:
    with pytest.raises(ValueError, match="at least one recorded session"):
        gate.judge_against_record([], blocks(100.0), margin=0.05, better="lower")


@pytest.mark.parametrize(
    ("recorded", "now", "words"),
    [
        (4, 3, "3 of at least 4 blocks were measured; 1 session recorded"),
        (3, 4, "and fewer than 4 are recorded; 1 session recorded"),
    ],
)
def test_too_few_blocks_on_either_side_decide_nothing(recorded: int, now: int, words: str) -> None:
    verdict = gate.judge_against_record(
        [blocks(100.0, recorded)], blocks(200.0, now), margin=0.05, better="lower"
    )

    assert verdict.outcome == "inconclusive"
    assert words in verdict.sentence


def test_a_limit_is_not_judged_on_three_blocks() -> None:
    verdict = gate.judge_limit(blocks(100.0, 3), limit=1.0, better="lower")

    assert (verdict.outcome, verdict.blocks_needed) == ("inconclusive", 4)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf"), True, "5"])
def test_a_limit_that_is_none_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limit: expected a number above 0"):
        gate.judge_limit(blocks(100.0), limit=limit, better="lower")


def test_an_effect_of_one_block_has_no_interval() -> None:
    effect = gate.effect([[100.0]], [[110.0]], better="lower")

    assert effect.sentence == "10.0% slower (one block: no interval)"


def test_an_effect_of_two_blocks_rests_on_their_differences() -> None:
    effect = gate.effect([[100.0], [130.0]], [[110.0], [143.0]], better="lower")

    assert effect.slowdown == pytest.approx(0.10)
    assert effect.interval[0] < effect.slowdown < effect.interval[1]


def test_of_several_comparisons_each_passes_by_itself() -> None:
    control, candidate = blocks(100.0), blocks(100.0, shift=3)
    one = partial(gate.judge, control, candidate, margin=0.05, better="lower")

    verdicts = gate.judge_together([lambda share: one(share=share)] * 20)

    assert {verdict.outcome for verdict in verdicts} == {"pass"}
    assert verdicts[0] == one()


def test_after_one_failure_the_next_need_be_less_sure() -> None:
    control, slower = blocks(100.0, 4), blocks(113.0, 4, shift=3)
    near = partial(gate.judge, control, slower, margin=0.1165, better="lower")
    clear = partial(gate.judge, control, slower, margin=0.01, better="lower")
    passing = partial(gate.judge, control, control, margin=0.05, better="lower")
    near_at, clear_at, passing_at = (
        lambda share, one=one: one(share=share) for one in (near, clear, passing)
    )

    without = gate.judge_together([near_at, passing_at, passing_at])
    beside = gate.judge_together([near_at, clear_at, clear_at])

    assert [without[0].outcome, beside[0].outcome] == ["inconclusive", "fail"]
    assert "3 comparisons are judged together" in without[0].sentence


def test_no_comparison_has_no_verdict() -> None:
    assert gate.judge_together([]) == []
