"""Waits for sockets, to the microsecond, and can be woken by a signal."""

import os
import select
import time

# epoll waits whole milliseconds, and longer rather than shorter; select waits microseconds.
_EXACT_S = 0.002
# Python sets memory aside for as many with every wait, for a thousand if not told.
_MOST_EVENTS = 64


class Poller:
    """What epoll(7) tells of the descriptors that are registered with ``epoll``.

    ``late_s`` are the lengths by which the last parts of waits were too long.
    """

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.late_s: list[float] = []
        self._wake_read, self.wake_descriptor = os.pipe()
        for end in (self._wake_read, self.wake_descriptor):
            os.set_blocking(end, False)
        self.epoll.register(self._wake_read, select.EPOLLIN)

    def close(self) -> None:
        """Give the descriptors back."""
        self.epoll.close()
        os.close(self._wake_read)
        os.close(self.wake_descriptor)

    def wake(self) -> None:
        """End the wait; also from a signal handler."""
        try:
            os.write(self.wake_descriptor, b"\0")
        except BlockingIOError:
            return

    def wait(self, wait_s: float) -> list[tuple[int, int]]:
        """(descriptor, events) as soon as there are any, but about ``wait_s`` later in any case."""
        if wait_s <= 0:
            return self.epoll.poll(0, _MOST_EVENTS)
        if wait_s >= _EXACT_S:
            # Rather too short: the rest is waited for when we are asked again.
            return self.epoll.poll(int(1000 * wait_s) / 1000, _MOST_EVENTS)
        due_s = time.perf_counter() + wait_s
        select.select([self.epoll.fileno()], [], [], wait_s)
        events = self.epoll.poll(0)
        if not events:
            self.late_s.append(max(0.0, time.perf_counter() - due_s))
        return events
