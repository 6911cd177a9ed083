"""Where a neighbour works: the CPUs that the policy leaves over, off the load generator's."""

import pytest

from pytest_numa.conditions import places
from pytest_numa.conditions.places import Place, Where
from pytest_numa.errors import HostError
from pytest_numa.host import Cpu, Node, Topology
from pytest_numa.policy import Policy

GIB = 2**30
# Distances of two sockets with two nodes each.
FOUR_NODES = {0: (10, 12, 32, 32), 1: (12, 10, 32, 32), 2: (32, 32, 10, 12), 3: (32, 32, 12, 10)}


def topology(
    nodes: int, *, cpus_per_node: int, threads: int = 1, available_bytes: int = 100 * GIB
) -> Topology:
    count = nodes * cpus_per_node
    return Topology(
        nodes=tuple(
            Node(
                id=number,
                cpus=frozenset(range(number * cpus_per_node, (number + 1) * cpus_per_node)),
                cpus_offline=frozenset(),
                memory_bytes=128 * GIB,
                memory_free_bytes=None,
                memory_available_bytes=available_bytes,
                distances=dict(enumerate(FOUR_NODES[number])),
            )
            for number in range(nodes)
        ),
        cpus=tuple(
            Cpu(
                id=number,
                is_online=True,
                core_id=number // threads,
                socket_id=0,
                siblings=frozenset(
                    range(number // threads * threads, (number // threads + 1) * threads)
                ),
            )
            for number in range(count)
        ),
        devices=(),
        is_numa=True,
    )


def policy(*cpus: int) -> Policy:
    return Policy(cpus=frozenset(cpus), memory_nodes=frozenset({0}))


def found(
    where: Where,
    host: Topology,
    wanted: Policy,
    *,
    client: frozenset[int] | None = None,
    in_reach: frozenset[int] | None = None,
) -> Place:
    reach = host.cpus_online if in_reach is None else in_reach
    return places.find(where, host, wanted, in_reach=reach, client_cpus=client)


def test_on_the_same_node_it_has_what_the_policy_and_the_load_generator_leave_over() -> None:
    host = topology(2, cpus_per_node=8)

    place = found("same", host, policy(0, 1, 2, 3), client=frozenset({4}))

    assert place.cpus == {5, 6, 7}
    assert place.remarks == ()


def test_where_only_the_load_generators_are_left_it_leaves_that_a_quarter_of_the_cores() -> None:
    host = topology(1, cpus_per_node=12)

    place = found("same", host, policy(0, 1, 2, 3), client=frozenset(range(4, 12)))

    assert place.cpus == {4, 5, 6, 7, 8, 9}
    assert place.remarks == ()


def test_one_cpu_for_both_is_said() -> None:
    host = topology(1, cpus_per_node=2)

    place = found("same", host, policy(0), client=frozenset({1}))

    assert place.cpus == {1}
    assert place.remarks[0].startswith("the neighbour shares the CPUs of the load generator")


def test_a_policy_of_the_whole_node_has_it_on_its_own_cpus_and_that_is_said() -> None:
    host = topology(2, cpus_per_node=4)

    place = found("same", host, policy(0, 1, 2, 3), client=frozenset({4, 5, 6, 7}))

    assert place.cpus == {0, 1, 2, 3}
    assert place.remarks[0].startswith("the policy has all CPUs of node 0: the neighbour works on")


def test_cpus_that_share_cores_with_the_policys_are_named() -> None:
    host = topology(1, cpus_per_node=8, threads=2)

    place = found("same", host, policy(0, 2), client=frozenset({6, 7}))

    assert place.remarks == ("CPUs 1,3 of it share cores with the policy's",)


def test_cpus_that_a_cpuset_keeps_from_us_are_not_taken() -> None:
    host = topology(1, cpus_per_node=8)

    place = found("same", host, policy(0, 1), in_reach=frozenset({0, 1, 2}))

    assert place.cpus == {2}


def test_the_other_node_is_the_nearest() -> None:
    host = topology(4, cpus_per_node=4)

    place = found("other", host, policy(8, 9), client=frozenset({0, 1}))

    assert place.cpus == {12, 13, 14, 15}


def test_on_the_other_node_it_leaves_the_load_generator_some_cores() -> None:
    host = topology(2, cpus_per_node=4)

    place = found("other", host, policy(0, 1, 2, 3), client=frozenset({4, 5, 6, 7}))

    assert place.cpus == {4, 5, 6}


def test_a_host_of_one_node_has_no_other() -> None:
    with pytest.raises(HostError, match=r"--numa-neighbour other: expected CPUs .* than 0, found"):
        found("other", topology(1, cpus_per_node=4), policy(0))


def test_another_node_out_of_reach_is_none() -> None:
    host = topology(2, cpus_per_node=4)

    with pytest.raises(HostError, match="found none; leave `other` out"):
        found("other", host, policy(0), in_reach=frozenset({0, 1, 2, 3}))


def test_its_buffers_leave_the_service_the_memory() -> None:
    small = topology(1, cpus_per_node=4, available_bytes=GIB // 4)
    large = topology(1, cpus_per_node=4)

    assert found("same", small, policy(0)).buffer_bytes == GIB // 4 // 8 // 2 // 3
    assert found("same", large, policy(0)).buffer_bytes == 64 * 2**20
