"""A sample of the pages of a live process."""

import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_numa import process
from pytest_numa.process import pages

MIB = 2**20
# Touches 24 MiB without a file and 8 MiB of shared memory, and waits to be told to end.
PROGRAM = """
import mmap, sys
own = mmap.mmap(-1, 24 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
shared = mmap.mmap(-1, 8 << 20)
for memory in (own, shared):
    for at in range(0, len(memory), 4096):
        memory[at] = 1
reserved = mmap.mmap(-1, 8 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
print("ready", flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/numa_maps").exists(), reason="kernel without CONFIG_NUMA"
)


@pytest.fixture(scope="module")
def child() -> Iterator[int]:
    argv = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"ready\n"
        yield started.pid
        started.kill()


def looked_at(pid: int, count: int) -> process.Memory:
    (found,) = process.read_processes([pid], depth="sample", sampled_pages=count)
    assert found.unreadable == ()
    assert found.memory is not None
    return found.memory


def of_kind(memory: process.Memory, kind: str) -> int:
    return sum(one.size_bytes for one in memory.regions if one.kind == kind)


def test_a_sample_estimates_what_a_full_look_counts(child: int) -> None:
    (full,) = process.read_processes([child])
    assert full.memory is not None

    sample = looked_at(child, 500)

    for kind in ("anonymous", "shared", "file"):
        assert of_kind(sample, kind) == pytest.approx(of_kind(full.memory, kind), rel=0.2), kind


def test_a_sample_is_as_large_as_asked_for_and_spread_over_the_ranges(child: int) -> None:
    sample = looked_at(child, 500)

    by_kind = {one.kind: sum((one.sampled_by_node or {}).values()) for one in sample.regions}
    assert 400 <= sample.sampled_pages <= 700
    assert by_kind["anonymous"] > by_kind["shared"] > 50


def test_a_sample_of_more_pages_than_there_are_looks_at_all(child: int) -> None:
    sample = looked_at(child, 10**6)

    assert sum(sample.bytes_by_node.values()) == sample.sampled_pages * mmap.PAGESIZE


def test_reserved_memory_without_pages_is_no_part_of_it(child: int) -> None:
    assert of_kind(looked_at(child, 500), "anonymous") < 100 * MIB


def test_the_same_seed_draws_the_same_pages(child: int) -> None:
    directory = Path("/proc", str(child))

    first, second = (pages.sample(directory, count=100, seed=7) for _ in range(2))

    assert first == second


def test_a_process_that_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/maps").write_text("1000-2000 rw-p 00000000 00:00 0\n")
    (tmp_path / "7/pagemap").mkdir()

    with pytest.raises(pages.Refused, match="pagemap: Is a directory"):
        pages.sample(tmp_path / "7", count=1, seed=1)


def test_a_machine_whose_system_call_is_not_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "sparc64")

    with pytest.raises(pages.Refused, match="on sparc64 is not known"):
        pages.sample(Path("/proc", str(os.getpid())), count=1, seed=1)
