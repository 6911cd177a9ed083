"""Where the service answers: which URL, whether the port is free, and when it is ready."""

import time
from dataclasses import dataclass
from typing import Protocol

import httpx
import psutil

from pytest_numa.errors import HostError, ServiceError
from pytest_numa.services.unit import Command

_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Host and port of the service."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The base of its URLs; a server that listens everywhere is asked on loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def of(command: Command, *, host: str, port: str) -> Endpoint:
    """The endpoint that the command names by ``--host`` and ``--port``, else the given one."""
    text = _option(command.argv, "--port") or port
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):  # noqa: PLR2004
        raise HostError(f"port: expected a number from 1 to 65535, found {text!r}")
    return Endpoint(host=_option(command.argv, "--host") or host, port=int(text))


def _option(argv: tuple[str, ...], name: str) -> str | None:
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def check_free(endpoint: Endpoint) -> None:
    """Refuse a port on which somebody listens: we would measure a stranger."""
    for name in listeners(endpoint).values():
        raise HostError(
            f"port {endpoint.port} is in use by {name}: stop it, or choose another port with "
            "--numa-set port=NUMBER"
        )


def listeners(endpoint: Endpoint) -> dict[int, str]:
    """The processes that listen on the port, by id, with their names; 0 where it is not known."""
    return {
        connection.pid or 0: _owner(connection.pid)
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr
        and connection.laddr.port == endpoint.port
    }


def _owner(pid: int | None) -> str:
    if pid is None:
        return "another user's process"
    try:
        return f"{psutil.Process(pid).name()} (PID {pid})"
    except psutil.Error:
        return f"PID {pid}"


class Starting(Protocol):
    """A service that was started, and may answer or end."""

    def trouble(self) -> str | None:
        """How it ended; None while it runs."""

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that it wrote."""


def wait_ready(endpoint: Endpoint, service: Starting, *, timeout_s: float) -> None:
    """Wait until the service answers 200 to /health or, where it has none, to /v1/models.

    One that has ended is not waited for.
    """
    deadline = time.monotonic() + timeout_s
    answer = "nothing yet"
    # No proxy of the environment's, no redirect: the service itself must answer. Plain HTTP: the
    # certificates of the host, which take a while to load, are of no use.
    with httpx.Client(
        base_url=endpoint.url,
        timeout=5.0,
        trust_env=False,
        verify=False,  # noqa: S501
    ) as client:
        while time.monotonic() < deadline:
            if found := service.trouble():
                raise ServiceError(found)
            answer = _answer(client)
            if answer == "200":
                return
            time.sleep(_POLL_S)
    raise ServiceError(
        f"the service did not answer at {endpoint.url}/health or /v1/models within {timeout_s:g} s "
        f"(last: {answer})\n"
        "  probably  it loads its model for longer than that, or listens elsewhere\n"
        "  to fix    --numa-start-timeout SECONDS, or --numa-set port=NUMBER as the server has it\n"
        f"its log ends:\n{service.log_tail()}"
    )


def _answer(client: httpx.Client) -> str:
    try:
        health = client.get("/health").status_code
        # 404 and 405: a server without /health.
        status = client.get("/v1/models").status_code if health in (404, 405) else health
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return str(status)
