"""Answers of HTTP/1.1, cut at every place, and what is none."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.load.http1 import BadProtocolError, Decoder, EarlyEndError

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
)
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"
TRAILED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nabcde\r\n0\r\nX-A: b\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + COUNTED
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
CLOSED = b"HTTP/1.0 200 OK\n\nabcde"


def decoded(reads: list[bytes], *, is_closed: bool = False) -> tuple[Decoder, bytes]:
    decoder = Decoder()
    body = b"".join(piece for data in reads for piece in decoder.feed(data))
    if is_closed:
        decoder.end()
    return decoder, body


@pytest.mark.parametrize("answer", [CHUNKED, COUNTED, TRAILED, INTERIM])
def test_it_does_not_matter_where_an_answer_is_cut(answer: bytes) -> None:
    for cut in range(1, len(answer)):
        decoder, body = decoded([answer[:cut], answer[cut:]])

        assert (decoder.status, body, decoder.is_complete, decoder.is_kept) == (
            *(200, b"abcde"),
            *(True, True),
        )


@pytest.mark.parametrize("answer", [CHUNKED, COUNTED, TRAILED, INTERIM])
def test_an_answer_may_come_byte_by_byte(answer: bytes) -> None:
    decoder, body = decoded([bytes([byte]) for byte in answer])

    assert (body, decoder.is_complete) == (b"abcde", True)


@pytest.mark.parametrize("answer", [CHUNKED, COUNTED, TRAILED, INTERIM])
def test_an_answer_that_ends_anywhere_before_its_end_ended_early(answer: bytes) -> None:
    for cut in range(len(answer)):
        with pytest.raises(EarlyEndError):
            decoded([answer[:cut]], is_closed=True)


def test_a_body_without_length_ends_with_the_connection() -> None:
    decoder, body = decoded([CLOSED], is_closed=True)

    assert (body, decoder.is_complete, decoder.is_kept) == (b"abcde", True, False)


def test_an_answer_may_have_no_body() -> None:
    decoder, body = decoded([EMPTY])

    assert (decoder.status, body, decoder.is_complete) == (204, b"", True)


@pytest.mark.parametrize(
    ("fields", "is_kept"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close", False),
        (b"HTTP/1.1 200 OK", True),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive", True),
    ],
)
def test_a_connection_is_kept_where_the_server_keeps_it(fields: bytes, is_kept: bool) -> None:  # noqa: FBT001
    decoder, _ = decoded([fields + b"\r\nContent-Length: 0\r\n\r\n"])

    assert (decoder.is_complete, decoder.is_kept) == (True, is_kept)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
        CHUNKED.replace(b"3\r\n", b"zz\r\n"),
        CHUNKED.replace(b"3\r\n", b"+3\r\n"),
        CHUNKED.replace(b"3\r\n", b"0x3\r\n"),
        CHUNKED.replace(b"3\r\n", b"2\r\n"),
        CHUNKED.replace(b"3\r\n", b"-1\r\n"),
        CHUNKED.replace(b"3\r\n", b"f" * 16 + b"\r\n"),
        CHUNKED.replace(b"3\r\n", b"3" + b" " * 5000),
        TRAILED.replace(b"X-A: b", b"X-A: " + b"b" * 5000)[:-6],
        COUNTED + b"more",
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(BadProtocolError):
        decoded([answer], is_closed=True)


@given(st.binary(max_size=400), st.sampled_from([b"", COUNTED[:30], CHUNKED[:50]]))
def test_garbage_is_refused_or_read_and_never_another_exception(
    garbage: bytes, begin: bytes
) -> None:
    try:
        decoded([begin, garbage], is_closed=True)
    except (BadProtocolError, EarlyEndError):
        return


@given(st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=6), st.data())
def test_it_reads_what_h11_writes(pieces: list[bytes], data: st.DataObject) -> None:
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    server.next_event()
    server.next_event()
    wire = server.send(h11.Response(status_code=200, headers=[])) or b""
    wire += b"".join(server.send(h11.Data(data=piece)) or b"" for piece in pieces)
    wire += server.send(h11.EndOfMessage()) or b""
    cut = data.draw(st.integers(0, len(wire)))

    decoder, body = decoded([wire[:cut], wire[cut:]])

    assert (body, decoder.is_complete) == (b"".join(pieces), True)
