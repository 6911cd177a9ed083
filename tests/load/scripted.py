"""A real TCP server that answers as a test scripts it, byte by byte."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Script = Callable[["Conversation"], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


@dataclass
class Conversation:
    """One request on one connection: what was asked, and how to answer."""

    connection: socket.socket
    path: str
    body: dict[str, object]
    number: int

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def stream(self, *events: str, pause_s: float = 0.0) -> None:
        """A good chunked answer with these events, a chunk each."""
        self.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for event in events:
            self.chunk(f"data: {event}\n\n".encode())
            time.sleep(pause_s)
        self.send(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def plain(self, status: str, body: bytes = b"{}", headers: bytes = b"") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n".encode()
        self.send(head + headers + b"\r\n" + body)


@dataclass
class Server:
    """What the server saw."""

    url: str
    connections: int = 0
    requests: list[dict[str, object]] = field(default_factory=list)


def text(word: str = "a", **extra: object) -> str:
    return json.dumps({"choices": [{"text": word, "index": 0}], **extra})


def usage(tokens: int) -> str:
    return json.dumps({"choices": [], "usage": {"completion_tokens": tokens}})


def good(conversation: Conversation) -> None:
    """Two tokens, counted."""
    conversation.stream(text(), text(), usage(2), "[DONE]")


@contextlib.contextmanager
def serving(
    script: Script,
    *,
    host: str = "127.0.0.1",
    path: Path | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """Serve /v1/models, and ``script`` for all else, until the block ends."""
    with _listening(host, path) as listening:
        shown = f"[{host}]" if ":" in host else host
        server = Server(
            url=f"unix:{path}"
            if path is not None
            else f"{'https' if tls else 'http'}://{shown}:{listening.getsockname()[1]}"
        )
        stopped = threading.Event()
        threading.Thread(target=_accept, args=(listening, server, script, stopped, tls)).start()
        yield server
        stopped.set()
        # Wakes accept(), which a close alone does not.
        with contextlib.suppress(OSError), socket.socket(listening.family) as waking:
            waking.settimeout(1)
            waking.connect(listening.getsockname())


def _listening(host: str, path: Path | None) -> socket.socket:
    if path is None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, 0), family=family)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening


def _accept(
    listening: socket.socket,
    server: Server,
    script: Script,
    stopped: threading.Event,
    tls: ssl.SSLContext | None,
) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        if stopped.is_set():
            connection.close()
            return
        # Else the first token would wait for the acknowledgement of the headers (Nagle).
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        server.connections += 1
        threading.Thread(target=_converse, args=(connection, server, script), daemon=True).start()


def _converse(connection: socket.socket, server: Server, script: Script) -> None:
    with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError, ValueError):
        while head := lines.readline():
            path = head.split()[1].decode()
            size = 0
            while (line := lines.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            body = json.loads(lines.read(size) or b"{}")
            conversation = Conversation(connection, path, body, len(server.requests))
            if path == "/v1/models":
                conversation.plain("200 OK", b'{"data": [{"id": "m"}]}')
                continue
            server.requests.append(body)
            script(conversation)
