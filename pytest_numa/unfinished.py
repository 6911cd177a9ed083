"""Finished blocks on disk while a session measures: what an interruption leaves, and resuming it.

A file of lines: the first says what the blocks belong to, and each other one holds a block. A line
is written at once and synced, so that a crash loses at most the running block; half a line at the
end is what a crash left, and is cut off. The blocks are pickled (they hold all that was seen, to be
judged again), and unpickled with this package's values alone (pickle, Restricting Globals).
"""

import base64
import binascii
import contextlib
import dataclasses
import io
import json
import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from pytest_numa.errors import SessionError

SCHEMA = 1
_PLAIN = {("builtins", "frozenset"), ("builtins", "set"), ("pathlib", "PosixPath")}

Block = Mapping[str, Sequence[Any]]


@dataclass(slots=True, kw_only=True)
class Kept:
    """The blocks of a session that are on disk; ``trouble`` says why one could not be kept."""

    path: Path
    begun_at: datetime
    blocks: list[Block] = field(default_factory=list)
    trouble: str | None = None
    resumed: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of it."""
        resumed = (
            f"{self.resumed} of the blocks are those of the session that was begun at "
            f"{self.begun_at:%Y-%m-%d %H:%M} and interrupted"
        )
        return tuple(filter(None, (resumed if self.resumed else "", self.trouble)))

    def add(self, block: Block) -> None:
        """Keep one more block."""
        self.blocks.append(block)
        text = base64.b64encode(pickle.dumps(block)).decode("ascii")
        self._write({"block": text}, mode="ab")

    def _begin(self, inputs: str) -> None:
        head = {"schema": SCHEMA, "inputs": inputs, "begun_at": self.begun_at.isoformat()}
        self._write(head, mode="wb")

    def _write(self, line: Mapping[str, object], *, mode: str) -> None:
        if self.trouble:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, mode) as file:  # noqa: PTH123 - Path.open has no type for it
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # What is measured is still of use; only an interruption would lose it.
            self.trouble = f"finished blocks cannot be kept in {self.path}: {error.strerror}"


@contextlib.contextmanager
def kept(path: Path, inputs: str, *, is_resumed: bool) -> Iterator[Kept]:
    """Keep blocks in ``path`` for the length of the context; they stay there if it is left badly.

    ``inputs`` names all that blocks must have in common. A file that is there is gone on with, if
    that is asked for, and else moved to NAME.old. SessionError where there is nothing to resume, or
    something else.
    """
    if is_resumed:
        own = read(path, inputs)
    else:
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"{path.name}.old"))
        own = Kept(path=path, begun_at=datetime.now().astimezone())
        own._begin(inputs)  # noqa: SLF001 - of this module
    yield own
    with contextlib.suppress(OSError):
        path.unlink()


def read(path: Path, inputs: str) -> Kept:
    """The blocks of an interrupted session; SessionError where they are not of these inputs."""
    again = "run without --numa-resume to start anew"
    try:
        with path.open("r+b") as file:
            lines = _whole_lines(file)
    except FileNotFoundError:
        raise SessionError(
            f"--numa-resume: there is no interrupted session ({path}): {again}"
        ) from None
    except OSError as error:
        raise SessionError(f"--numa-resume: {path}: {error.strerror}: {again}") from None
    try:
        head = json.loads(lines[0])
        schema, theirs = head["schema"], head["inputs"]
        begun_at = datetime.fromisoformat(head["begun_at"])
    except (ValueError, KeyError, TypeError, IndexError):
        raise SessionError(f"--numa-resume: {path} is no interrupted session: {again}") from None
    if (schema, theirs) != (SCHEMA, inputs):
        raise SessionError(
            f"--numa-resume: the session in {path} measured something else (another unit, "
            f"workload, policy, host or version of pytest-numa): {again}, or give the options that "
            "it had"
        )
    try:
        blocks = [_block(line) for line in lines[1:]]
    except Exception as error:  # noqa: BLE001 - what damaged pickles raise has no common class
        raise SessionError(f"--numa-resume: {path} is damaged ({error}): {again}") from None
    return Kept(path=path, begun_at=begun_at, blocks=blocks, resumed=len(blocks))


def _whole_lines(file: BinaryIO) -> list[bytes]:
    text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        # The next block begins on a line of its own.
        file.truncate(len(whole))
    return whole.splitlines()


def _block(line: bytes) -> Block:
    try:
        state = base64.b64decode(json.loads(line)["block"], validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    block = _Restricted(io.BytesIO(state)).load()
    if not isinstance(block, dict):
        raise TypeError("a block that is none")
    return block


def _is_value(found: type) -> bool:
    return dataclasses.is_dataclass(found) or issubclass(found, (tuple, Enum))


class _Restricted(pickle.Unpickler):
    """Takes the values of this package, and no function that a stranger could name."""

    def find_class(self, module_name: str, name: str) -> Any:  # noqa: ANN401 - a class
        if (module_name, name) in _PLAIN:
            return super().find_class(module_name, name)
        found = None
        if module_name.startswith("pytest_numa."):
            found = getattr(sys.modules.get(module_name), name, None)
        if not (isinstance(found, type) and _is_value(found)):
            raise pickle.UnpicklingError(f"{module_name}.{name} is no value of a session")
        return found
