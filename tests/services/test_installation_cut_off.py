"""Installations where the disk, or somebody else, is in the way: nothing is left half done."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import takewhile

import pytest
from test_installation import install, sleeper, state, tree
from test_killed import killed

from pytest_numa.errors import HostError
from pytest_numa.services import installation, journal, systemctl

pytestmark = pytest.mark.systemd


def test_a_change_that_was_cut_off_and_edited_since_is_undone_by_force(
    lasting: systemctl.Scope,
) -> None:
    before = tree(lasting)
    path = lasting.unit_folder / "sleeper.service"
    for step in takewhile(lambda _: not path.exists(), range(20)):
        installation.recover(lasting)
        killed(step, "1000")
    path.write_text(path.read_text() + "# mine\n")
    (problem,) = installation.recover(lasting)

    (copy,) = installation.remove(lasting, "sleeper.service", is_forced=True)

    assert "was cut off and cannot be undone" in problem
    assert copy.read_text().endswith("# mine\n")
    assert tree(lasting) == before
    assert [journal.change(lasting, unit) for unit in journal.units(lasting)] == []


def test_a_link_that_led_elsewhere_leads_there_again(lasting: systemctl.Scope) -> None:
    link = lasting.unit_folder / "x.target.wants/sleeper.service"
    link.parent.mkdir()
    link.symlink_to("/nowhere/sleeper.service")
    before = tree(lasting)

    install(lasting, sleeper())
    installation.remove(lasting, "sleeper.service")

    assert tree(lasting) == before


@pytest.fixture
def read_only(lasting: systemctl.Scope) -> Iterator[Callable[[], None]]:
    """What makes the unit folder one that cannot be written, for the rest of the test."""
    folder, mounts = str(lasting.unit_folder), ExitStack()

    def mounted() -> None:
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        mounts.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)

    with mounts:
        yield mounted


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a folder read-only")
def test_where_nothing_can_be_written_all_stays_as_it_is(
    lasting: systemctl.Scope, read_only: Callable[[], None]
) -> None:
    install(lasting, sleeper())
    before = tree(lasting), state(lasting)
    read_only()

    with pytest.raises(HostError, match="cannot be written: Read-only file system"):
        install(lasting, sleeper(3000))
    with pytest.raises(HostError, match="cannot be written: Read-only file system"):
        installation.remove(lasting, "sleeper.service")

    assert (tree(lasting), state(lasting)) == before
    assert [journal.change(lasting, unit) for unit in journal.units(lasting)] == [None]
