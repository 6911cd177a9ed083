"""The client against a real server, whose own counters say how many tokens it has made.

Another server than the packaged one: PYTEST_NUMA_TEST_URL=http://127.0.0.1:8000 (vLLM).
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from pytest_numa import llamacpp_server
from pytest_numa.load import runner
from pytest_numa.load.workload import Workload

MADE = ("llamacpp:tokens_predicted_total", "vllm:generation_tokens_total")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that answers."""
    if given := os.environ.get("PYTEST_NUMA_TEST_URL"):
        yield given
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    model = str(llamacpp_server.default_model())
    argv = [sys.executable, "-m", "pytest_numa.llamacpp_server", "--model", model, "--port", port]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(url: str) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail("the server does not answer")


def tokens_made(url: str) -> int:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(MADE))


@pytest.mark.server
@pytest.mark.parametrize(
    "workload",
    [
        Workload(n_requests=6, concurrency=2, output_tokens="4-12", warmup=2),
        Workload(n_requests=6, concurrency=2, output_tokens="4-12", warmup=2, api="chat"),
        Workload(n_requests=4, concurrency=2, output_tokens=5, warmup=1, is_streaming=False),
        Workload(n_requests=6, rate_per_s=20, output_tokens=4, warmup=1),
    ],
    ids=["completions", "chat", "whole answers", "open loop"],
)
def test_the_servers_own_counter_agrees_with_the_tokens_that_were_counted(
    url: str, workload: Workload
) -> None:
    before = tokens_made(url)

    result = runner.run(url, workload)

    numbers = range(-workload.warmup, workload.n_requests)
    asked = [workload.body(number, model="m")["max_tokens"] for number in numbers]
    counted = round(result.output_tokens_per_s * result.duration_s)
    assert (result.completed, dict(result.failures)) == (workload.n_requests, {})
    assert result.tokens_counted_by == "usage"
    assert counted == sum(asked[workload.warmup :])
    assert tokens_made(url) - before == sum(asked)
