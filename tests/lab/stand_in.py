#!/usr/bin/python3 -SI
"""What stands in for an engine that the guest cannot run: all of the unit is real but the server.

It takes any command line, listens where that says, has memory, threads and a worker of its own, and
answers as an OpenAI-compatible server does. No module but these: under emulation the import of
http.server alone takes longer than all the rest of a start.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

_MIB = 2**20
_PORT_OPTIONS = ("--port", "--http-port")
_HOST_OPTIONS = ("--host", "--http-address")
_TOKEN_S = 0.02
_MODELS = {"object": "list", "data": [{"id": "stand-in", "object": "model"}]}
_CLOSING = "Connection: close\r\n"

kept: list[bytearray] = []


def option(names: tuple[str, ...], default: str) -> str:
    found = [sys.argv[at + 1] for at, word in enumerate(sys.argv[:-1]) if word in names]
    return found[0] if found else default


def received(connection: socket.socket) -> tuple[str, dict[str, int]]:
    """The method of one request, and its body."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    lines = head.decode().lower().splitlines()
    sizes = [line.partition(":")[2] for line in lines if line.startswith("content-length:")]
    size = int(sizes[0]) if sizes else 0
    while len(body) < size:
        body += connection.recv(65536)
    return lines[0].split()[0], json.loads(body) if body else {}


def answer(connection: socket.socket) -> None:
    with connection:
        method, asked = received(connection)
        if method == "get":
            body = json.dumps(_MODELS)
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(f"HTTP/1.1 200 OK\r\n{kind}{_CLOSING}\r\n{body}".encode())
            return
        kind = "Content-Type: text/event-stream\r\n"
        connection.sendall(f"HTTP/1.1 200 OK\r\n{kind}{_CLOSING}\r\n".encode())
        stream(connection, asked["max_tokens"])


def stream(connection: socket.socket, count: int) -> None:
    """As many tokens as are asked for, and how many they were."""

    def send(document: object) -> None:
        connection.sendall(f"data: {json.dumps(document)}\n\n".encode())

    for number in range(count):
        time.sleep(_TOKEN_S)
        send({"choices": [{"index": 0, "text": f" {number}"}]})
    usage = {"completion_tokens": count, "prompt_tokens": 1, "total_tokens": count + 1}
    send({"choices": [], "usage": usage})
    connection.sendall(b"data: [DONE]\n\n")


def main() -> None:
    kept.append(bytearray(os.urandom(16 * _MIB)))
    if os.fork() == 0:
        # As an engine's worker process: it goes with the unit, or not at all.
        kept.append(bytearray(os.urandom(4 * _MIB)))
        signal.pause()
    # As its compute threads.
    for _ in range(2):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    address = (option(_HOST_OPTIONS, "127.0.0.1"), int(option(_PORT_OPTIONS, "8000")))
    with socket.create_server(address, backlog=64) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()


main()
