"""Why memory lies elsewhere: each case as numa_maps and systemd show it."""

from dataclasses import replace

import pytest
from facts import CLUES, MIB, POLICY, PROCESS, THREAD, exec_start, memory, process, region, unit

from pytest_numa.placement import Clues, memory_causes
from pytest_numa.process import Process, Region

DROP_IN = "/etc/systemd/system.control/x.service.d/50-AllowedMemoryNodes.conf"


def why(one: Region, owner: Process = PROCESS, clues: Clues = CLUES) -> tuple[str, str]:
    return memory_causes.explain(one, owner, POLICY, clues)


def with_unit(**properties: str) -> Clues:
    return replace(CLUES, unit=unit(properties))


@pytest.mark.parametrize(
    ("policy", "cause"),
    [
        ("prefer:1", "preferred and not bound: where the node was full, memory went elsewhere"),
        ("prefer (many):0-1", "preferred and not bound"),
        ("prefer=static:1", "preferred and not bound"),
        ("interleave:0-2", "which spreads it over nodes"),
        ("weighted interleave:0-1", "which spreads it over nodes"),
        ("bind:0", "it was bound to other nodes"),
        ("bind=static:0-1", "it was bound to other nodes"),
        ("local", "where the thread ran that touched it first"),
        ("default", "no memory policy holds (no bind)"),
        ("bind:1", "allocated before the policy held"),
        ("bind=relative:0", "allocated before the policy held"),
    ],
)
def test_the_policy_of_the_range_tells_most(policy: str, cause: str) -> None:
    assert cause in why(region(policy=policy))[0]


def test_a_full_node_is_shown_with_what_it_has_free() -> None:
    assert "(node 1 has 2.0 MiB free now)" in why(region(policy="prefer:1"))[0]


def test_a_default_policy_under_a_cpuset_was_there_before_it() -> None:
    held = process(threads=(replace(THREAD, mems_allowed=frozenset({1})),))

    assert "before the policy" in why(region(policy="default"), held)[0]


def test_a_tmpfs_with_a_policy_of_its_own_is_named() -> None:
    one = region("shared", "bind:1", path="/run/pc/f", mount_policy="bind:0")

    cause, fix = why(one)

    assert cause.startswith("/run/pc/f lies on a tmpfs")
    assert "bind:0, which beats the process's" in cause
    assert "mpol=bind:1" in fix


def test_shared_memory_whose_ranges_have_another_policy_than_the_process_is_named() -> None:
    one = region("shared", "bind:0", path="/run/pc/f")

    assert "a memory policy of its own, bind:0" in why(one)[0]


def test_shared_memory_that_follows_the_process_has_the_process_s_cause() -> None:
    owner = process(memory=memory(region(policy="default")))

    cause, _ = why(region("shared", "default", path="/dev/shm/x"), owner)

    assert cause.startswith("no memory policy holds")


def test_huge_pages_come_from_a_pool_that_can_be_filled() -> None:
    cause, fix = why(region("huge", "default", path="/anon_hugepage (deleted)"))

    assert "pool (hugetlb)" in cause
    assert fix.startswith("echo COUNT > /sys/devices/system/node/node1/hugepages/")


def test_impossible_memory_nodes_fell_open() -> None:
    clues = with_unit(AllowedMemoryNodes="5", EffectiveMemoryNodes="0-2")

    cause, fix = why(region(policy="default"), clues=clues)

    assert "AllowedMemoryNodes=5 could not be applied (cpuset.mems)" in cause
    assert "AllowedMemoryNodes=1" in fix


def test_a_drop_in_that_moves_the_memory_is_named() -> None:
    text = {DROP_IN: "[Service]\nAllowedMemoryNodes=0\n"}
    clues = replace(CLUES, unit=unit(drop_ins=text))

    cause, fix = why(region(policy="default"), clues=clues)

    assert DROP_IN in cause
    assert fix.startswith(f"rm {DROP_IN}")


@pytest.mark.parametrize("policy", ["bind:0", "prefer:0", "prefer (many):0", "interleave:0-1"])
def test_numactl_in_exec_start_that_places_elsewhere_is_named(policy: str) -> None:
    line = exec_start("/usr/bin/numactl", "--membind=0", "/srv/server")

    cause, _ = why(region(policy=policy), clues=with_unit(ExecStart=line))

    assert cause.startswith("numactl in ExecStart= sets another policy")


def test_numactl_that_prefers_the_right_node_is_not_blamed_for_a_full_one() -> None:
    line = exec_start("/usr/bin/numactl", "--preferred=1", "/srv/server")

    cause, _ = why(region(policy="prefer:1"), clues=with_unit(ExecStart=line))

    assert "where the node was full" in cause


def test_what_a_sample_cannot_tell_it_does_not_guess() -> None:
    cause, fix = why(region(policy=""))

    assert "a sample does not read" in cause
    assert "--pages full" in fix


def test_a_region_is_described_by_what_it_is() -> None:
    shown = [
        memory_causes.described(one)
        for one in (
            region(policy="default"),
            region("huge", path="/anon_hugepage"),
            region("shared", path="/dev/shm/x", policy="", bytes_by_node={0: MIB}),
        )
    ]

    assert shown == [
        "heap, stacks and other anonymous memory, policy default",
        "huge pages /anon_hugepage, policy bind:1",
        "shared memory /dev/shm/x",
    ]
