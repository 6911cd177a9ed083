import pytest

from pytest_numa.errors import ParseError
from pytest_numa.kernel import distance


def test_columns_follow_the_online_nodes_and_not_the_ids() -> None:
    distances = distance.parse("16 10 22\n", online={33, 0, 2}, source="node2/distance")

    assert distances == {0: 16, 2: 10, 33: 22}


@pytest.mark.parametrize("text", ["", "10", "10 20 30", "10 x", "10 -1"])
def test_a_count_of_columns_other_than_the_online_nodes_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match=r"expected one distance for each online node \(0, 1\)"):
        distance.parse(text, online={0, 1}, source="node0/distance")
