"""httpx over our own socket."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripted import Conversation, Script, serving

from pytest_numa.load import clock, connection
from pytest_numa.load.engine import Engine
from pytest_numa.load.target import Target
from pytest_numa.load.transport import Transport, wire


@contextmanager
def client(script: Script, timeout_s: float = 5.0) -> Iterator[httpx.Client]:
    with serving(script) as server:
        (address,) = connection.addresses(Target(url=server.url))
        engine = Engine(address, timeout_s=timeout_s)
        yield httpx.Client(base_url=server.url, transport=Transport(engine))
        engine.close()


def echo(conversation: Conversation) -> None:
    conversation.plain("201 Created", f'"{conversation.body}"'.encode(), headers=b"X-A: b\r\n")


def test_a_request_of_httpx_gets_a_response_of_httpx() -> None:
    with client(echo) as http:
        response = http.post("/v1/completions", json={"a": 1})

    assert (response.status_code, response.headers["X-A"]) == (201, "b")
    assert response.text == "\"{'a': 1}\""


def test_the_kernel_says_when_it_arrived() -> None:
    with client(echo) as http:
        stamp_ns, handled_s = http.post("/x", json={}).extensions["arrived"]

    if not stamp_ns:
        pytest.skip("no receive stamps here")
    lag_s = handled_s - (stamp_ns - clock.offset_ns()) / 1e9
    # Before it was read; and within the test, so that the two clocks were not mixed up.
    assert -0.001 < lag_s < 60


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda one: one.connection.shutdown(socket.SHUT_RDWR), httpx.ReadError),
        (lambda one: one.send(b"SSH-2.0\r\n\r\n"), httpx.RemoteProtocolError),
        (lambda _: None, httpx.ReadTimeout),
    ],
)
def test_what_goes_wrong_is_an_error_of_httpx(script: Script, error: type[Exception]) -> None:
    with client(script, timeout_s=0.3) as http, pytest.raises(error):
        http.post("/x", json={})


def test_no_server_is_an_error_of_httpx() -> None:
    address = connection.Address(family=1, place="/nowhere/at/all")
    engine = Engine(address, timeout_s=1.0)

    with pytest.raises(httpx.ConnectError):
        httpx.Client(base_url="http://h", transport=Transport(engine)).get("/")
    engine.close()


def test_a_request_is_written_as_it_is_with_the_body_that_is_given() -> None:
    request = httpx.Client(base_url="http://h:8/a").build_request("POST", "/b?c=d", content=b"x")

    found = wire(request, body=b"body")

    assert found.startswith(b"POST /a/b?c=d HTTP/1.1\r\nHost: h:8\r\n")
    assert found.count(b"Content-Length: 4\r\n") == 1
    assert found.endswith(b"\r\n\r\nbody")


def test_a_line_end_in_the_head_is_never_sent() -> None:
    request = httpx.Request("GET", "http://h/", headers={"X": "a\r\nX-B: c"})

    with pytest.raises(httpx.LocalProtocolError):
        wire(request)
