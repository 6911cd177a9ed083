"""What evidence costs: the time of one reading, and of telling what changed between two.

    python benchmarks/evidence_cost.py [--threads 100] [--readings 200]

The service is a process of ours whose threads wait, as those of an idle server do. A reading is
what happens right before and right after a run; telling happens when the run is over.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pytest_numa import evidence

_SERVICE = """
import sys, threading
end = threading.Event()
threads = [threading.Thread(target=end.wait, daemon=True) for _ in range(int(sys.argv[1]) - 1)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.read()
"""


def _times_ms(act: Callable[[], object], repetitions: int) -> list[float]:
    found = []
    for _ in range(repetitions):
        begun_s = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - begun_s))
    return found


def _row(name: str, times_ms: list[float]) -> str:
    p95_ms = sorted(times_ms)[int(0.95 * len(times_ms))]
    return f"| {name} | {min(times_ms):.2f} | {statistics.median(times_ms):.2f} | {p95_ms:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="What a reading of the evidence costs.")
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--readings", type=int, default=200)
    asked = parser.parse_args()
    service = subprocess.Popen(
        [sys.executable, "-c", _SERVICE, str(asked.threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with service:
        if service.stdout is not None:
            service.stdout.readline()
        cpus = frozenset(range(len(list(Path("/sys/devices/system/cpu").glob("cpu[0-9]*")))))
        group = Path("/sys/fs/cgroup")

        def read() -> evidence.Evidence:
            return evidence.read([service.pid], group, cpus=cpus)

        before, after = read(), read()
        print(f"{len(after.threads)} threads, {len(cpus)} CPUs\n")
        print("| (ms) | least | median | p95 |\n|---|---:|---:|---:|")
        print(_row("one reading", _times_ms(read, asked.readings)))
        telling = _times_ms(lambda: evidence.between(before, after), asked.readings // 4)
        print(_row("what changed", telling))
        if service.stdin is not None:
            service.stdin.close()


if __name__ == "__main__":
    main()
