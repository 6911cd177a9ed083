"""Which memory lies off the policy's nodes."""

from dataclasses import replace

import pytest
from facts import CLUES, GIB, MIB, POLICY, PROCESS, WANTED, memory, process, region

from pytest_numa.placement import Budgets, Finding, Role, Wanted, pages
from pytest_numa.policy import Policy
from pytest_numa.process import Process, Region


def check(*regions: Region, wanted: Wanted = WANTED) -> list[Finding]:
    return list(pages.check(wanted, [process(memory=memory(*regions))], CLUES))


@pytest.mark.parametrize(
    "by_node",
    [{1: 4 * GIB, 0: 40 * MIB}, {1: 2 * MIB, 0: MIB}, {1: 500 * GIB, 0: 64 * MIB}],
)
def test_a_negligible_part_of_the_memory_may_lie_elsewhere(by_node: dict[int, int]) -> None:
    assert check(region(bytes_by_node=by_node)) == []


@pytest.mark.parametrize(
    "by_node",
    [{1: 4 * GIB, 0: 42 * MIB}, {1: 500 * GIB, 0: 65 * MIB}, {0: 4 * GIB}, {2: 2 * MIB}],
)
def test_memory_elsewhere_is_found_by_fraction_and_by_bytes(by_node: dict[int, int]) -> None:
    (finding,) = check(region(bytes_by_node=by_node))

    assert finding.subject.startswith("memory of process llama-server (70) lies off the policy's")
    assert finding.expected == "all on node 1, at most 1% and 64.0 MiB elsewhere"
    assert "NUMAMask=1" in finding.fix


@pytest.mark.parametrize("kind", ["anonymous", "shared", "huge"])
def test_all_that_a_policy_places_counts_together(kind: str) -> None:
    own = region(bytes_by_node={1: GIB})

    (finding,) = check(own, region(kind, bytes_by_node={0: 40 * MIB}))

    assert finding.found.startswith("40.0 MiB on node 0, 1.0 GiB on node 1")


def test_the_region_that_strays_most_is_named() -> None:
    shared = region("shared", path="/dev/shm/nccl", bytes_by_node={0: 90 * MIB})

    (finding,) = check(region(), shared)

    assert "most of it shared memory /dev/shm/nccl, policy bind:1" in finding.subject
    assert finding.found.endswith("of that region 90.0 MiB on node 0")


def test_weights_in_the_page_cache_of_another_node_are_named_by_file() -> None:
    weights = region("file", bytes_by_node={0: GIB, 1: GIB})

    (finding,) = check(region(), weights)

    assert "the mapped file /srv/m.gguf" in finding.subject
    assert "page cache" in finding.cause
    assert finding.is_page_cache


def test_a_twentieth_of_the_weights_may_lie_elsewhere() -> None:
    assert check(region("file", bytes_by_node={0: 50 * MIB, 1: 950 * MIB})) == []


def test_weights_that_workers_on_two_nodes_share_may_lie_on_both() -> None:
    role = Role(
        name="other",
        pattern="other",
        policy=Policy(cpus=frozenset({0}), memory_nodes=frozenset({0})),
    )
    weights = memory(region("file", bytes_by_node={0: GIB, 1: GIB}))
    both: list[Process] = [
        process(memory=weights),
        process(pid=80, comm="other", memory=weights),
    ]

    assert list(pages.check(Wanted(policy=POLICY, roles=(role,)), both, CLUES)) == []


OTHER = Role(
    name="other",
    pattern="other",
    policy=Policy(cpus=frozenset({0}), memory_nodes=frozenset({0})),
)
BOTH = Wanted(policy=POLICY, roles=(OTHER,))


def of_both(mine: Region, theirs: Region) -> list[Finding]:
    """Findings of a process of node 1 and of its worker, which is to be on node 0."""
    worker = process(pid=80, comm="other", memory=memory(theirs))
    return list(pages.check(BOTH, [process(memory=memory(mine)), worker], CLUES))


def test_what_a_worker_of_another_node_has_inherited_by_a_fork_may_lie_on_its_parent_s() -> None:
    inherited = region(sharers=2, address=0x7F00, bytes_by_node={1: GIB})

    assert of_both(inherited, inherited) == []


def test_a_segment_that_workers_of_two_nodes_share_may_lie_on_both() -> None:
    segment = region("shared", path="/dev/shm/nccl", sharers=2, bytes_by_node={0: GIB, 1: GIB})

    assert of_both(segment, segment) == []


def test_what_a_worker_has_of_its_own_is_to_be_near_it() -> None:
    inherited = region(sharers=2, address=0x7F00, bytes_by_node={1: GIB})

    (finding,) = of_both(inherited, region(bytes_by_node={1: GIB}))

    assert finding.subject.startswith("memory of process other (80) lies off")


def test_what_two_share_may_not_lie_on_a_third_node() -> None:
    inherited = region(sharers=2, address=0x7F00, bytes_by_node={2: GIB})

    assert len(of_both(inherited, inherited)) == 2


def test_what_is_shared_with_a_stranger_alone_is_to_be_near_its_process() -> None:
    (finding,) = check(region(sharers=2, address=0x7F00, bytes_by_node={0: GIB}))

    assert finding.found == "1.0 GiB on node 0"


def test_program_text_on_another_node_is_no_finding() -> None:
    assert check(region("file", path="/usr/bin/python3", bytes_by_node={0: 6 * MIB})) == []


def test_half_a_gigabyte_of_small_files_elsewhere_is_a_finding() -> None:
    files = [region("file", path=f"/lib/{n}.so", bytes_by_node={0: 60 * MIB}) for n in range(9)]

    (finding,) = check(*files)

    assert finding.subject.startswith("program text and small mapped files")
    assert "/lib/0.so" in finding.subject


def test_a_file_that_two_policies_map_is_judged_as_one() -> None:
    parts = [region("file", policy=text, bytes_by_node={0: 40 * MIB}) for text in ("a", "b")]

    (finding,) = check(*parts)

    assert finding.found == "80.0 MiB on node 0"


def test_who_asks_for_nothing_astray_gets_no_mebibyte_as_a_gift() -> None:
    strict = Wanted(policy=POLICY, budgets=Budgets.usual(max_stray=0))

    (finding,) = check(region(bytes_by_node={1: GIB, 0: 4096}), wanted=strict)

    assert "4.0 KiB on node 0" in finding.found


def test_another_budget_may_allow_more() -> None:
    loose = Wanted(policy=POLICY, budgets=Budgets.usual(max_stray=0.5, max_stray_bytes=9 * GIB))

    assert check(region(bytes_by_node={1: 2 * GIB, 0: GIB}), wanted=loose) == []


def sampled(counts: dict[int, int], size_bytes: int) -> Region:
    looked_at = sum(counts.values())
    return region(
        policy="",
        bytes_by_node={node: size_bytes * n // looked_at for node, n in counts.items()},
        sampled_by_node=counts,
    )


def test_a_sample_without_a_stray_says_how_much_it_excludes() -> None:
    one = process(memory=memory(sampled({1: 4096}, 4 * GIB)))

    (sentence,) = pages.sampled_sentences(WANTED, [one])

    assert "0 of 4096 sampled pages off node: < 0.073 % at 95 %" in sentence
    assert list(pages.undecided(WANTED, [one])) == []


def test_a_sample_that_is_too_small_for_the_budget_decides_nothing() -> None:
    one = process(memory=memory(sampled({1: 4096}, 500 * GIB)))

    (text,) = pages.undecided(WANTED, [one])

    assert "64.0 MiB are allowed" in text
    assert list(pages.check(WANTED, [one], CLUES)) == []


def test_a_large_sample_of_a_large_process_decides() -> None:
    one = process(memory=memory(sampled({1: 24_000}, 500 * GIB)))

    assert list(pages.undecided(WANTED, [one])) == []


def test_a_sample_with_many_strays_is_a_finding_with_its_counts() -> None:
    (finding,) = check(sampled({1: 3000, 0: 1096}, 4 * GIB))

    assert "(by 4096 sampled pages, 1096 of them elsewhere)" in finding.found
    assert "--pages full" in finding.fix


def test_one_stray_page_in_a_sample_proves_no_misplacement() -> None:
    assert check(sampled({1: 99, 0: 1}, 40 * GIB)) == []


def test_a_sample_of_all_pages_is_taken_at_its_word() -> None:
    own = sampled({1: 990, 0: 300}, 1290 * 4096)

    (finding,) = check(own)

    assert "300 of them elsewhere" in finding.found


def test_a_process_whose_memory_was_not_read_is_no_matter_of_pages() -> None:
    assert list(pages.check(WANTED, [replace(PROCESS, memory=None)], CLUES)) == []
