"""The right twin of each wrong unit: what the lab blames on one thing differs in that thing."""

import pytest
import unit_cases
from unit_cases import Wrong

_ASPECTS = ("lines", "does", "wrapper", "before", "after", "wanted")
# A policy and its nodes are one setting.
_SETTINGS = {"NUMAMask": "NUMAPolicy"}


def differences(wrong: Wrong) -> set[str]:
    twin = unit_cases.RIGHT[wrong.twin]
    aspects = {name for name in _ASPECTS if getattr(wrong, name) != getattr(twin, name)}
    changed = set(wrong.lines.splitlines()) ^ set(twin.lines.splitlines())
    names = {line.partition("=")[0] for line in changed}
    return aspects - {"lines"} | {_SETTINGS.get(name, name) for name in names}


@pytest.mark.parametrize("wrong", unit_cases.WRONG.values(), ids=unit_cases.WRONG.keys())
def test_a_wrong_unit_differs_from_a_right_one_in_one_thing(wrong: Wrong) -> None:
    found = differences(wrong)

    assert len(found) == 1, found


@pytest.mark.parametrize("wrong", unit_cases.WRONG.values(), ids=unit_cases.WRONG.keys())
def test_a_wrong_unit_says_what_shall_be_found(wrong: Wrong) -> None:
    assert wrong.cause
    assert wrong.fix
