"""What a session notes, and who may hold the host."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO, Any

import pytest

from pytest_numa.errors import HostError
from pytest_numa.services import undo


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setattr(undo, "state_folder", lambda: folder)
    return folder


def test_nothing_stays_of_a_session_that_has_ended(state: Path) -> None:
    with undo.footprint() as held:
        assert held.folder.is_dir()

    assert not state.exists()


def test_a_cgroup_that_was_noted_is_removed_by_the_next_session(state: Path) -> None:
    dead = undo.Footprint(folder=state / "1-dead")
    dead.folder.mkdir(parents=True)
    state.chmod(0o700)
    left = state.parent / "cgroup" / "child"
    left.mkdir(parents=True)
    dead.note_cgroup(left.parent)

    with undo.footprint():
        assert not dead.folder.exists()

    assert not left.parent.exists()


def test_a_note_that_was_cut_off_does_not_stop_the_others(state: Path) -> None:
    dead = undo.Footprint(folder=state / "1-dead")
    dead.folder.mkdir(parents=True)
    state.chmod(0o700)
    left = state.parent / "cgroup"
    left.mkdir()
    dead.note_cgroup(left)
    with (dead.folder / "notes.jsonl").open("a") as notes:
        notes.write('{"unit": "/etc/sys')

    with undo.footprint():
        pass

    assert not left.exists()


def test_a_state_folder_that_others_may_write_is_refused(state: Path) -> None:
    state.mkdir()
    state.chmod(0o777)

    with pytest.raises(HostError, match="expected a folder that is ours alone"), undo.footprint():
        pass

    assert list(state.iterdir()) == []


def test_a_link_for_a_state_folder_is_refused(state: Path) -> None:
    state.symlink_to(state.parent)

    with pytest.raises(HostError, match="expected a folder that is ours alone"), undo.footprint():
        pass


def test_another_session_is_named_by_its_process(state: Path) -> None:
    with (
        undo.footprint(),
        pytest.raises(HostError, match=rf"\(PID {os.getpid()}, lock .*wait until it has ended"),
        undo.footprint(),
    ):
        pass

    assert not state.exists()


def test_a_lock_that_its_holder_removed_before_it_was_ours_holds_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contextlib.ExitStack()
    before.enter_context(undo.footprint())
    real_lock = fcntl.flock

    def ended_meanwhile(file: IO[Any], how: int) -> None:
        # The file is opened; its holder ends, and takes the file away, before it is locked.
        before.close()
        real_lock(file, how)

    monkeypatch.setattr(fcntl, "flock", ended_meanwhile)

    with (
        undo.footprint(),
        pytest.raises(HostError, match="another session of pytest-numa measures"),
        undo.footprint(),
    ):
        pass

    assert not state.exists()


def test_a_folder_that_goes_as_the_lock_is_made_is_made_again(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_check = undo._check_own
    left = [1, 1]

    def taken_away(folder: Path) -> None:
        real_check(folder)
        if left:
            left.pop()
            folder.rmdir()

    monkeypatch.setattr(undo, "_check_own", taken_away)

    with undo.footprint() as held:
        assert held.folder.is_dir()


def test_a_folder_that_never_stays_is_told(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "_check_own", Path.rmdir)

    with pytest.raises(HostError, match="it does not stay there"), undo.footprint():
        pass

    assert not state.exists()
