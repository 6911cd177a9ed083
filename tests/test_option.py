"""The values of options, as they are read from text."""

from collections.abc import Callable

import pytest

from pytest_numa import option


@pytest.mark.parametrize("parse", [option.integer(1), option.positive, option.percent])
@pytest.mark.parametrize("text", ["1_0", "\u0663", "\uff11"])
def test_a_number_is_written_in_plain_digits(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        parse(text)
