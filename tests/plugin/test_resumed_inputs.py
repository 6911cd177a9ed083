"""What blocks on disk must have in common with those that are added to them."""

from dataclasses import replace

import pytest

from pytest_numa import options, settings
from pytest_numa.settings import Settings

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.server


def built(pytester: pytest.Pytester, *args: str) -> Settings:
    config = pytester.parseconfig("-p", "no:benchmark", "--numa-node", "0", *args)
    return settings.build(options.read(config), directory=pytester.path)


def test_the_same_command_goes_on_with_its_blocks(pytester: pytest.Pytester) -> None:
    first, again = built(pytester), built(pytester, "--numa-resume", "--numa-blocks", "20")

    assert first.inputs(first.plan) == again.inputs(again.plan)


@pytest.mark.parametrize(
    "args",
    [
        ("--numa-null-control",),
        ("--numa-n-requests", "7"),
        ("--numa-runs", "2"),
        ("--numa-modes", "systemd,pinned"),
        ("--numa-set", "port=8123"),
    ],
)
def test_other_blocks_are_not_mixed_with_them(
    pytester: pytest.Pytester, args: tuple[str, ...]
) -> None:
    first, other = built(pytester), built(pytester, *args)

    assert first.inputs(first.plan) != other.inputs(other.plan)


def test_blocks_of_another_host_of_the_same_class_are_not_mixed(
    pytester: pytest.Pytester,
) -> None:
    own = built(pytester)

    there = replace(own, identity=replace(own.identity, hostname="another"))

    assert own.inputs(own.plan) != there.inputs(there.plan)
