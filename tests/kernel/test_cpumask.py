import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpumask


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("00000003\n", {0, 1}),
        ("0000,0000003f\n\0", {0, 1, 2, 3, 4, 5}),
        ("000f,c0000000", {30, 31, 32, 33, 34, 35}),
        ("00000000,00000000", set()),
        ("FFFFF", set(range(20))),
    ],
)
def test_a_mask_is_read_with_its_highest_word_first(text: str, members: set[int]) -> None:
    assert cpumask.parse(text, source="cpumap") == members


@pytest.mark.parametrize("text", ["", "0x3", "3,3", "g", "00000000,", "000000001", "-3"])
def test_what_is_no_mask_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match=r"^node0/cpumap: expected a mask such as"):
        cpumask.parse(text, source="node0/cpumap")


@given(st.frozensets(st.integers(0, 1023)))
def test_a_mask_as_the_kernel_prints_it_reads_back(members: frozenset[int]) -> None:
    digits = f"{sum(1 << member for member in members):0256x}"
    text = ",".join(digits[start : start + 8] for start in range(0, 256, 8))

    assert cpumask.parse(text, source="") == members
