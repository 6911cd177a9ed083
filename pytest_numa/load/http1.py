"""An HTTP/1.1 answer, taken apart as its bytes come: RFC 9112, the part that a client needs."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_DIGITS = re.compile(rb"\d{1,15}")
_MOST_HEAD_BYTES = 64 * 2**10
_MOST_SIZE_LINE_BYTES = 4 * 2**10
# Sizes of chunks as they are written, of which 0 is the end.
_SIZES = {
    form(size).encode(): size for size in range(1, 2048) for form in ("{:x}".format, "{:X}".format)
}
_MOST_FAST_DIGITS = 6
_NO_BODY = (204, 304)
_INTERIM = range(100, 200)

Stamp = TypeVar("Stamp")
Headers = list[tuple[bytes, bytes]]
# Takes what is there from a position on; returns the position after it, or None for "more".
_Step = Callable[[bytes, int, list[bytes]], int | None]


class BadProtocolError(ValueError):
    """No HTTP, or a body that is not as its headers say."""


class EarlyEndError(ValueError):
    """The connection ended in the middle of an answer."""


class Decoder:
    """One answer. ``feed`` it what was read, ``end`` it when the connection has ended.

    ``status`` is 0 until the head has been read. After ``is_complete`` the connection can take the
    next request if ``is_kept``.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.is_complete = False
        self.is_chunked = False
        self.is_encoded = False
        self.is_kept = True
        self._held = b""
        self._left_bytes = 0
        self._is_between_chunks = False
        self._step: _Step = self._head

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of body in ``data``; BadProtocolError where it cannot be read."""
        pieces: list[tuple[None, bytes]] = []
        self.feed_all([(None, data)], pieces)
        return [piece for _, piece in pieces]

    def feed_all(
        self, reads: Iterable[tuple[Stamp, bytes]], pieces: list[tuple[Stamp, bytes]]
    ) -> None:
        """The same for many reads; ``pieces`` are added to, up to what cannot be read."""
        for stamp, data in reads:
            if self._is_between_chunks and not self._held:
                # The usual case, several times as fast: a whole chunk in a read of its own.
                line_end = data.find(b"\r\n", 0, _MOST_FAST_DIGITS)
                size_bytes = _SIZES.get(data[:line_end])
                is_whole = size_bytes is not None and len(data) == line_end + size_bytes + 4
                if is_whole and data.endswith(b"\r\n"):
                    pieces.append((stamp, data[line_end + 2 : -2]))
                    continue
            pieces += [(stamp, piece) for piece in self._fed(data)]

    def _fed(self, data: bytes) -> list[bytes]:
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            if self.is_complete:
                raise BadProtocolError("bytes after the end of the answer")
            after = self._step(data, position, pieces)
            if after is None:
                self._held = data[position:]
                break
            position = after
        return pieces

    def end(self) -> None:
        """The server has closed: the end of a body without a length, else too early."""
        if self._step == self._until_close:
            self.is_complete = True
        if not self.is_complete:
            raise EarlyEndError("the connection ended in mid-answer")

    def _head(self, data: bytes, position: int, _: list[bytes]) -> int | None:
        found = _HEAD_END.search(data, position)
        if found is None:
            # So that what is no HTTP at all is told at once, and not when time is over.
            if not data.startswith(b"HTTP/1."[: len(data) - position], position):
                raise BadProtocolError(f"no status line: {data[position : position + 40]!r}")
            if len(data) - position > _MOST_HEAD_BYTES:
                raise BadProtocolError(f"a head of more than {_MOST_HEAD_BYTES} bytes")
            return None
        if found.end() - position > _MOST_HEAD_BYTES:
            raise BadProtocolError(f"a head of more than {_MOST_HEAD_BYTES} bytes")
        status_line, *lines = data[position : found.start()].replace(b"\r\n", b"\n").split(b"\n")
        status = _STATUS_LINE.fullmatch(status_line)
        if status is None:
            raise BadProtocolError(f"no status line: {status_line[:40]!r}")
        if int(status[2]) not in _INTERIM:
            self.status = int(status[2])
            self.headers = [_field(line) for line in lines]
            self._frame(is_old=status[1] == b"0")
        return found.end()

    def _frame(self, *, is_old: bool) -> None:
        """How the body ends: RFC 9112, 6.3."""
        values: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            values.setdefault(name.lower(), []).append(value)
        connection = b",".join(values.get(b"connection", ())).lower()
        self.is_kept = b"keep-alive" in connection if is_old else b"close" not in connection
        encodings = {one.lower() for one in values.get(b"content-encoding", ())}
        self.is_encoded = not encodings <= {b"identity", b""}
        codings = [one.lower() for one in values.get(b"transfer-encoding", ())]
        lengths = set(values.get(b"content-length", ()))
        if self.status in _NO_BODY:
            self.is_complete = True
        elif codings:
            if codings != [b"chunked"]:
                raise BadProtocolError(f"an unknown transfer coding: {codings!r}")
            self.is_chunked = True
            self._step = self._chunk
            self._is_between_chunks = True
        elif lengths:
            length = lengths.pop()
            if lengths or not _DIGITS.fullmatch(length):
                raise BadProtocolError(f"no length: {length[:40]!r}")
            self._left_bytes = int(length)
            self.is_complete = self._left_bytes == 0
            self._step = self._counted
        else:
            self.is_kept = False
            self._step = self._until_close

    def _counted(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        piece = data[position : position + self._left_bytes]
        pieces.append(piece)
        self._left_bytes -= len(piece)
        self.is_complete = self._left_bytes == 0
        return position + len(piece)

    def _until_close(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        pieces.append(data[position:])
        return len(data)

    def _chunk(self, data: bytes, position: int, pieces: list[bytes]) -> int | None:
        """The line with a chunk's size, and the chunk where it is all there."""
        line_end = data.find(b"\r\n", position)
        if line_end < 0:
            if not _CHUNK_SIZE.match(data, position) and data[position:] not in (b"", b"\r"):
                raise BadProtocolError(f"no chunk size: {data[position : position + 20]!r}")
            if len(data) - position > _MOST_SIZE_LINE_BYTES:
                raise BadProtocolError("a chunk's size line without end")
            return None
        size = _CHUNK_SIZE.fullmatch(data, position, line_end)
        if size is None:
            raise BadProtocolError(f"no chunk size: {data[position:line_end][:20]!r}")
        self._left_bytes = int(size[1], 16)
        if self._left_bytes == 0:
            self._step = self._trailers
            self._is_between_chunks = False
            return line_end + 2
        start, stop = line_end + 2, line_end + 2 + self._left_bytes
        if data[stop : stop + 2] == b"\r\n":
            pieces.append(data[start:stop])
            return stop + 2
        self._step = self._chunk_data
        self._is_between_chunks = False
        return start

    def _chunk_data(self, data: bytes, position: int, pieces: list[bytes]) -> int | None:
        """A chunk that came in several reads."""
        if self._left_bytes:
            piece = data[position : position + self._left_bytes]
            pieces.append(piece)
            self._left_bytes -= len(piece)
            return position + len(piece)
        if not b"\r\n".startswith(data[position : position + 2]):
            raise BadProtocolError("a chunk longer than its size says")
        if len(data) - position < len(b"\r\n"):
            return None
        self._step = self._chunk
        self._is_between_chunks = True
        return position + 2

    def _trailers(self, data: bytes, position: int, _: list[bytes]) -> int | None:
        line_end = data.find(b"\r\n", position)
        if line_end < 0:
            if len(data) - position > _MOST_SIZE_LINE_BYTES:
                raise BadProtocolError("a trailer without end")
            return None
        self.is_complete = line_end == position
        return line_end + 2


def _field(line: bytes) -> tuple[bytes, bytes]:
    found = _FIELD.fullmatch(line)
    if found is None:
        raise BadProtocolError(f"no header field: {line[:40]!r}")
    return found[1], found[2]
