"""Until when each exchange has to be over. All have the same time, so that they stand in order."""

from collections import deque
from collections.abc import Iterator

from pytest_numa.load.exchange import Exchange


class Deadlines:
    """``timeout_s`` is from when an exchange has begun."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._waiting: deque[tuple[float, Exchange]] = deque()

    @property
    def next_s(self) -> float:
        """When the first of them is due; infinity where there is none."""
        return self._waiting[0][0] if self._waiting else float("inf")

    def add(self, exchange: Exchange) -> None:
        """An exchange that has begun."""
        self._waiting.append((exchange.begun_at_s + self._timeout_s, exchange))

    def clear(self) -> None:
        """Wait for none."""
        self._waiting.clear()

    def expired(self, now_s: float) -> Iterator[Exchange]:
        """Those whose time is over and that are not; what is over is forgotten."""
        waiting = self._waiting
        while waiting and (waiting[0][1].is_over or waiting[0][0] <= now_s):
            _, exchange = waiting.popleft()
            if not exchange.is_over:
                yield exchange
