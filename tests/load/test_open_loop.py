"""Open loop, duration, files of requests, other sockets: the client as a process."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripted import Conversation, good, serving, text, usage

from pytest_numa import cli
from pytest_numa.errors import LoadError
from pytest_numa.load import runner
from pytest_numa.load.results import Limits
from pytest_numa.load.target import KEY_VARIABLE, Target
from pytest_numa.load.workload import Workload


def slow(conversation: Conversation) -> None:
    time.sleep(0.3)
    good(conversation)


def test_an_open_loop_does_not_wait_for_answers() -> None:
    arrived_s: list[float] = []

    def script(conversation: Conversation) -> None:
        arrived_s.append(time.monotonic())
        time.sleep(0.5)
        good(conversation)

    workload = Workload(
        n_requests=8, rate_per_s=40, arrival="constant", concurrency=1, output_tokens=2, warmup=0
    )

    with serving(script) as server:
        result = runner.run(server.url, workload)

    assert result.completed == 8
    # Due within 0.175 s; one after the other they would come over 3.5 s.
    assert max(arrived_s) - min(arrived_s) < 1.5


def test_latency_counts_from_when_a_request_was_due() -> None:
    """A connection that takes long is the server's doing, though nothing was sent before."""
    requests: list[dict[str, float]] = []
    workload = Workload(n_requests=5, rate_per_s=50, arrival="constant", output_tokens=2, warmup=0)

    with serving(good) as server:
        started = runner.started(server.url, workload, cpus=None, is_detailed=True)
        with started as client:
            result = client.followed(on_request=requests.append)

    due_ms = sorted(one["sent_at_ms"] for one in requests)
    assert due_ms == pytest.approx([0, 20, 40, 60, 80], abs=0.01)
    assert all(one["handed_at_ms"] >= one["sent_at_ms"] for one in requests)
    assert result.client.send_lag_p99_ms is not None


def test_a_duration_sends_until_it_is_over_and_waits_for_the_rest() -> None:
    workload = Workload(duration_s=1.0, concurrency=2, output_tokens=2, warmup=0)

    with serving(slow) as server:
        result = runner.run(server.url, workload)

    # Two slots, 0.3 s each, begun within a second.
    assert 2 <= result.completed <= 8
    assert not result.incomplete
    assert result.duration_s > 0.3


def test_a_whole_answer_has_a_latency_and_no_time_to_first_token() -> None:
    def script(conversation: Conversation) -> None:
        choice = {"message": {"role": "assistant", "content": "a b"}}
        answer = {"choices": [choice], "usage": {"completion_tokens": 2}}
        conversation.plain("200 OK", json.dumps(answer).encode())

    workload = Workload(n_requests=6, output_tokens=2, warmup=0, is_streaming=False, api="chat")

    with serving(script) as server:
        result = runner.run(server.url, workload)

    assert (result.completed, result.latency_ms.n, result.ttft_ms.n) == (6, 6, 0)
    assert (result.ttft_ms.p50, result.tokens_per_chunk) == (None, None)
    assert result.output_tokens_per_s > 0
    assert server.requests[0]["stream"] is False
    assert "stream_options" not in server.requests[0]


def test_several_tokens_in_a_chunk_are_told() -> None:
    def script(conversation: Conversation) -> None:
        conversation.stream(text("a b c d"), text("e f g h"), usage(8), "[DONE]")

    with serving(script) as server:
        result = runner.run(server.url, Workload(n_requests=2, output_tokens=8, warmup=0))

    assert result.tokens_per_chunk == 4.0


def test_good_requests_are_those_within_the_limits() -> None:
    def script(conversation: Conversation) -> None:
        time.sleep(0.4 if conversation.number % 2 else 0)
        good(conversation)

    workload = Workload(n_requests=6, concurrency=1, output_tokens=2, warmup=0)

    with serving(script) as server:
        result = runner.run(server.url, workload, limits=Limits(latency_ms=300))

    assert result.goodput_per_s == pytest.approx(3 / result.duration_s)
    assert dict(result.limits) == {"latency_ms": 300}


def test_a_unix_socket_has_no_stamps_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serving(good, path=path) as server:
        result = runner.run(server.url, Workload(n_requests=4, output_tokens=2, warmup=0))

    assert (result.completed, result.clock) == (4, "client")


def test_over_tcp_the_kernel_stamps_what_arrives() -> None:
    with serving(good) as server:
        result = runner.run(server.url, Workload(n_requests=4, output_tokens=2, warmup=0))

    assert result.clock == "kernel"
    assert result.ttft_ms.p50 is not None
    assert 0 < result.ttft_ms.p50 < 5000


def test_the_client_stays_where_it_was_put() -> None:
    cpu = max(os.sched_getaffinity(0))

    with serving(good) as server:
        result = runner.run(
            server.url, Workload(n_requests=2, output_tokens=2), cpus=frozenset({cpu})
        )

    assert result.client.cpus == str(cpu)


def test_a_place_that_cannot_be_had_is_an_error() -> None:
    with serving(good) as server, pytest.raises(LoadError, match="cannot run on CPUs"):
        runner.run(server.url, Workload(), cpus=frozenset({100_000}))


def test_the_key_and_the_headers_reach_the_server_and_no_report(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "s3cret-key")
    seen: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_heard, args=(listening, seen), daemon=True).start()
    file = tmp_path / "out.json"

    code = cli.main(
        ["bench", "--url", f"http://127.0.0.1:{listening.getsockname()[1]}", "--json", str(file),
         "--header", "X-Token: s3cret-header", "--n-requests", "1", "--warmup", "0",
         "--jsonl", str(tmp_path / "out.jsonl"), "--timeout", "1"]
    )  # fmt: skip

    listening.close()
    line = (tmp_path / "out.jsonl").read_text()
    told = "".join([*capfd.readouterr(), file.read_text(), line])
    assert code == 1
    assert b"Authorization: Bearer s3cret-key\r\n" in b"".join(seen)
    assert b"X-Token: s3cret-header\r\n" in b"".join(seen)
    assert "s3cret" not in told
    # By this the server's log can be held against ours.
    assert f"X-Request-Id: {json.loads(line)['id']}\r\n".encode() in b"".join(seen)


def _heard(listening: socket.socket, seen: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            seen.append(connection.recv(65536))


def test_a_run_that_is_stopped_tells_what_it_has(tmp_path: Path) -> None:
    with serving(slow) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_numa.cli", "bench", "--url", server.url, "--json",
             "--n-requests", "1000", "--warmup", "0", "--output-tokens", "2"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        with process:
            deadline_s = time.monotonic() + 20
            while len(server.requests) < 9 and time.monotonic() < deadline_s:
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.stdout is not None
            told = json.loads(process.stdout.read())

    assert process.returncode == 130
    assert told["incomplete"] is True
    assert 1 <= told["completed"] < 1000
    # What was cut by us is no failure of the server.
    assert told["failed"] == 0


def test_each_request_is_a_line_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"

    with serving(good) as server:
        code = cli.main(
            ["bench", "--url", server.url, "--n-requests", "5", "--output-tokens", "2",
             "--jsonl", str(file), "--json", str(tmp_path / "all.json")]
        )  # fmt: skip

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert code == 0
    assert sorted(line["number"] for line in lines) == [0, 1, 2, 3, 4]
    assert all(len(line["text_at_ms"]) == line["output_tokens"] == 2 for line in lines)
    whole = json.loads((tmp_path / "all.json").read_text())
    assert max(line["latency_ms"] for line in lines) == pytest.approx(
        whole["latency_ms"]["max"], abs=0.001
    )


@pytest.mark.parametrize("option", ["--json", "--jsonl"])
def test_a_full_disk_costs_the_file_and_not_the_figures(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(good) as server:
        code = cli.main(
            ["bench", "--url", server.url, "--n-requests", "3", "--output-tokens", "2",
             option, "/dev/full"]
        )  # fmt: skip

    told = capsys.readouterr()
    assert code == 1
    assert "3 requests completed, 0 failed" in told.out
    assert told.err == (
        f"pytest-numa: {option}: the file is not complete: [Errno 28] No space left on device\n"
    )


def test_where_there_is_no_server_each_request_has_failed_for_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = cli.main(["bench", "--url", "http://127.0.0.1:9", "--n-requests", "30"])

    told = capsys.readouterr().out
    assert code == 1
    assert "0 requests completed, 30 failed" in told
    assert "failed: 30 connect: no connection to the server" in told
    assert "tokens/s" not in told


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--n-requests", "0"),
        ("--rate", "-1"),
        ("--arrival", "never"),
        ("--prompt-tokens", "9-2"),
        ("--body", "a=b"),
        ("--header", "s3cret"),
        ("--json", "/nowhere/at/all"),
        ("--jsonl", "/nowhere/at/all"),
        ("--max-ttft-ms", "x"),
    ],
)
def test_a_value_that_cannot_be_is_named_by_its_option(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["bench", "--url", "http://127.0.0.1:9", option, value])

    said = capsys.readouterr().err
    assert code == 2
    assert said.startswith(f"pytest-numa bench: {option}: ")
    assert "s3cret" not in said


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 in one file."""
    path = tmp_path / "pem"
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", path, "-out", f"{path}.crt", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("needs openssl")
    with path.open("ab") as file:
        file.write(Path(f"{path}.crt").read_bytes())
    return path


@pytest.mark.parametrize("workload", [
    Workload(n_requests=6, concurrency=2, output_tokens=2),
    Workload(n_requests=6, rate_per_s=50, output_tokens=2),
])  # fmt: skip
def test_tls_is_httpx_as_it_comes_with_our_own_clock(
    workload: Workload, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    # httpx takes what OpenSSL is told to trust from here.
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")

    with serving(good, tls=context) as server:
        result = runner.run(Target(url=server.url), workload)

    assert (result.completed, dict(result.failures), result.clock) == (6, {}, "client")
