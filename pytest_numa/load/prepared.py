"""Requests built ahead, so that none is built while its own clock runs."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_numa.load.prompts import Prompt
from pytest_numa.load.workload import Workload

_MOST_BYTES = 4 * 2**20
# What a built request takes beside its body.
_OVERHEAD_BYTES = 1024
_UNKNOWN_TOKENS = 2**12

Built = TypeVar("Built")


def request_id(run_id: str, number: int) -> str:
    """What a request is known by in the server's log."""
    return f"{run_id}-{number}"


@dataclass(frozen=True, slots=True)
class Ready(Generic[Built]):
    """A request to be sent as it is.

    ``most_tokens`` are asked for; an answer with fewer than ``wanted_tokens`` is a failure.
    """

    number: int
    built: Built
    most_tokens: int
    wanted_tokens: int | None
    size_bytes: int


class Prepared(Generic[Built]):
    """The requests of a workload in order; ``build`` makes of a body and an id what is sent."""

    def __init__(
        self, model: str, prompts: Sequence[Prompt], build: Callable[[bytes, str], Built]
    ) -> None:
        self._workload = Workload()
        self._run_id = ""
        self._model = model
        self._prompts = prompts
        self._build = build
        self._ahead: deque[Ready[Built]] = deque()
        self._numbers: Iterator[int] = iter(())
        self._ahead_bytes = 0

    def begin(self, workload: Workload, run_id: str, numbers: Iterator[int]) -> None:
        """Build the first of these, as many as memory is set aside for."""
        self._workload, self._run_id = workload, run_id
        self._ahead.clear()
        self._ahead_bytes = 0
        self._numbers = numbers
        while self.build_one():
            pass

    def build_one(self) -> bool:
        """Build one more ahead; False where that would be one too many, or none is left."""
        if self._ahead_bytes > _MOST_BYTES:
            return False
        number = next(self._numbers, None)
        if number is None:
            return False
        ready = self._made(number)
        self._ahead.append(ready)
        self._ahead_bytes += ready.size_bytes
        return True

    def take(self) -> Ready[Built]:
        """The next one; built only now where the loop was too busy to build it before."""
        if not self._ahead and not self.build_one():
            raise IndexError("more requests were taken than announced")
        ready = self._ahead.popleft()
        self._ahead_bytes -= ready.size_bytes
        return ready

    def _made(self, number: int) -> Ready[Built]:
        body = self._workload.body(number, model=self._model, prompts=self._prompts)
        asked = body.get("max_tokens")
        # Where the field was replaced by one of the user's, as many as fit.
        most_tokens = asked if isinstance(asked, int) else _UNKNOWN_TOKENS
        has_length = isinstance(asked, int) and bool(body.get("ignore_eos"))
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return Ready(
            number=number,
            built=self._build(text, request_id(self._run_id, number)),
            most_tokens=most_tokens,
            wanted_tokens=most_tokens if has_length else None,
            size_bytes=len(text) + _OVERHEAD_BYTES,
        )
