"""The loop that sends requests and reads answers: one thread, plain HTTP/1.1, nothing parsed.

What has ended is taken apart when nothing else is to be done, or after the run.
"""

import select
import time
from collections.abc import Callable

from pytest_numa.load import clock
from pytest_numa.load.backlog import Backlog
from pytest_numa.load.connection import Address, Connection
from pytest_numa.load.deadlines import Deadlines
from pytest_numa.load.exchange import Exchange
from pytest_numa.load.poller import Poller
from pytest_numa.load.pool import Pool
from pytest_numa.load.prepared import Prepared
from pytest_numa.load.schedule import Due, Schedule

MOST_CONNECT_S = 10.0
_TICK_S = 0.2
_BRIEFLY_S = 0.05
# So many refused connections and no other outcome: there is no server.
_HOPELESS = 20
# A body is looked at off the clock once nothing has come for so long.
_QUIET_S = 0.1
_READ_BYTES = 2**11
# The shortest read that ends an answer in chunks: `0`, and two line ends.
_LAST_CHUNK_BYTES = 5
# What is left lying undone of an exchange under way: reads that are shorter than this.
_MOST_PLAIN_BYTES = 2**12
_READABLE = select.EPOLLIN
_ENDED = select.EPOLLERR | select.EPOLLHUP
_ANCILLARY_BYTES = clock.ANCILLARY_BYTES
_now_s = time.perf_counter

OnTick = Callable[[int, int], None]


class Engine:
    """Connections to one address, kept from run to run."""

    def __init__(self, address: Address, *, timeout_s: float, is_streaming: bool = True) -> None:
        self.poller = Poller()
        self.reconnected = 0
        self._timeout_s = timeout_s
        self._is_streaming = is_streaming
        self._pool = Pool(address, self.poller)
        self._deadlines = Deadlines(timeout_s)
        self._backlog = Backlog()
        self._is_stopped = False
        self._is_changed = True
        self._in_flight = 0
        self._unconnected = 0

    def stop(self) -> None:
        """End early, also from a signal handler: what is under way does not count."""
        self._is_stopped = True
        self.poller.wake()

    def close(self) -> None:
        """Close every connection."""
        for connection in [*self._pool.by_number.values()]:
            self._pool.drop(connection)
        self.poller.close()

    def open_ahead(self, count: int) -> None:
        """Have so many connections open before the clock starts; those that fail fail later."""
        until_s = time.perf_counter() + min(self._timeout_s, MOST_CONNECT_S)
        pool = self._pool
        for _ in range(count - len(pool.by_number)):
            pool.idle.append(pool.opened())
        while any(not one.is_open for one in pool.idle) and time.perf_counter() < until_s:
            self._turn(time.perf_counter() + _BRIEFLY_S)
            if self._is_stopped:
                return

    def alone(self, exchange: Exchange) -> Exchange:
        """One exchange by itself, to its end."""
        self._start(exchange, time.perf_counter())
        while not exchange.is_over and not self._is_stopped:
            self._turn(time.perf_counter() + _BRIEFLY_S)
            self._expire(time.perf_counter())
        self._backlog = Backlog()
        return exchange

    def run(
        self,
        schedule: Schedule,
        prepared: Prepared[bytes],
        *,
        slots: int | None,
        spacing_s: float = 0.0,
        on_tick: OnTick | None = None,
    ) -> list[Exchange]:
        """Send all that is scheduled; returns what has ended, in that order, taken apart.

        ``slots`` is the most in flight of a closed loop, each beginning ``spacing_s`` after the
        one before; None for an open loop.
        """
        backlog = self._backlog = Backlog()
        self._unconnected = 0
        begun_at_s = wake_at_s = tick_at_s = time.perf_counter()
        while not self._is_stopped:
            now_s = time.perf_counter()
            if self._is_changed or now_s >= wake_at_s:
                self._is_changed = False
                self._expire(now_s)
                begun = _begun(slots, spacing_s, now_s - begun_at_s)
                due = self._send(schedule, prepared, begun, now_s)
                if due is None and self._in_flight == 0:
                    break
                if now_s >= tick_at_s:
                    tick_at_s = now_s + _TICK_S
                    self._look(now_s)
                    if on_tick is not None:
                        on_tick(len(backlog.ended), backlog.failed)
                is_beginning = begun is not None and begun != slots
                slot_at_s = begun_at_s + (begun or 0) * spacing_s if is_beginning else None
                wake_at_s = self._wake_at_s(tick_at_s, due, slot_at_s)
            if not self._turn(0.0 if backlog else wake_at_s):
                if backlog:
                    backlog.digest()
                else:
                    prepared.build_one()
        for connection, _ in self._pool.under_way():
            self._pool.drop(connection)
        self._in_flight = 0
        self._deadlines.clear()
        backlog.digest_all()
        if on_tick is not None:
            on_tick(len(backlog.ended), backlog.failed)
        return backlog.ended

    def _wake_at_s(self, tick_at_s: float, due: Due | None, slot_at_s: float | None) -> float:
        """When something is to be done though nothing has come."""
        wakes_s = [tick_at_s, self._deadlines.next_s]
        if due is not None and due.at_s is not None:
            wakes_s.append(due.at_s)
        elif due is not None and slot_at_s is not None:
            wakes_s.append(slot_at_s)
        return min(wakes_s)

    def _send(
        self, schedule: Schedule, prepared: Prepared[bytes], most: int | None, now_s: float
    ) -> Due | None:
        """Send what is due; returns the next that is not, if there is one."""
        while (due := schedule.peek(now_s)) is not None:
            is_early = due.at_s is not None and due.at_s > now_s
            if is_early or (most is not None and self._in_flight >= most):
                return due
            schedule.taken()
            ready = prepared.take()
            exchange = Exchange(
                ready.built,
                number=ready.number,
                wanted_tokens=ready.wanted_tokens,
                most_tokens=ready.most_tokens,
                is_streaming=self._is_streaming,
                due_s=due.at_s,
            )
            self._start(exchange, now_s)
            if self._unconnected >= _HOPELESS and self._unconnected == len(self._backlog.ended):
                self._give_up(schedule, exchange)
        return None

    def _give_up(self, schedule: Schedule, last: Exchange) -> None:
        now_s = time.perf_counter()
        for _ in range(schedule.rest()):
            hopeless = Exchange(b"", number=last.number, is_streaming=self._is_streaming)
            hopeless.begun_at_s = last.begun_at_s
            hopeless.over((0, now_s), "connect")
            self._backlog.add(hopeless)

    def _start(self, exchange: Exchange, now_s: float) -> None:
        exchange.begun_at_s = now_s if exchange.due_s is None else exchange.due_s
        self._deadlines.add(exchange)
        self._in_flight += 1
        connection = self._pool.taken()
        if not connection.send(exchange):
            self._gone(connection)
        # An open loop that has used up its connections: the next request finds one open.
        if exchange.due_s is not None and not exchange.is_over:
            self._pool.keep_spare()

    def _turn(self, until_s: float) -> bool:
        """Deal with what happens until something is to be decided, or it is time; whether it did.

        What every token passes through: no more than it takes to note it.
        """
        wait, by_number, read = self.poller.wait, self._pool.by_number, self._read
        now_s = time.perf_counter()
        while events := wait(until_s - now_s):
            for number, mask in events:
                connection = by_number.get(number)
                if connection is None:
                    continue
                if mask == _READABLE:
                    read(connection)
                else:
                    self._on_other(connection, mask)
            if self._is_changed or self._is_stopped:
                return True
            now_s = time.perf_counter()
            if now_s >= until_s:
                return True
        return False

    def _on_other(self, connection: Connection, mask: int) -> None:
        is_ended = bool(mask & _ENDED) and not connection.is_open
        if is_ended or (mask & select.EPOLLOUT and connection.on_writable()):
            self._gone(connection)
        elif mask != select.EPOLLOUT:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        """All that can wait is left for later."""
        try:
            data, ancillary, _, _ = connection.recvmsg(_READ_BYTES, _ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, ancillary = b"", []
        exchange = connection.exchange
        if not data or exchange is None:
            # The end, or bytes that nobody asked for: what comes next could be anything.
            self._gone(connection)
            return
        reads = exchange.reads
        reads.append(((ancillary, _now_s()), data))
        if (
            len(reads) >= exchange.most_undone
            or data.endswith(b"\r\n\r\n")
            or not _LAST_CHUNK_BYTES <= len(data) < _MOST_PLAIN_BYTES
        ) and exchange.look():
            self._release(connection, exchange)

    def _release(self, connection: Connection, exchange: Exchange) -> None:
        connection.exchange = None
        connection.is_fresh = False
        decoder = exchange.decoder
        if decoder.is_complete and decoder.is_kept and exchange.failure != "bad_protocol":
            self._pool.idle.append(connection)
        else:
            self._pool.drop(connection)
        self._ended(exchange)

    def _gone(self, connection: Connection) -> None:
        """The connection has ended, or never began."""
        exchange = connection.exchange
        now_s = time.perf_counter()
        self._pool.drop(connection)
        if exchange is None:
            return
        if not connection.is_open:
            exchange.over((0, now_s), "connect")
        elif exchange.has_answer or connection.is_fresh or exchange.is_resent:
            exchange.closed((0, now_s))
        else:
            # A kept connection was just being closed: once more (RFC 9112, 9.3.1). The clock of
            # the request goes on.
            exchange.is_resent = True
            self.reconnected += 1
            again = self._pool.opened()
            if not again.send(exchange):
                self._gone(again)
            return
        self._ended(exchange)

    def _ended(self, exchange: Exchange) -> None:
        self._in_flight -= 1
        self._unconnected += exchange.failure == "connect"
        self._is_changed = True
        self._backlog.add(exchange)

    def _expire(self, now_s: float) -> None:
        """Leave what has had its time."""
        for exchange in self._deadlines.expired(now_s):
            for connection, under_way in self._pool.under_way():
                if under_way is exchange:
                    self._pool.drop(connection)
                    exchange.look()
                    exchange.over((0, now_s), "timeout" if connection.is_open else "connect")
                    self._ended(exchange)

    def _look(self, now_s: float) -> None:
        for connection, exchange in self._pool.under_way():
            if exchange.look(now_s - _QUIET_S):
                self._release(connection, exchange)
            elif not connection.is_open and now_s - connection.begun_at_s > MOST_CONNECT_S:
                self._gone(connection)


def _begun(slots: int | None, spacing_s: float, since_s: float) -> int | None:
    """How many slots have begun after so long; None where there are none to begin."""
    if slots is None or spacing_s <= 0:
        return slots
    return min(slots, 1 + int(since_s / spacing_s))
