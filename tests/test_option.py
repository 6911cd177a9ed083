"""The values of options, as they are read from text."""

from collections.abc import Callable

import pytest

from pytest_numa import option


@pytest.mark.parametrize("parse", [option.integer(1), option.positive, option.percent])
@pytest.mark.parametrize("text", ["1_0", "\u0663", "\uff11"])
def test_a_number_is_written_in_plain_digits(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        parse(text)


@pytest.mark.parametrize(
    ("number", "text", "told"),
    [
        (option.integer(4), "3", "from 4 up, found '3'"),
        (option.integer(4, 9), "10", "from 4 to 9, found '10'"),
        (option.integer(4, 9), "x", "from 4 to 9, found 'x'"),
    ],
)
def test_a_whole_number_out_of_bounds_is_told_them(
    number: Callable[[str], object], text: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        number(text)
