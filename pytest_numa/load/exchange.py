"""One request under way on plain HTTP/1.1, and what has come back; no socket is known here."""

from array import array

from pytest_numa.load import answer, clock
from pytest_numa.load.answer import Answer, StreamParser
from pytest_numa.load.http1 import BadProtocolError, Decoder, EarlyEndError

_HTTP_OK = 200
_REDIRECTS = range(300, 400)
# An answer may have so much for each token that was asked, with all that servers tell beside it
# (logprobs), and so much in any case; but not more than the last.
_MOST_BYTES_OF_TOKEN = 2**12
_MOST_BYTES_BESIDE = 2**20
_MOST_BYTES = 64 * 2**20
_MOST_UNPARSED_BYTES = 2**18
_MOST_UNDONE = 64
# What a read takes in memory beside its bytes.
_OVERHEAD_BYTES = 160

# When a read arrived: the kernel's stamp (0 where there is none), and when we had it in our hands.
Arrival = tuple[int, float]
# The same as it comes: the stamp is looked at later.
Read = tuple[clock.Ancillary, float]


class Exchange:
    """A request as bytes, and its answer, undone only when it has ended or grows large.

    ``reads`` may grow to ``most_undone`` in the midst of an answer: the end of one in chunks can be
    told from the last read alone. ``sent_at_s`` is from just before the first byte was handed to
    the socket. ``failure`` is None or one of ``answer.FAILURES``; it is final once ``digest`` has
    returned True.
    """

    def __init__(
        self,
        wire: bytes,
        *,
        number: int = 0,
        wanted_tokens: int | None = None,
        most_tokens: int = 0,
        is_streaming: bool = True,
        due_s: float | None = None,
    ) -> None:
        self.wire = wire
        self.number = number
        self.due_s = due_s
        self.begun_at_s = 0.0
        self.sent_at_s: float | None = None
        self.ended_at: Arrival = (0, 0.0)
        self.failure: str | None = None
        self.is_over = False
        self.is_resent = False
        self.decoder = Decoder()
        self.most_undone = 0
        self.reads: list[tuple[Read, bytes]] = []
        self.tokens = 0
        self.is_counted_by_usage = False
        self.stamps_ns = array("q")
        self.handled_s = array("d")
        self.held_bytes = 0
        self.whole = bytearray()
        self._digested = 0
        self._wanted_tokens = wanted_tokens
        self._size_bytes = 0
        asked_bytes = _MOST_BYTES_BESIDE + _MOST_BYTES_OF_TOKEN * most_tokens
        self._most_bytes = min(asked_bytes, _MOST_BYTES)
        self._body: list[tuple[Read, bytes]] = []
        self._parser: StreamParser[Read] | None = StreamParser() if is_streaming else None

    @property
    def has_answer(self) -> bool:
        """Whether anything at all came back."""
        return self._size_bytes > 0 or bool(self.reads)

    def closed(self, arrival: Arrival) -> None:
        """The server has ended the connection."""
        self._decode()
        try:
            self.decoder.end()
        except EarlyEndError:
            self.over(arrival, "closed_early")
        else:
            self.over(arrival, None)

    def look(self, before_s: float = float("inf")) -> bool:
        """Undo ``reads``, the last of them before then; whether it is over with them.

        In the midst of an answer this can wait; but not for ever, so that a body that is not as its
        headers say is found out before its time is over.
        """
        if self.reads and self.reads[-1][0][1] < before_s:
            ancillary, handled_s = self.reads[-1][0]
            self._decode()
            if self.failure or self.decoder.is_complete:
                self.over((clock.stamp_ns(ancillary), handled_s), None)
        return self.is_over

    def over(self, arrival: Arrival, failure: str | None) -> None:
        """End it; the first failure is the one that counts."""
        self._decode()
        # Of a page of errors without end the status says more than its size.
        self.failure = self._status_failure() or self.failure or failure
        self.ended_at = arrival
        self.is_over = True

    def digest(self, most: int) -> bool:
        """Take apart up to ``most`` pieces of an exchange that is over; whether all is done."""
        parser = self._parser
        if parser is not None:
            parser.feed_all(self._body[self._digested : self._digested + most])
            self._digested += most
            if self._digested < len(self._body):
                return False
        said: Answer[Read]
        said = answer.parse_object(bytes(self.whole)) if parser is None else parser.finish()
        self._conclude(said)
        return True

    def _conclude(self, said: Answer[Read]) -> None:
        self.is_counted_by_usage = said.usage_tokens is not None
        self.tokens = said.usage_tokens or len(said.text_at)
        self.failure = self.failure or said.failure
        wanted = self._wanted_tokens
        if self.failure is None and said.usage_tokens and wanted and self.tokens < wanted:
            self.failure = "short"
        self.stamps_ns = clock.stamps_ns([ancillary for ancillary, _ in said.text_at])
        self.handled_s = array("d", [handled_s for _, handled_s in said.text_at])
        self._body.clear()
        self.held_bytes = 0
        self.wire = b""
        self._parser = None

    def _decode(self) -> None:
        """Body out of HTTP; what is wrong with it becomes the failure."""
        if not self.reads:
            return
        pieces: list[tuple[Read, bytes]] = []
        try:
            self.decoder.feed_all(self.reads, pieces)
        except BadProtocolError:
            self.failure = self.failure or "bad_protocol"
        self._size_bytes += sum([len(data) for _, data in self.reads])
        self.reads.clear()
        self.most_undone = _MOST_UNDONE if self.decoder.is_chunked else 0
        if self._size_bytes > self._most_bytes:
            self.failure = self.failure or "too_large"
        self._keep(pieces)

    def _keep(self, pieces: list[tuple[Read, bytes]]) -> None:
        parser = self._parser
        if parser is None:
            self.whole += b"".join([piece for _, piece in pieces])
            return
        if self._status_failure() is not None:
            # What an error page says is no answer.
            return
        self._body += pieces
        self.held_bytes += sum([len(piece) for _, piece in pieces]) + _OVERHEAD_BYTES * len(pieces)
        if self.held_bytes > _MOST_UNPARSED_BYTES:
            self._parse_now(parser)

    def _parse_now(self, parser: StreamParser[Read]) -> None:
        parser.feed_all(self._body)
        self._body.clear()
        self.held_bytes = 0
        if parser.is_too_large:
            self.failure = self.failure or "too_large"

    def _status_failure(self) -> str | None:
        decoder = self.decoder
        if decoder.status in (0, _HTTP_OK):
            return "encoded" if decoder.is_encoded else None
        return "redirect" if decoder.status in _REDIRECTS else f"http_{decoder.status}"
