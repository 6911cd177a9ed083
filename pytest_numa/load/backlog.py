"""Exchanges that are over, and are taken apart when nothing else is to be done."""

from collections import deque

from pytest_numa.load.exchange import Exchange

_SLICE = 16
_ALL = 2**30
_MOST_BYTES = 8 * 2**20


class Backlog:
    """``ended``: all that were added. ``failed``: how many of those taken apart are no success."""

    def __init__(self) -> None:
        self.ended: list[Exchange] = []
        self.failed = 0
        self._waiting: deque[Exchange] = deque()
        self._held_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, exchange: Exchange) -> None:
        """Keep it for later, as long as memory is left for that."""
        self.ended.append(exchange)
        self._waiting.append(exchange)
        self._held_bytes += exchange.held_bytes
        while self._held_bytes > _MOST_BYTES:
            self.digest(_ALL)

    def digest(self, most: int = _SLICE) -> None:
        """Take apart a part of the first."""
        first = self._waiting[0]
        held_bytes = first.held_bytes
        if first.digest(most):
            self._held_bytes -= held_bytes
            self.failed += first.failure is not None
            self._waiting.popleft()

    def digest_all(self) -> None:
        """Take everything apart."""
        while self._waiting:
            self.digest(_ALL)
