"""A live process watched while its threads change where they may run."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pytest_numa.process import Cgroup, Cgroups, Watch
from pytest_numa.process.watching import Watched

# Each line on standard input is a mask for the second thread, or "end" to let it end.
PROGRAM = """
import os, sys, threading
orders = iter(sys.stdin.readline, "")
def second():
    print(threading.get_native_id(), flush=True)
    for order in orders:
        if order == "end\\n":
            break
        os.sched_setaffinity(0, {int(order)})
        until = os.times().user + 0.05
        while os.times().user < until:
            pass
        print("done", flush=True)
thread = threading.Thread(target=second)
thread.start()
thread.join()
print("ended", flush=True)
sys.stdin.readline()
"""
FIRST = min(os.sched_getaffinity(0))


class Child:
    """The watched process: ``tell`` orders its second thread."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid
        self.tid = int(self.heard())

    def heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, order: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self.heard()


@pytest.fixture
def child() -> Iterator[Child]:
    argv = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        yield Child(started)
        started.kill()


def masks(watched: Watched, tid: int) -> set[frozenset[int]]:
    return {mask for one in watched.threads if one.tid == tid for mask in one.masks}


def test_each_mask_that_a_thread_ever_had_is_kept(child: Child) -> None:
    watch = Watch(lambda: [child.pid])
    watch.look()
    child.tell(str(FIRST))
    watch.look()

    found = watch.so_far()

    assert masks(found, child.tid) == {frozenset(os.sched_getaffinity(0)), frozenset({FIRST})}
    assert masks(found, child.pid) == {frozenset(os.sched_getaffinity(0))}
    assert found.looks == 2


def test_where_a_thread_ran_counts_only_after_it_has_worked(child: Child) -> None:
    watch = Watch(lambda: [child.pid])
    watch.look()
    child.tell(str(FIRST))
    watch.look()

    ran_on = {one.tid: one.ran_on for one in watch.so_far().threads}

    assert ran_on[child.tid] == {FIRST}
    assert ran_on[child.pid] == set()


def test_a_thread_that_ends_is_not_forgotten(child: Child) -> None:
    watch = Watch(lambda: [child.pid])
    watch.look()
    assert child.tell("end") == "ended"
    watch.look()

    assert child.tid in {one.tid for one in watch.so_far().threads}


def test_a_process_that_ends_is_not_forgotten_and_no_error(child: Child) -> None:
    watch = Watch(lambda: [child.pid])
    watch.look()
    os.kill(child.pid, 9)
    os.waitpid(child.pid, os.WNOHANG)
    time.sleep(0.1)
    watch.look()

    found = watch.so_far()

    assert child.pid in found.comms
    assert found.unreadable == ()


def test_a_watch_looks_at_its_start_in_between_and_at_its_end(child: Child) -> None:
    with Watch(lambda: [child.pid], interval_s=0.01) as watch:
        time.sleep(0.2)
        found = watch.stop()

    assert found.looks >= 4
    assert found.longest_look_ms > 0
    assert watch.stop().looks == found.looks


def test_processes_that_are_slow_to_find_are_asked_for_less_often(child: Child) -> None:
    asked = []

    def everyone() -> list[int]:
        asked.append(1)
        return [child.pid]

    watch = Watch(list, all_pids=everyone)
    for _ in range(6):
        watch.look()

    assert len(asked) == 2
    assert child.pid in watch.so_far().comms


def test_a_look_that_fails_is_told_and_does_not_end_the_watch(child: Child) -> None:
    answers = iter([OSError("no such luck"), None])

    def pids() -> list[int]:
        if error := next(answers, None):
            raise error
        return [child.pid]

    watch = Watch(pids)
    watch.look()
    watch.look()

    found = watch.so_far()

    assert found.unreadable == ("no such luck",)
    assert child.pid in found.comms


def test_the_most_memory_of_each_node_is_kept() -> None:
    sizes: Iterator[dict[int, int]] = iter([{0: 1, 1: 9}, {0: 5, 1: 2}])

    def cgroups() -> Cgroups:
        only = Cgroup(
            path="/x",
            pids=frozenset(),
            cpus_effective=None,
            nodes_effective=None,
            bytes_by_node={"anon": next(sizes)},
        )
        return Cgroups(all=(only,), is_unified=True)

    watch = Watch(list, cgroups=cgroups)
    watch.look()
    watch.look()

    assert watch.so_far().most_by_node == {0: 5, 1: 9}


def test_what_a_program_did_before_it_became_the_service_is_forgotten() -> None:
    argv = ["sh", "-c", f"echo; read go; exec taskset --cpu-list {FIRST} cat"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdout.readline()
        watch = Watch(lambda: [shell.pid])
        watch.look()
        shell.stdin.write("go\nsaid by cat\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "said by cat\n"
        watch.look()
        shell.kill()

    found = watch.so_far()

    assert found.comms == {shell.pid: "cat"}
    assert masks(found, shell.pid) == {frozenset({FIRST})}


def test_a_process_that_takes_another_name_is_not_forgotten() -> None:
    rename = (
        "import ctypes, sys; print(flush=True); sys.stdin.readline();"
        "ctypes.CDLL(None).prctl(15, b'VLLM::Worker', 0, 0, 0); print(flush=True);"
        "sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdout.readline()
        watch = Watch(lambda: [worker.pid])
        watch.look()
        worker.stdin.write("go\n")
        worker.stdin.flush()
        worker.stdout.readline()
        watch.look()
        worker.kill()

    found = watch.so_far()

    (thread,) = found.threads
    ((first_s, last_s),) = thread.masks.values()
    assert found.comms == {worker.pid: "VLLM::Worker"}
    assert first_s < last_s
