"""One request at a time over httpx's own transport, for TLS, HTTP/2 and proxies.

Stamps are taken when httpx hands the bytes over: the clock is the client's.
"""

import socket
import ssl
import time
from array import array
from collections.abc import Mapping
from typing import Any

import httpx

from pytest_numa.errors import LoadError
from pytest_numa.load import answer
from pytest_numa.load.prepared import Ready
from pytest_numa.load.results import RequestResult
from pytest_numa.load.target import REQUEST_ID, Target

_MOST_BYTES = 16 * 2**20
_HTTP_OK = 200
_REDIRECTS = range(300, 400)


class Line:
    """One slot of the loop: a client that keeps its one connection open.

    A watcher calls ``cut_if_late`` from another thread: that ends a read which a dripping server
    would keep alive for ever, since each byte restarts the time limit of httpx.
    """

    def __init__(
        self, target: Target, timeout_s: float, *, is_streaming: bool, trust: ssl.SSLContext
    ) -> None:
        self._timeout_s = timeout_s
        self._is_streaming = is_streaming
        try:
            self._client = httpx.Client(
                base_url=target.base_url,
                timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
                headers=target.all_headers,
                follow_redirects=False,
                trust_env=False,
                verify=trust,
                http2=target.has_http2,
                proxy=target.proxy,
            )
        except ImportError:
            raise LoadError("HTTP/2 needs the package h2: pip install 'httpx[http2]'") from None
        except (ValueError, httpx.InvalidURL):
            if target.proxy is None:
                raise
            # httpx would show the proxy's URL, which may hold a password.
            raise LoadError("the proxy's URL cannot be used: expected http://HOST:PORT") from None
        self._socket: socket.socket | None = None
        self._late_at_s = float("inf")
        self._is_cut = False
        self._handed_over_at_s: float | None = None
        self._is_fresh = False
        self._has_answered = False
        self.reconnected = 0

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def cut(self) -> None:
        """End what is under way, from another thread."""
        self._is_cut = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def cut_if_late(self, now_s: float) -> None:
        """End the request under way if its time is over."""
        if now_s > self._late_at_s:
            self.cut()

    def build(self, path: str, body: bytes, name: str) -> httpx.Request:
        """A request, built before the clock starts, and for any line."""
        headers = {"Content-Type": "application/json", REQUEST_ID: name}
        return self._client.build_request("POST", path, content=body, headers=headers)

    def models(self) -> httpx.Response:
        """Ask for the models; also opens the connection."""
        return self._client.get("/v1/models", extensions={"trace": self._trace})

    def exchange(self, ready: Ready[httpx.Request], *, due_s: float | None = None) -> RequestResult:
        """Send and read to the end of the body; every outcome is a result."""
        request = ready.built
        # httpx sets the time-outs for requests of its own making only.
        request.extensions = {"timeout": self._client.timeout.as_dict(), "trace": self._trace}
        reads: list[tuple[float, bytes]] = []
        self._is_cut = self._is_fresh = self._has_answered = False
        self._handed_over_at_s = None
        begun_at_s = time.perf_counter()
        self._late_at_s = (begun_at_s if due_s is None else due_s) + self._timeout_s
        try:
            failure = self._read_again_if_dropped(request, reads)
        except httpx.HTTPError as error:
            failure = "timeout" if self._is_cut else _kind(error)
        finally:
            ended_at_s = time.perf_counter()
            self._late_at_s = float("inf")
        if self._is_cut:
            failure = "timeout"
        handed_at_s = self._sent_at_s(begun_at_s)
        said = _said(reads, is_streaming=self._is_streaming)
        tokens = said.usage_tokens or len(said.text_at)
        failure = failure or said.failure
        wanted = ready.wanted_tokens
        if failure is None and said.usage_tokens and wanted and tokens < wanted:
            failure = "short"
        return RequestResult(
            number=ready.number,
            sent_at_s=handed_at_s if due_s is None else due_s,
            handed_at_s=handed_at_s,
            ended_at_s=reads[-1][0] if reads and failure is None else ended_at_s,
            text_at_s=array("d", said.text_at),
            output_tokens=tokens,
            is_counted_by_usage=said.usage_tokens is not None,
            failure=failure,
        )

    def _sent_at_s(self, begun_at_s: float) -> float:
        """When the socket had the request; where it never came to that, when we began."""
        return begun_at_s if self._handed_over_at_s is None else self._handed_over_at_s

    def _read_again_if_dropped(
        self, request: httpx.Request, reads: list[tuple[float, bytes]]
    ) -> str | None:
        """Read the answer, sending once more where a kept connection was just being closed.

        Only then, and only where nothing was answered yet (RFC 9112, 9.3.1). The clock goes on.
        """
        try:
            return self._read(request, reads)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            if not self._was_dropped(error):
                raise
        self.reconnected += 1
        return self._read(request, reads)

    def _was_dropped(self, error: httpx.HTTPError) -> bool:
        """Whether a kept connection ended before the server had answered anything on it."""
        is_mere_end = "without sending a response" in str(error)
        is_garbage = isinstance(error, httpx.RemoteProtocolError) and not is_mere_end
        return not (self._is_cut or self._is_fresh or self._has_answered or is_garbage)

    def _read(self, request: httpx.Request, reads: list[tuple[float, bytes]]) -> str | None:
        size_bytes = 0
        response = self._client.send(request, stream=True)
        self._has_answered = True
        try:
            if response.status_code in _REDIRECTS:
                return "redirect"
            if response.status_code != _HTTP_OK:
                return f"http_{response.status_code}"
            if response.headers.get("Content-Encoding", "identity") != "identity":
                return "encoded"
            # To the end of the body, past [DONE]: leaving earlier would cost the connection.
            for data in response.iter_raw():
                reads.append((time.perf_counter(), data))
                size_bytes += len(data)
                if size_bytes > _MOST_BYTES:
                    return "too_large"
        finally:
            response.close()
        return None

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note when the request is handed over, and the socket (httpcore's trace extension)."""
        if event.endswith(".send_request_headers.started"):
            if self._handed_over_at_s is None:
                self._handed_over_at_s = time.perf_counter()
        elif event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._is_fresh = True
            self._socket = info["return_value"].get_extra_info("socket")


def _kind(error: httpx.HTTPError) -> str:
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return "connect"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.NetworkError) or "peer closed" in str(error):
        return "closed_early"
    return "closed_early" if "disconnected" in str(error) else "bad_protocol"


def _said(reads: list[tuple[float, bytes]], *, is_streaming: bool) -> answer.Answer[float]:
    if is_streaming:
        return answer.parse_stream(reads)
    return answer.parse_object(b"".join(data for _, data in reads))
