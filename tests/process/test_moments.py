"""The looks of a watch, kept in bounded memory."""

from pytest_numa.process.moments import Moment, Moments


def moment(number: int, *, bytes_by_node: dict[int, int] | None = None) -> Moment:
    ran_on = frozenset({number})
    return Moment(at_s=float(number), threads=number, ran_on=ran_on, bytes_by_node=bytes_by_node)


def test_a_short_watch_keeps_every_look() -> None:
    looks = [moment(number) for number in range(240)]
    found = Moments()

    for one in looks:
        found.add(one)

    assert found.all == tuple(looks)


def test_a_long_watch_keeps_all_cpus_and_the_last_look() -> None:
    found = Moments()

    for number in range(10_000):
        found.add(moment(number))

    assert len(found.all) <= 240
    assert frozenset().union(*(one.ran_on for one in found.all)) == frozenset(range(10_000))
    assert (found.all[0].at_s, found.all[-1]) == (0.0, moment(9999))


def test_two_looks_in_one_have_the_most_memory_that_either_saw() -> None:
    both = moment(1, bytes_by_node={0: 5, 1: 2}).with_next(moment(2, bytes_by_node={0: 3, 2: 1}))

    assert both.bytes_by_node == {0: 5, 1: 2, 2: 1}
    assert (both.at_s, both.threads) == (1.0, 2)


def test_unknown_memory_stays_unknown() -> None:
    assert moment(1).with_next(moment(2)).bytes_by_node is None
