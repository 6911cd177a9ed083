"""Finished blocks on disk: what an interruption leaves, and what is refused."""

import base64
import contextlib
import json
import multiprocessing
import os
import pickle
import signal
from pathlib import Path

import pytest

from pytest_numa import unfinished
from pytest_numa.errors import SessionError
from pytest_numa.kernel.maps import Range
from pytest_numa.load.results import Limits

RANGE = Range(*range(len(Range._fields)))
BLOCK = {"pinned": [Limits(ttft_ms=1.0), RANGE]}


def interrupted(path: Path, blocks: int) -> None:
    with (
        contextlib.suppress(KeyboardInterrupt),
        unfinished.kept(path, "i", is_resumed=False) as own,
    ):
        for _ in range(blocks):
            own.add(BLOCK)
        raise KeyboardInterrupt


def test_a_session_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "blocks"

    with unfinished.kept(path, "i", is_resumed=False) as own:
        own.add(BLOCK)

    assert list(path.parent.iterdir()) == []


def test_an_interrupted_session_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    interrupted(path, 2)

    with unfinished.kept(path, "i", is_resumed=True) as own:
        found = list(own.blocks)

    assert found == [BLOCK, BLOCK]
    assert own.notes[0].startswith("2 of the blocks are those of the session that was begun")


def test_half_a_line_at_the_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    interrupted(path, 2)
    path.write_bytes(path.read_bytes()[:-10])

    own = unfinished.read(path, "i")
    own.add(BLOCK)

    assert unfinished.read(path, "i").blocks == [BLOCK, BLOCK]


def add_for_ever(path: Path) -> None:
    with unfinished.kept(path, "i", is_resumed=False) as own:
        while True:
            own.add(BLOCK)


def test_kill_at_any_moment_of_writing_leaves_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    for delay_s in (0.2, 0.23, 0.26, 0.29):
        process = multiprocessing.get_context("fork").Process(target=add_for_ever, args=(path,))
        process.start()
        process.join(delay_s)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()

        own = unfinished.read(path, "i")

        assert own.blocks == [BLOCK] * len(own.blocks)
        assert own.blocks


def test_a_session_that_is_not_gone_on_with_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    interrupted(path, 1)

    with unfinished.kept(path, "i", is_resumed=False):
        pass

    assert len(unfinished.read(tmp_path / "blocks.old", "i").blocks) == 1


def test_no_interrupted_session_is_told(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"there is no interrupted session .* start anew"):
        unfinished.read(tmp_path / "blocks", "i")


def test_blocks_of_something_else_are_refused(tmp_path: Path) -> None:
    interrupted(tmp_path / "blocks", 1)

    with pytest.raises(SessionError, match="measured something else"):
        unfinished.read(tmp_path / "blocks", "other")


@pytest.mark.parametrize("text", [b"", b"{}\n", b"[1]\n", b"\xff\n", b'{"schema": 1}\n'])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "blocks").write_bytes(text)

    with pytest.raises(SessionError, match="is no interrupted session"):
        unfinished.read(tmp_path / "blocks", "i")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (b"\x80", "is damaged"),
        (pickle.dumps(os.system), "posix.system is no value of a session"),
        (pickle.dumps(unfinished.read), "pytest_numa.unfinished.read is no value"),
        (pickle.dumps([1]), "a block that is none"),
    ],
)
def test_a_block_that_is_no_block_is_refused_and_runs_nothing(
    tmp_path: Path, state: bytes, words: str
) -> None:
    path = tmp_path / "blocks"
    interrupted(path, 1)
    line = json.dumps({"block": base64.b64encode(state).decode()})
    path.write_text(f"{path.read_text()}{line}\n")

    with pytest.raises(SessionError, match=words):
        unfinished.read(path, "i")


def test_a_place_that_takes_no_file_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with unfinished.kept(tmp_path / "file" / "blocks", "i", is_resumed=False) as own:
        own.add(BLOCK)

    assert own.blocks == [BLOCK]
    assert own.notes == (f"finished blocks cannot be kept in {own.path}: File exists",)
