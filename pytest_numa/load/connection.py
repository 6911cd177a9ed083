"""A connection that never blocks, over TCP or a Unix socket, with the kernel's receive stamps."""

import contextlib
import errno
import select
import socket
import time
from dataclasses import dataclass
from typing import Any

import httpx

from pytest_numa.load import clock
from pytest_numa.load.exchange import Exchange
from pytest_numa.load.target import Target

_HTTP_PORT = 80
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EAGAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A socket address, resolved: no name is looked up while the clock runs."""

    family: int
    place: str | tuple[Any, ...]


def addresses(target: Target) -> list[Address]:
    """Where the server may be, in the resolver's order; empty for an unknown name."""
    if target.socket_path is not None:
        return [Address(family=socket.AF_UNIX, place=target.socket_path)]
    url = httpx.URL(target.base_url)
    try:
        found = socket.getaddrinfo(
            url.raw_host.decode("ascii"), url.port or _HTTP_PORT, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        return []
    return [Address(family=one[0], place=one[4]) for one in found]


def first_that_answers(found: list[Address], timeout_s: float) -> Address | None:
    """The first that takes a connection: `localhost` may be two, one of which nobody serves."""
    if len(found) == 1:
        return found[0]
    for address in found:
        with socket.socket(address.family, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout_s)
            with contextlib.suppress(OSError):
                probe.connect(address.place)
                return address
    return None


class Connection:
    """One connection and the exchange on it, if any.

    ``on_writable`` and ``send`` say when the connection has ended, by whomever.
    """

    def __init__(self, address: Address, poller: select.epoll) -> None:
        self.exchange: Exchange | None = None
        self.is_open = False
        self.is_fresh = True
        self.begun_at_s = time.perf_counter()
        self._unsent = memoryview(b"")
        self._poller = poller
        self._socket = socket.socket(address.family, socket.SOCK_STREAM)
        self._socket.settimeout(0)
        if address.family != socket.AF_UNIX:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clock.ask_for_stamps(self._socket)
        self.number = self._socket.fileno()
        self.recvmsg = self._socket.recvmsg
        self.has_failed = self._socket.connect_ex(address.place) not in _UNDER_WAY
        self._mask = select.EPOLLIN | select.EPOLLOUT
        poller.register(self.number, self._mask)

    def close(self) -> None:
        """Give the socket back."""
        self._poller.unregister(self.number)
        self._socket.close()

    def send(self, exchange: Exchange) -> bool:
        """Send it, at once if we can; False where the connection turns out to be gone."""
        self.exchange = exchange
        self._unsent = memoryview(exchange.wire)
        return self._push() if self.is_open else not self.has_failed

    def on_writable(self) -> bool:
        """Connected, or room to write."""
        if not self.is_open:
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return True
            self.is_open = True
        if self._unsent:
            return not self._push()
        self._watch(select.EPOLLIN)
        return False

    def _push(self) -> bool:
        exchange = self.exchange
        if exchange is not None and exchange.sent_at_s is None:
            exchange.sent_at_s = time.perf_counter()
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return False
        self._unsent = self._unsent[sent:]
        self._watch(select.EPOLLIN | select.EPOLLOUT if self._unsent else select.EPOLLIN)
        return True

    def _watch(self, mask: int) -> None:
        if mask != self._mask:
            self._mask = mask
            self._poller.modify(self.number, mask)
