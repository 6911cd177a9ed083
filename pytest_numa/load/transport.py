"""httpx over the engine: requests, URLs, headers and errors are httpx's, the socket is ours."""

import time

import httpx

from pytest_numa.load.engine import Engine
from pytest_numa.load.exchange import Exchange
from pytest_numa.load.target import REQUEST_ID

_ERRORS = {
    "connect": httpx.ConnectError,
    "timeout": httpx.ReadTimeout,
    "closed_early": httpx.ReadError,
}


def wire(request: httpx.Request, *, body: bytes | None = None, name: str | None = None) -> bytes:
    """The request as bytes for HTTP/1.1; with another body than its own, and a name, if given."""
    content = request.read() if body is None else body
    skipped = (b"content-length", b"transfer-encoding")
    fields = [one for one in request.headers.raw if one[0].lower() not in skipped]
    if content or request.method not in ("GET", "HEAD"):
        fields.append((b"Content-Length", str(len(content)).encode()))
    if name is not None:
        fields.append((REQUEST_ID.encode(), name.encode()))
    target = request.url.raw_path
    lines = [b" ".join((request.method.encode("ascii"), target, b"HTTP/1.1"))]
    lines += [b": ".join(field) for field in fields]
    if any(b"\r" in line or b"\n" in line for line in lines):
        raise httpx.LocalProtocolError("a line end inside the request's head")
    return b"\r\n".join([*lines, b"", content])


class Transport(httpx.BaseTransport):
    """One request at a time, on the connections of an engine.

    ``extensions["arrived"]`` of a response is when its last byte arrived: the kernel's stamp in
    ns, or 0, and our own clock's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it and read the whole answer."""
        sent = Exchange(wire(request), is_streaming=False)
        sent.begun_at_s = time.perf_counter()
        exchange = self._engine.alone(sent)
        # What an HTTP status says is for the caller; all else is an error of httpx.
        if exchange.failure is not None and not exchange.decoder.is_complete:
            kind = _ERRORS.get(exchange.failure, httpx.RemoteProtocolError)
            raise kind(exchange.failure, request=request)
        return httpx.Response(
            exchange.decoder.status,
            headers=exchange.decoder.headers,
            stream=httpx.ByteStream(bytes(exchange.whole)),
            request=request,
            extensions={"arrived": exchange.ended_at},
        )
