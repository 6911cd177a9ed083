"""Servers that break off, drip, lie and flood: each counted by its name, in bounded memory."""

import gzip
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripted import OK, Conversation, Script, good, serving, text, usage

from pytest_numa.load import runner
from pytest_numa.load.results import RunResult
from pytest_numa.load.workload import Workload

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EVENTS = b"".join(f"data: {event}\n\n".encode() for event in (text(), text(), usage(2), "[DONE]"))
WHOLE = CHUNKED + b"%x\r\n" % len(EVENTS) + EVENTS + b"\r\n0\r\n\r\n"
FLOOD = b"a" * 2**16


def run(script: Script, workload: Workload) -> RunResult:
    with serving(script) as server:
        return runner.run(server.url, workload)


def test_an_answer_that_breaks_off_at_any_byte_is_counted_and_one_that_does_not_is_good(
    tmp_path: Path,
) -> None:
    positions = len(WHOLE) + 1
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(f'"{position}"\n' for position in range(positions)))

    def script(conversation: Conversation) -> None:
        conversation.send(WHOLE[: int(str(conversation.body["prompt"]))])
        conversation.connection.shutdown(socket.SHUT_RDWR)

    result = run(
        script,
        Workload(
            n_requests=positions, output_tokens=2, warmup=0, prompts=str(prompts), timeout_s=5
        ),
    )

    assert (result.completed, dict(result.failures)) == (1, {"closed_early": positions - 1})


def wrong_length(announced: int, sent: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.send(OK + b"Content-Length: %d\r\n\r\n" % announced + sent)
        conversation.connection.shutdown(socket.SHUT_WR)

    return script


def wrong_chunk(size: int) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.send(CHUNKED + b"%x\r\n" % size + EVENTS + b"\r\n0\r\n\r\n")
        time.sleep(1)

    return script


def many_headers(conversation: Conversation) -> None:
    fields = b"".join(b"X-%d: 1\r\n" % number for number in range(10_000))
    conversation.plain("200 OK", EVENTS, headers=fields)


def not_utf8(conversation: Conversation) -> None:
    conversation.send(CHUNKED)
    conversation.chunk(b'data: {"choices": [{"text": "\xff\xfe"}]}\n\n')
    conversation.chunk(b"data: [DONE]\n\n")
    conversation.send(b"0\r\n\r\n")


def bomb(conversation: Conversation) -> None:
    packed = gzip.compress(bytes(64 * 2**20))
    conversation.plain("200 OK", packed, headers=b"Content-Encoding: gzip\r\n")


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (wrong_length(len(EVENTS) + 9, EVENTS), "closed_early"),
        (wrong_length(len(EVENTS) - 9, EVENTS), "bad_protocol"),
        (wrong_chunk(len(EVENTS) - 1), "bad_protocol"),
        (wrong_chunk(len(EVENTS) + 1), "bad_protocol"),
        (many_headers, "bad_protocol"),
        (not_utf8, "bad_json"),
        (bomb, "encoded"),
        (lambda one: one.plain("429 Too Many", headers=b"Retry-After: 999\r\n"), "http_429"),
        (
            lambda one: one.plain("302 Found", headers=b"Location: http://192.0.2.1/\r\n"),
            "redirect",
        ),
    ],
)
def test_a_server_that_lies_is_counted_by_what_it_did(script: Script, kind: str) -> None:
    workload = Workload(n_requests=4, concurrency=2, output_tokens=2, warmup=0, timeout_s=5)

    result = run(script, workload)

    assert (result.completed, dict(result.failures)) == (0, {kind: 4})


def test_every_tenth_answer_failing_is_a_tenth_of_the_failures() -> None:
    def script(conversation: Conversation) -> None:
        if conversation.number % 10 == 9:
            conversation.plain("500 Internal Server Error")
        else:
            good(conversation)

    workload = Workload(n_requests=50, concurrency=1, output_tokens=2, warmup=0)

    result = run(script, workload)

    assert (result.completed, dict(result.failures)) == (45, {"http_500": 5})


def test_a_connection_that_nobody_reads_ends_in_time() -> None:
    def script(conversation: Conversation) -> None:
        conversation.send(CHUNKED)
        while True:
            conversation.chunk(b":")
            time.sleep(0.2)

    begun_s = time.monotonic()
    result = run(script, Workload(n_requests=8, concurrency=4, warmup=0, timeout_s=0.7))

    assert dict(result.failures) == {"timeout": 8}
    # Two requests per slot; without a limit it would never end.
    assert time.monotonic() - begun_s < 10


def endless_line(conversation: Conversation) -> None:
    conversation.send(OK + b"\r\ndata: ")
    while True:
        conversation.send(FLOOD)


def endless_body(conversation: Conversation) -> None:
    conversation.send(OK + b"\r\n")
    event = f"data: {text('a' * 100)}\n\n".encode() * 500
    while True:
        conversation.send(event)


def endless_chunk(conversation: Conversation) -> None:
    conversation.send(CHUNKED + b"ffffffffffff\r\n")
    while True:
        conversation.send(FLOOD)


def endless_head(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        conversation.send(FLOOD)


def endless_error(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 500 No\r\n\r\n")
    while True:
        conversation.send(FLOOD)


# From a small process: what is started takes the largest size of its starter over (getrusage(2)
# counts what a process was before execve). Of the command and its client, whichever was larger.
PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "pytest_numa.cli", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (endless_line, "too_large"),
        (endless_body, "too_large"),
        (endless_chunk, "too_large"),
        (endless_head, "bad_protocol"),
        (endless_error, "http_500"),
        (bomb, "encoded"),
    ],
)
def test_a_flood_costs_neither_memory_nor_time_without_end(script: Script, kind: str) -> None:
    with serving(script) as server:
        told = subprocess.run(
            [sys.executable, "-c", PEAK, "bench", "--url", server.url, "--json",
             "--n-requests", "4", "--warmup", "0", "--timeout", "20"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

    result, peak_kib = told.stdout.rsplit("\n", 2)[:2]
    assert json.loads(result)["failures"] == {kind: 4}
    assert int(peak_kib) < 100 * 1024
