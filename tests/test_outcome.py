"""From blocks to what a test says: failed requests, findings, verdicts, worthless blocks."""

from dataclasses import replace

import measured
import pytest
from facts import WANTED
from measured import (
    BOUND,
    CLIENT,
    NOISE,
    REQUEST,
    SETTINGS,
    THROUGHPUT,
    Block,
    measurement,
    proof,
    result,
    run,
)

from pytest_numa import explained, judgement, outcome
from pytest_numa.errors import LoadError
from pytest_numa.experiment import Budget, Plan
from pytest_numa.judgement import Demand
from pytest_numa.load import results
from pytest_numa.metrics import METRICS
from pytest_numa.placement import Finding
from pytest_numa.report import figures

FINDING = Finding(subject="a thread", expected="2-3", found="0", cause="itself", fix="AllowedCPUs=")


def block(pinned_s: float, systemd_s: float, *, is_bound: bool = False) -> Block:
    client = BOUND if is_bound else CLIENT
    return measured.block(pinned=pinned_s, systemd=systemd_s, client=client)


def figures_of(*blocks: Block) -> explained.Outcome:
    judgements = judgement.judge([THROUGHPUT], blocks, [])
    return explained.of_figures(measurement(*blocks), judgements, SETTINGS)


def test_a_regression_fails_with_what_was_compared() -> None:
    blocks = [block(1.0 * noise, 1.2) for noise in NOISE]
    (judged,) = judgement.judge([THROUGHPUT], blocks, [])

    found = explained.of_figures(measurement(*blocks), [judged], SETTINGS)

    assert found.result == "fail"
    assert found.texts[0].startswith(
        "the service under systemd is slower than the same command pinned by hand (numactl, "
        "taskset), in this session\n  expected  at most 5.0% slower\n"
        "  found     throughput 20.0% slower ("
    )


def test_failed_requests_fail_whatever_the_speed() -> None:
    failed = run("systemd", result(1.0, failure="http_500"))
    broken = {**block(1.0, 1.0), "systemd": [failed]}

    found = explained.of_figures(measurement(broken), [], SETTINGS)

    assert found.result == "fail"
    assert "1 of 2 requests failed in mode systemd, block 1: http_500 1" in found.texts[0]


def test_a_finding_of_any_run_fails_the_placement_once() -> None:
    strayed = {"systemd": [run("systemd", result(1.0), proof(FINDING))]}
    straight = {"systemd": [run("systemd", result(1.0))]}

    found = explained.of_placement(measurement(straight, strayed, strayed), WANTED)

    assert (found.result, found.texts) == ("fail", (str(FINDING),))


def test_a_test_with_several_marks_gets_the_worst() -> None:
    strayed = {**block(1.0, 1.0), "systemd": [run("systemd", result(1.0), proof(FINDING))]}
    (judged,) = judgement.judge([THROUGHPUT], [strayed], [])

    asked = explained.Asked(placements=(WANTED,))
    found = explained.of_test(asked, measurement(strayed), [judged], SETTINGS)

    assert found.result == "fail"


def test_blocks_in_which_the_client_was_the_limit_do_not_count() -> None:
    good = [block(1.0 * noise, 1.0) for noise in NOISE]
    bound = [block(1.0, 9.0, is_bound=True)] * 4

    (judged,) = judgement.judge([THROUGHPUT], [*good, *bound], [])

    assert (judged.verdict.outcome, judged.verdict.blocks) == ("pass", 4)


def test_a_record_is_compared_with_beside_the_control() -> None:
    blocks = [block(1.0 * noise, 1.0) for noise in NOISE * 2]
    recorded = [[[result(0.8 * noise)] for noise in NOISE]]

    judged = judgement.judge([THROUGHPUT], blocks, recorded)

    assert [(one.against, one.verdict.outcome) for one in judged] == [
        ("pinned", "pass"),
        ("record", "fail"),
    ]


def test_a_figure_that_no_run_has_is_an_error_with_advice() -> None:
    demand = Demand(metric=METRICS["tpot_mean"], margin=0.05)
    short = replace(result(1.0), tpot_ms=results.spread([]))
    blocks = [{"pinned": [run("pinned", short)], "systemd": [run("systemd", short)]}]

    with pytest.raises(LoadError, match=r"mean time per output token: .* longer answers"):
        judgement.judge([demand], blocks, [])


@pytest.mark.parametrize(
    ("demand", "modes", "lacking"),
    [
        (THROUGHPUT, ("pinned", "systemd"), None),
        (THROUGHPUT, ("unpinned", "systemd"), "leaves out pinned"),
        (Demand(metric=METRICS["mean"], limit=5.0), ("systemd",), None),
        (Demand(metric=METRICS["mean"], limit=5.0), ("pinned",), "leaves out systemd"),
    ],
)
def test_modes_that_a_demand_needs_are_asked_for(
    demand: Demand, modes: tuple[str, ...], lacking: str | None
) -> None:
    found = outcome.lacking_modes([demand], modes)

    assert (found is None) == (lacking is None)
    assert (lacking or "") in (found or "")


def test_placement_alone_takes_one_start_of_the_unit() -> None:
    wanted = Plan(modes=("unpinned", "pinned", "systemd"), budget=Budget(max_blocks=16))

    assert outcome.plan(wanted, []).modes == ("systemd",)
    assert outcome.plan(wanted, []).budget.max_blocks == 1
    assert outcome.plan(wanted, [THROUGHPUT]) == wanted


def test_a_tail_of_few_requests_is_advice_and_fails_nothing() -> None:
    tail = Demand(metric=METRICS["p95"], margin=0.05)
    blocks = [block(1.0 * noise, 2.0) for noise in NOISE]

    (judged,) = judgement.judge([tail], blocks, [])
    found = explained.of_figures(measurement(*blocks), [judged], SETTINGS)

    assert (judged.outcome, judged.verdict.outcome, found.result) == ("advisory", "fail", "pass")
    assert "a run has 1 values, and 100 would show p95" in outcome.sentence(judged)


def test_a_tail_of_many_requests_is_gated() -> None:
    tail = Demand(metric=METRICS["p95"], margin=0.05)
    many = {
        mode: [
            replace(one, result=results.summarise([REQUEST] * 100, client=CLIENT, workload={}))
            for one in runs
        ]
        for mode, runs in block(1.0, 1.0).items()
    }

    (judged,) = judgement.judge([tail], [many] * 4, [])

    assert (judged.advice, judged.outcome) == ("", "pass")


def test_one_figure_of_many_must_be_surer_to_fail() -> None:
    demands = [Demand(metric=METRICS[name], margin=0.05) for name in ("tokens_per_s", "mean")]
    others = [Demand(metric=METRICS["mean"], limit=1e6 + count) for count in range(20)]
    blocks = [block(1.0 * noise, 1.1) for noise in (1.02, 0.99, 1.0, 0.985)]

    (alone, _), among = (
        judgement.judge(some, blocks, [])[:2] for some in (demands, demands + others)
    )

    assert (alone.outcome, among[0].outcome) == ("fail", "inconclusive")
    assert "22 comparisons are judged together" in among[0].verdict.sentence


def test_a_regression_says_why_it_probably_is_and_what_to_do() -> None:
    blocks = [block(1.0 * noise, 1.2) for noise in NOISE]

    found = figures_of(*blocks)

    assert "probably  nothing that the kernel counted tells why" in found.texts[0]
    assert "to fix    look for what the unit sets besides the policy" in found.texts[0]


def test_what_is_not_decided_says_what_would_decide() -> None:
    blocks = [block(1.0, 1.0)] * 2

    found = figures_of(*blocks)

    assert found.result == "inconclusive"
    assert "to fix    --numa-blocks 16; or a quieter host" in found.texts[0]


def test_a_figure_of_no_block_that_counts_is_not_said_to_be_as_fast() -> None:
    (judged,) = judgement.judge([THROUGHPUT], [block(1.0, 1.0, is_bound=True)], [])

    assert figures.brief(judged) == "throughput was measured in no block that counts"


@pytest.mark.parametrize("wish", ["fail", "skip"])
def test_a_ratio_without_a_record_counts_as_wished_and_says_what_to_type(wish: str) -> None:
    judged = judgement.judge([THROUGHPUT], [block(1.0, 1.0)] * 4, [])

    found = explained.of_record(judged, replace(SETTINGS, baseline=None, missing_baseline=wish))

    assert found.result == wish
    assert "--numa-record" in found.texts[0]


def test_an_absolute_limit_needs_no_record() -> None:
    limit = Demand(metric=METRICS["mean"], limit=5000.0)
    judged = judgement.judge([limit], [block(1.0, 1.0)] * 4, [])

    found = explained.of_record(judged, replace(SETTINGS, baseline=None))

    assert found.result == "pass"
