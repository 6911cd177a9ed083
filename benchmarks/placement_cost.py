"""What a look at a service costs the service, and us, side by side with other tools in one run.

    python benchmarks/placement_cost.py [--mib 4096] [--repeats 5]

Needs gcc, numastat (package numactl) and taskset. Prints a table; the figures of docs/placement.md
are from it. The longest stalls are those of this host's scheduler too: the row without any look
says how large these are.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tabulate import tabulate

from pytest_numa import process
from pytest_numa.process import ServiceProcesses, Watch

_LOOP_S = 4.0
_PROCESSES = 8
_THREADS = 125
_MAPPINGS = 10_000

Row = tuple[str, str, str]


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mib", type=int, default=4096, help="of the process that maps [4096]")
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement [5]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mapper = Path(folder) / "mapper"
        source = Path(__file__).with_name("mapper.c")
        subprocess.run(["gcc", "-O2", "-pthread", "-o", mapper, source], check=True)
        rows = [
            *_stalls(mapper, arguments.mib, arguments.repeats),
            *_masks(mapper, arguments.repeats),
            *_reports(mapper, arguments.repeats),
        ]
    print(tabulate(rows, headers=("what", "median (all)", "bar"), tablefmt="pipe"))


def _stalls(mapper: Path, mib: int, repeats: int) -> Iterator[Row]:
    """The longest mmap or munmap of a process with small pages, while it is looked at."""
    looks: dict[str, Callable[[int], object]] = {
        "not looked at": lambda _: time.sleep(0.05),
        "watch, 20 looks a second": _watch,
        "sample of 4096 pages": lambda pid: process.read_processes([pid], depth="sample"),
        "numa_maps": lambda pid: Path(f"/proc/{pid}/numa_maps").read_text(encoding="utf-8"),
        "smaps_rollup": lambda pid: Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8"),
    }
    bars = {"watch, 20 looks a second": "≤ 5 more than not looked at"}
    bars["sample of 4096 pages"] = bars["watch, 20 looks a second"]
    first, *others = sorted(os.sched_getaffinity(0))
    for name, look in looks.items():
        longest_ms = []
        for _ in range(repeats):
            argv = [
                "taskset",
                "--cpu-list",
                str(first),
                str(mapper),
                "loop",
                str(mib),
                str(_LOOP_S),
            ]
            with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as target:
                _wait_ready(target)
                if others:
                    os.sched_setaffinity(0, others)
                end_s = time.monotonic() + _LOOP_S - 0.5
                while time.monotonic() < end_s:
                    look(target.pid)
                longest_ms.append(float(_line(target)))
        what = f"longest stall of a process of {mib} MiB, {name}, ms"
        yield what, _shown(longest_ms), bars.get(name, "")


def _watch(pid: int) -> None:
    service = ServiceProcesses(main_pid=pid, has_own_cgroup=False)
    with service.watch(interval_s=0.05):
        time.sleep(1.0)


def _masks(mapper: Path, repeats: int) -> Iterator[Row]:
    """One look at the masks of 1,000 threads in 8 processes."""
    with contextlib.ExitStack() as stack:
        targets = [
            stack.enter_context(_running(mapper, "threads", str(_THREADS)))
            for _ in range(_PROCESSES)
        ]
        watch = Watch(lambda: [target.pid for target in targets])
        took_ms = [_took_ms(watch.look) for _ in range(4 * repeats)]
        seen = len(watch.so_far().threads)
    yield f"the first look at {seen} threads in {_PROCESSES} processes, ms", _shown(took_ms[:1]), ""
    yield f"each later look at {seen} threads, ms", _shown(took_ms[1:]), "≤ 10"


def _reports(mapper: Path, repeats: int) -> Iterator[Row]:
    """The whole report of a process with 10,000 mappings, against numastat and taskset."""
    for pages in (1, 16, 64, 256):
        with _running(mapper, "maps", str(_MAPPINGS), str(pages)) as target:
            pid = str(target.pid)
            peers = _repeated(repeats, ["numastat", "-p", pid], ["taskset", "-ap", pid])
            ours = _repeated(
                repeats,
                [sys.executable, "-m", "pytest_numa.cli", "placement", pid, "--cpus", "0-9999"],
            )
            read = f"open('/proc/{pid}/numa_maps').read()"
            floor = _repeated(repeats, [sys.executable, "-S", "-c", read])
            inside = [
                _took_ms(lambda: process.read_processes([target.pid])) for _ in range(repeats)
            ]
        what = f"{_MAPPINGS} mappings of {pages} pages"
        peer_ms = statistics.median(peers)
        yield f"{what}: numastat -p and taskset -ap, ms", _shown(peers), ""
        ratio = statistics.median(ours) / peer_ms
        yield f"{what}: pytest-numa placement, ms", _shown(ours), f"≤ 1.5 of these; is {ratio:.1f}"
        yield f"{what}: Python that reads numa_maps and does nothing more, ms", _shown(floor), ""
        ratio = statistics.median(inside) / peer_ms
        yield f"{what}: the same inside a session, ms", _shown(inside), f"is {ratio:.1f} of these"
    bare = _repeated(repeats, [sys.executable, "-c", "import argparse, dataclasses, json, pathlib"])
    yield "Python and four modules of its library, nothing else, ms", _shown(bare), ""


@contextlib.contextmanager
def _running(mapper: Path, *words: str) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen([str(mapper), *words], stdout=subprocess.PIPE, text=True) as target:
        _wait_ready(target)
        try:
            yield target
        finally:
            target.kill()


def _wait_ready(target: "subprocess.Popen[str]") -> None:
    if _line(target) != "ready":
        raise SystemExit("the process to look at did not start: is there enough memory?")


def _line(target: "subprocess.Popen[str]") -> str:
    return target.stdout.readline().strip() if target.stdout else ""


def _repeated(repeats: int, *commands: Sequence[str]) -> list[float]:
    def run() -> None:
        for command in commands:
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )

    return [_took_ms(run) for _ in range(repeats)]


def _took_ms(act: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    act()
    return (time.perf_counter() - began_s) * 1000


def _shown(values: Sequence[float]) -> str:
    listed = " ".join(f"{value:.1f}" for value in sorted(values))
    return f"{statistics.median(values):.1f} ({listed})"


if __name__ == "__main__":
    main()
