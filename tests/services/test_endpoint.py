"""Where the service answers."""

import http.server
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pytest_numa.errors import HostError, ServiceError
from pytest_numa.services import endpoint
from pytest_numa.services.endpoint import Endpoint
from pytest_numa.services.unit import Command


@dataclass(frozen=True)
class Started:
    """A service that loads for ever, or has ended."""

    ended: str | None = None

    def trouble(self) -> str | None:
        return self.ended

    def log_tail(self, lines: int = 20) -> str:  # noqa: ARG002
        return "loading"


class _Scripted(http.server.BaseHTTPRequestHandler):
    statuses: dict[str, list[int]]

    def do_GET(self) -> None:
        left = self.statuses.get(self.path, [404])
        self.send_response(left.pop(0) if len(left) > 1 else left[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Scripted) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def at(server: http.server.ThreadingHTTPServer) -> Endpoint:
    return Endpoint(host="127.0.0.1", port=server.server_address[1])


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_the_url_names_an_address_that_can_be_asked(host: str, url: str) -> None:
    assert Endpoint(host=host, port=8000).url == url


@pytest.mark.parametrize("argv", [("s", "--port", "81"), ("s", "--port=81")])
def test_the_commands_own_port_wins(argv: tuple[str, ...]) -> None:
    found = endpoint.of(Command(argv=argv), host="127.0.0.1", port="8000")

    assert found == Endpoint(host="127.0.0.1", port=81)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(HostError, match="port: expected a number from 1 to 65535"):
        endpoint.of(Command(argv=("s",)), host="127.0.0.1", port=port)


def test_a_port_in_use_is_refused_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Endpoint(host="127.0.0.1", port=taken.getsockname()[1])

        with pytest.raises(HostError, match=r"in use by .*\(PID \d+\).*--numa-set port=NUMBER"):
            endpoint.check_free(where)


def test_a_loading_server_is_waited_for(server: http.server.ThreadingHTTPServer) -> None:
    _Scripted.statuses = {"/health": [503, 503, 200]}

    endpoint.wait_ready(at(server), Started(), timeout_s=10)

    assert _Scripted.statuses["/health"] == [200]


def test_a_server_without_health_is_asked_for_its_models(
    server: http.server.ThreadingHTTPServer,
) -> None:
    _Scripted.statuses = {"/health": [404], "/v1/models": [503, 200]}

    endpoint.wait_ready(at(server), Started(), timeout_s=10)

    assert _Scripted.statuses["/v1/models"] == [200]


def test_a_server_that_never_gets_ready_is_given_up(
    server: http.server.ThreadingHTTPServer,
) -> None:
    _Scripted.statuses = {"/health": [503]}

    with pytest.raises(
        ServiceError, match=r"(?s)within 0.2 s \(last: 503\).*its log ends:\nloading"
    ):
        endpoint.wait_ready(at(server), Started(), timeout_s=0.2)


def test_a_service_that_has_ended_is_not_waited_for() -> None:
    with pytest.raises(ServiceError, match="it died"):
        endpoint.wait_ready(
            Endpoint(host="127.0.0.1", port=1), Started(ended="it died"), timeout_s=60
        )
