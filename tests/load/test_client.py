"""The client as a process, against real sockets: good, slow, broken and hostile servers."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripted import OK, Conversation, Script, good, serving, text, usage

from pytest_numa.errors import LoadError
from pytest_numa.load import runner
from pytest_numa.load.results import RunResult
from pytest_numa.load.workload import Workload

ONE = Workload(n_requests=1, concurrency=1, output_tokens=2, warmup=0, timeout_s=5)


def run(script: Script, workload: Workload = ONE) -> RunResult:
    with serving(script) as server:
        return runner.run(server.url, workload)


def test_good_answers_are_counted_and_timed() -> None:
    with serving(good) as server:
        result = runner.run(server.url, Workload(n_requests=30, output_tokens=2, warmup=4))

    assert (result.completed, result.failed) == (30, 0)
    assert result.latency_ms.n == result.ttft_ms.n == result.itl_ms.n == 30
    assert result.tokens_counted_by == "usage"
    assert len(server.requests) == 34


def test_connections_are_kept() -> None:
    with serving(good) as server:
        runner.run(server.url, Workload(n_requests=30, concurrency=4, output_tokens=2))

    assert server.connections == 4


def test_prompts_are_distinct_from_the_first_word_on() -> None:
    with serving(good) as server:
        runner.run(server.url, Workload(n_requests=30, output_tokens=2))

    first_words = {str(body["prompt"]).split()[0] for body in server.requests}
    assert len(first_words) == len(server.requests)


def test_the_first_model_of_the_server_is_asked_for() -> None:
    with serving(good) as server:
        runner.run(server.url, ONE)

    assert server.requests[0]["model"] == "m"


def test_the_slots_do_not_begin_all_at_once() -> None:
    arrived_s: list[float] = []

    def script(conversation: Conversation) -> None:
        arrived_s.append(time.monotonic())
        time.sleep(0.4)
        good(conversation)

    run(script, Workload(n_requests=4, concurrency=4, output_tokens=2, warmup=4))

    measured_s = sorted(arrived_s)[4:]
    # Spread over three quarters of a request; at once they would come within milliseconds.
    assert measured_s[-1] - measured_s[0] >= 0.2


def test_ipv6_is_spoken() -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")

    with serving(good, host="::1") as server:
        result = runner.run(server.url, ONE)

    assert result.completed == 1


def test_a_role_alone_is_no_token() -> None:
    def script(conversation: Conversation) -> None:
        conversation.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        conversation.chunk(b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n')
        time.sleep(0.2)
        for _ in range(2):
            conversation.chunk(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
        conversation.chunk(b"data: [DONE]\n\n")
        conversation.send(b"0\r\n\r\n")

    result = run(script, Workload(n_requests=1, concurrency=1, api="chat", warmup=0))

    assert result.ttft_ms.p50 is not None
    assert result.ttft_ms.p50 >= 200


def test_a_stall_in_mid_stream_is_seen() -> None:
    def script(conversation: Conversation) -> None:
        conversation.stream(text(), text(), usage(2), "[DONE]", pause_s=0.3)

    result = run(script)

    assert result.itl_ms.max is not None
    # On a busy machine the chunk before the stall arrives late; the stall is far above that.
    assert result.itl_ms.max >= 150


def test_a_connection_dropped_while_idle_is_opened_again() -> None:
    def script(conversation: Conversation) -> None:
        if conversation.number == 0:
            conversation.connection.shutdown(socket.SHUT_RDWR)
        else:
            good(conversation)

    result = run(script)

    assert (result.completed, result.client.reconnected) == (1, 1)


def drip(conversation: Conversation) -> None:
    conversation.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(100):
        conversation.chunk(b":")
        time.sleep(0.1)


def drip_headers(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        conversation.send(f"X-{number}: 1\r\n".encode())
        time.sleep(0.1)


def silent(_: Conversation) -> None:
    time.sleep(3)


def close_in_mid_stream(conversation: Conversation) -> None:
    conversation.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    conversation.chunk(f"data: {text()}\n\n".encode())
    conversation.connection.shutdown(socket.SHUT_RDWR)


def endless_line(conversation: Conversation) -> None:
    conversation.send(OK + b"Connection: close\r\n\r\ndata: ")
    for _ in range(400):
        conversation.send(b"a" * 65536)


def endless_headers(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        conversation.send(f"X-{number}: {'a' * 1000}\r\n".encode())


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda one: one.plain("500 Internal Server Error"), "http_500"),
        (lambda one: one.plain("429 Too Many", headers=b"Retry-After: 9\r\n"), "http_429"),
        (lambda one: one.plain("307 Gone", headers=b"Location: http://h/\r\n"), "redirect"),
        (lambda one: one.stream(text(), '{"error": {"message": "m"}}', "[DONE]"), "stream_error"),
        (lambda one: one.stream(text(), text(), usage(2)), "no_done"),
        (lambda one: one.stream(text(""), "[DONE]"), "no_text"),
        (lambda one: one.stream(text(), usage(1), "[DONE]"), "short"),
        (lambda one: one.stream(text(), "{not json", "[DONE]"), "bad_json"),
        (lambda one: one.stream(text(), "[" * 100_000, "[DONE]"), "bad_json"),
        (lambda one: one.plain("200 OK", b'{"choices": [{"text": "a"}]}'), "not_a_stream"),
        (lambda one: one.plain("200 OK", b"\x1f\x8b\x08\x00" * 9), "not_a_stream"),
        (lambda one: one.send(b"SSH-2.0-OpenSSH_9\r\n\r\n"), "bad_protocol"),
        (
            lambda one: one.send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "bad_protocol",
        ),
        (close_in_mid_stream, "closed_early"),
        (endless_line, "too_large"),
        (endless_headers, "bad_protocol"),
    ],
)
def test_a_broken_answer_is_counted_by_its_kind(script: Script, kind: str) -> None:
    result = run(script)

    assert (result.completed, dict(result.failures)) == (0, {kind: 1})


@pytest.mark.parametrize("script", [silent, drip, drip_headers])
def test_a_server_that_never_ends_is_left_in_time(script: Script) -> None:
    workload = Workload(n_requests=1, concurrency=1, warmup=0, timeout_s=0.5)

    begun_s = time.monotonic()
    result = run(script, workload)

    assert dict(result.failures) == {"timeout": 1}
    # Bounded, not timed: each of these would go on for 3 to 10 s.
    assert time.monotonic() - begun_s < 2.9


def test_half_of_the_answers_failing_leaves_the_other_half_in_the_figures() -> None:
    def script(conversation: Conversation) -> None:
        if conversation.number % 2:
            conversation.plain("500 Internal Server Error")
        else:
            good(conversation)

    result = run(script, Workload(n_requests=10, concurrency=1, output_tokens=2, warmup=0))

    assert (result.completed, dict(result.failures)) == (5, {"http_500": 5})
    assert result.latency_ms.n == 5


def test_no_server_at_all_fails_every_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    result = runner.run(f"http://127.0.0.1:{port}", Workload(n_requests=30))

    assert (result.completed, dict(result.failures)) == (0, {"connect": 30})


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_cannot_be_a_hosts_is_one_message(scheme: str) -> None:
    with pytest.raises(LoadError, match=r"^the server's URL cannot be used: .*hostname: '\u0663'$"):
        runner.run(f"{scheme}://\u0663:1", ONE)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []

    with serving(good) as server:
        runner.run(server.url, ONE, on_progress=lambda done, failed: told.append((done, failed)))

    assert told[-1] == (1, 0)


def test_what_measures_a_run_is_begun_after_the_warm_up_and_ended_after_the_last_answer() -> None:
    with serving(good) as server:

        @contextlib.contextmanager
        def around() -> Iterator[None]:
            seen.append(len(server.requests))
            # Nothing is sent until we let it.
            time.sleep(0.3)
            seen.append(len(server.requests))
            yield
            seen.append(len(server.requests))

        seen: list[int] = []
        workload = Workload(n_requests=8, concurrency=2, output_tokens=2, warmup=3)
        result = runner.run(server.url, workload, around=around())

    assert seen == [3, 3, 11]
    assert result.completed == 8


@pytest.mark.parametrize("refused", [("cache_prompt",), ("cache_prompt", "ignore_eos")])
def test_fields_that_a_strict_server_refuses_are_left_out(refused: tuple[str, ...]) -> None:
    def script(conversation: Conversation) -> None:
        if set(refused) & conversation.body.keys():
            conversation.plain("422 Unprocessable Entity")
        else:
            good(conversation)

    with serving(script) as server:
        result = runner.run(server.url, Workload(n_requests=6, output_tokens=2, warmup=2))

    assert (result.completed, result.failed) == (6, 0)
    assert result.workload["extra_body"] == dict.fromkeys(refused)
    assert not set(refused) & server.requests[-1].keys()


def test_a_field_that_the_user_asks_for_is_sent_though_the_server_refuses_it() -> None:
    def script(conversation: Conversation) -> None:
        conversation.plain("400 Bad Request")

    workload = Workload(n_requests=2, warmup=1, extra_body={"cache_prompt": True})

    with serving(script) as server:
        result = runner.run(server.url, workload)

    assert dict(result.failures) == {"http_400": 2}
    assert server.requests[-1]["cache_prompt"] is True
    assert server.requests[-1]["ignore_eos"] is True
