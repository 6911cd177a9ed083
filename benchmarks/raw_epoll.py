"""The least that Python can do: epoll, recvmsg, a count; no stamp, no HTTP, no JSON kept."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pytest_numa.load.workload import Workload

_LAST_CHUNK = b"0\r\n\r\n"


def cpu_us_per_event(url: str, workload: Workload, *, cpu: int) -> float:
    """CPU time per token of a closed loop, in a process of its own."""
    body = json.dumps(workload.body(0, model="mock"))
    job = {
        "port": int(url.rpartition(":")[2]),
        "request": f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}",
        "concurrency": workload.concurrency,
        "n_requests": workload.n_requests,
        "cpu": cpu,
    }
    done = subprocess.run(
        [sys.executable, Path(__file__)],
        input=json.dumps(job), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def _loop(job: dict[str, Any]) -> float:
    request = job["request"].encode()
    poller = select.epoll()
    sockets: dict[int, socket.socket] = {}
    for _ in range(job["concurrency"]):
        connected = socket.create_connection(("127.0.0.1", job["port"]))
        poller.register(connected, select.EPOLLIN)
        sockets[connected.fileno()] = connected
    cpu_s, events, sent, ended = time.process_time(), 0, job["concurrency"], 0
    for connected in sockets.values():
        connected.send(request)
        time.sleep(0.37 / job["concurrency"])
    while ended < job["n_requests"]:
        for number, _ in poller.poll(5):
            data, _, _, _ = sockets[number].recvmsg(65536, 64)
            events += data.count(b"data: ")
            if data.endswith(_LAST_CHUNK):
                ended += 1
                if sent < job["n_requests"]:
                    sent += 1
                    sockets[number].send(request)
    return 1e6 * (time.process_time() - cpu_s) / events


if __name__ == "__main__":
    told = json.load(sys.stdin)
    os.sched_setaffinity(0, {told["cpu"]})
    print(_loop(told))
