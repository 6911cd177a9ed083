"""Which threads may run off the policy's CPUs."""

from dataclasses import replace

import pytest
from facts import CLUES, POLICY, PROCESS, THREAD, WANTED, WITHOUT_CPU_3, process

from pytest_numa.placement import Finding, Role, Wanted, threads
from pytest_numa.policy import Policy
from pytest_numa.process import Thread, Watched, WatchedThread

STRAY = replace(THREAD, tid=71, name="http", cpus_allowed=frozenset({0, 2}))


def check(*processes: object) -> list[Finding]:
    return list(threads.check(WANTED, processes, CLUES))  # type: ignore[arg-type]


def watched(*seen: WatchedThread) -> Watched:
    return Watched(
        looks=9,
        duration_s=9.0,
        longest_look_ms=1.0,
        threads=seen,
        comms={70: "llama-server"},
        most_by_node=None,
        unreadable=(),
    )


def seen(
    masks: dict[frozenset[int], tuple[float, float]], ran_on: frozenset[int] = frozenset()
) -> WatchedThread:
    return WatchedThread(pid=70, tid=70, name="llama-worker", masks=masks, ran_on=ran_on)


def check_watched(one: WatchedThread) -> list[Finding]:
    return list(threads.check_watched(WANTED, [PROCESS], watched(one), CLUES))


@pytest.mark.parametrize("mask", [{2}, {2, 3}, {2, 3, 63}])
def test_a_thread_may_have_fewer_cpus_and_ones_that_are_not_online(mask: set[int]) -> None:
    assert check(process(threads=(replace(THREAD, cpus_allowed=frozenset(mask)),))) == []


def test_one_thread_off_the_cpus_is_found_among_many() -> None:
    (finding,) = check(process(threads=(THREAD, STRAY)))

    assert "1 of 2 threads of process llama-server (70)" in finding.subject
    assert "http (71)" in finding.subject
    assert finding.expected == "allowed CPUs within 2-3"
    assert finding.found == "allowed CPUs 0,2"
    assert "these threads set their own mask" in finding.cause
    assert "AllowedCPUs=2-3" in finding.fix


def test_threads_that_share_a_mask_share_a_finding() -> None:
    strays = tuple(replace(STRAY, tid=tid) for tid in range(71, 81))

    (finding,) = check(process(threads=(THREAD, *strays)))

    assert "10 of 11 threads" in finding.subject
    assert "and 7 more" in finding.subject


def test_a_child_with_a_mask_of_its_own_is_told_from_a_thread() -> None:
    child = process(pid=80, comm="worker", threads=(replace(STRAY, tid=80),))

    (finding,) = check(PROCESS, child)

    assert "of process worker (80)" in finding.subject
    assert "this process set its own mask" in finding.cause


def test_a_service_that_strays_as_a_whole_is_not_blamed_on_its_threads() -> None:
    child = process(pid=80, comm="worker", threads=(replace(STRAY, tid=80),))

    found = check(process(threads=(replace(STRAY, tid=70),)), child)

    assert ["set" in one.cause and "own mask" in one.cause for one in found] == [False, False]


def test_a_thread_that_has_ended_is_no_finding() -> None:
    assert check(process(threads=(THREAD, replace(STRAY, cpus_allowed=None)))) == []


def test_a_process_is_judged_by_its_role() -> None:
    role = Role(
        name="worker 0",
        pattern=r"Worker_TP0\b",
        policy=Policy(cpus=frozenset({0, 1}), memory_nodes=frozenset({0})),
    )
    on_node_0 = replace(THREAD, tid=80, cpus_allowed=frozenset({0, 1}))
    worker = process(pid=80, argv=("VLLM::Worker_TP0",), threads=(on_node_0,))

    found = threads.check(Wanted(policy=POLICY, roles=(role,)), [PROCESS, worker], CLUES)

    assert list(found) == []


def test_a_mask_that_was_wrong_for_a_while_is_found_after_it() -> None:
    right, wrong = frozenset({2, 3}), frozenset({0})

    (finding,) = check_watched(seen({right: (0.0, 9.0), wrong: (3.0, 4.0)}))

    assert "was allowed off the policy's CPUs for a while" in finding.subject
    assert finding.found == "allowed CPUs 0 from 3.0 s to 4.0 s after the first look"
    assert "9 looks" in finding.expected


def test_a_mask_that_is_still_wrong_is_told_once_by_the_last_look() -> None:
    wrong = frozenset({0})
    still: Thread = replace(THREAD, cpus_allowed=wrong)

    found = threads.check_watched(
        WANTED, [process(threads=(still,))], watched(seen({wrong: (0.0, 9.0)})), CLUES
    )

    assert list(found) == []


def test_a_thread_that_ended_with_a_wrong_mask_is_found() -> None:
    ended = replace(seen({frozenset({1}): (1.0, 2.0)}), tid=99)

    (finding,) = check_watched(ended)

    assert "thread llama-worker (99)" in finding.subject


def test_a_thread_that_ran_elsewhere_between_two_looks_is_found() -> None:
    (finding,) = check_watched(seen({frozenset({2, 3}): (0.0, 9.0)}, frozenset({0, 2})))

    assert finding.found == "ran on 0, though its mask was right at each look"


def test_a_mask_with_an_offline_cpu_is_judged_by_what_is_online() -> None:
    clues = replace(CLUES, topology=WITHOUT_CPU_3)

    assert list(threads.check(WANTED, [PROCESS], clues)) == []


def test_a_mask_of_which_no_cpu_is_online_holds_nothing() -> None:
    only_3 = process(threads=(replace(THREAD, cpus_allowed=frozenset({3})),))
    clues = replace(CLUES, topology=WITHOUT_CPU_3)

    (finding,) = threads.check(WANTED, [only_3], clues)

    assert finding.found == "allowed CPUs none that are online"
    assert finding.cause.startswith("CPU 3 is offline")
