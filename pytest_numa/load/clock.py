"""When bytes arrived, by the kernel: receive stamps (socket(7), SO_TIMESTAMPNS), on our clock.

A stamp is CLOCK_REALTIME, our clock is CLOCK_MONOTONIC (``time.perf_counter`` on Linux). Both are
slewed alike; they move against each other only where somebody sets the time.
"""

import socket
import struct
import time
from array import array
from collections.abc import Sequence

# include/uapi/asm-generic/socket.h: SO_TIMESTAMPNS_OLD, a struct timespec as data. Not in `socket`.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_MOST_STEP_NS = 50_000
_TRIES = 25

Ancillary = Sequence[tuple[int, int, bytes]]


def ask_for_stamps(connection: socket.socket) -> None:
    """Have the kernel stamp what arrives; where it does not know how, no stamps come."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return


def stamp_ns(ancillary: Ancillary) -> int:
    """The stamp beside a read, or 0 where there is none."""
    # Nothing else was asked for, so that nothing else can be there.
    if not ancillary or len(ancillary[0][2]) != _TIMESPEC.size:
        return 0
    seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
    return int(seconds * 1_000_000_000 + nanoseconds)


def stamps_ns(ancillaries: Sequence[Ancillary]) -> "array[int]":
    """The stamps beside many reads."""
    joined = b"".join([one[0][2] for one in ancillaries if one])
    if len(joined) != _TIMESPEC.size * len(ancillaries):
        return array("q", map(stamp_ns, ancillaries))
    pairs = _TIMESPEC.iter_unpack(joined)
    return array("q", [seconds * 1_000_000_000 + nanoseconds for seconds, nanoseconds in pairs])


def offset_ns() -> int:
    """CLOCK_REALTIME less CLOCK_MONOTONIC, by the narrowest of several looks."""
    best_ns, found_ns = 10**12, 0
    for _ in range(_TRIES):
        before_ns = time.perf_counter_ns()
        real_ns = time.time_ns()
        after_ns = time.perf_counter_ns()
        if after_ns - before_ns < best_ns:
            best_ns = after_ns - before_ns
            found_ns = real_ns - (before_ns + after_ns) // 2
    return found_ns


def is_same(before_ns: int, after_ns: int) -> bool:
    """Whether the time was not set between two offsets."""
    return abs(after_ns - before_ns) <= _MOST_STEP_NS
