import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from process_trees import add_process

from pytest_numa import process
from pytest_numa.errors import HostError, ParseError
from pytest_numa.process import files

KIB = 1024


def test_a_captured_process_is_read_with_its_threads(tmp_path: Path) -> None:
    add_process(tmp_path, 71, ppid=5, tids=(71, 80), numa_maps="7f00 bind:0 anon=2 N0=2\n")

    (found,) = process.read_processes([71], tmp_path)

    assert (found.pid, found.ppid, found.comm, found.state) == (71, 5, "server 71", "S")
    assert found.argv == ("server", "--port", "8000")
    assert found.start_time_ticks == 971
    assert found.bytes_by_node == {0: 8 * KIB}
    assert found.unreadable == ()
    assert found.threads[1] == process.Thread(
        tid=80,
        name="server 80",
        cpus_allowed=frozenset({4, 5}),
        mems_allowed=frozenset({0, 1}),
        last_cpu=5,
        cpu_time_ticks=42,
    )


def test_processes_come_in_the_order_of_their_ids_and_those_that_ended_are_left_out(
    tmp_path: Path,
) -> None:
    add_process(tmp_path, 9)
    add_process(tmp_path, 71)

    found = process.read_processes([71, 70, 9, 71], tmp_path)

    assert [each.pid for each in found] == [9, 71]


def test_a_capture_without_threads_tells_its_main_one_and_that_others_are_unseen(
    tmp_path: Path,
) -> None:
    directory = add_process(tmp_path, 71)
    shutil.rmtree(directory / "task")

    (found,) = process.read_processes([71], tmp_path)

    assert [thread.cpus_allowed for thread in found.threads] == [frozenset({4, 5})]
    assert found.unreadable == (f"{directory}/task: no thread in it; the capture is incomplete",)


def test_a_capture_without_stat_is_read_by_its_status(tmp_path: Path) -> None:
    directory = add_process(tmp_path, 71, ppid=5)
    (directory / "stat").unlink()

    (found,) = process.read_processes([71], tmp_path)

    assert (found.pid, found.ppid, found.comm, found.state) == (71, 5, "server 71", "S")
    assert len(found.threads) == 1


def test_a_thread_that_ends_meanwhile_is_left_out(tmp_path: Path) -> None:
    directory = add_process(tmp_path, 71, tids=(71, 80, 81))
    (directory / "task/80/stat").unlink()
    (directory / "task/81/status").unlink()

    (found,) = process.read_processes([71], tmp_path)

    assert [thread.tid for thread in found.threads] == [71]
    assert found.unreadable == ()


def test_a_process_whose_id_passed_to_another_meanwhile_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = add_process(tmp_path, 71)
    first = files.read_stat(directory / "stat")
    assert first is not None
    another = replace(first, start_time_ticks=first.start_time_ticks + 1)
    answers = iter([first, first, another])
    monkeypatch.setattr(files, "read_stat", lambda _: next(answers))

    assert process.read_processes([71], tmp_path) == ()


def test_memory_that_may_not_be_read_is_told_and_not_taken_for_none(tmp_path: Path) -> None:
    # root may read everything: only a directory in its place refuses.
    directory = add_process(tmp_path, 71, numa_maps=None)
    (directory / "numa_maps").mkdir()

    (found,) = process.read_processes([71], tmp_path)

    assert found.memory is None
    assert found.bytes_by_node is None
    assert found.unreadable == (f"{directory}/numa_maps: Is a directory",)


def test_a_kernel_without_numa_maps_is_told(tmp_path: Path) -> None:
    directory = add_process(tmp_path, 71, numa_maps=None)

    (found,) = process.read_processes([71], tmp_path)

    assert found.memory is None
    (reason,) = found.unreadable
    assert reason.startswith(f"{directory}/numa_maps: not there; the kernel was built without")


def test_a_process_that_no_facts_may_be_read_of_is_an_error(tmp_path: Path) -> None:
    directory = add_process(tmp_path, 71)
    (directory / "stat").unlink()
    (directory / "stat").mkdir()

    with pytest.raises(HostError, match=r"proc/71/stat: .* found: Is a directory; run as root"):
        process.read_processes([71], tmp_path)


def test_a_process_whose_threads_may_not_be_listed_is_an_error(tmp_path: Path) -> None:
    directory = add_process(tmp_path, 71)
    (directory / "task").rename(tmp_path / "hidden")
    (directory / "task").touch()

    with pytest.raises(HostError, match=r"proc/71/task: expected to list it, found: Not a dir"):
        process.read_processes([71], tmp_path)


def test_damaged_text_is_refused_by_its_file(tmp_path: Path) -> None:
    add_process(tmp_path, 71, numa_maps="7f00 bind:0 N0=many\n")

    with pytest.raises(ParseError, match=r"proc/71/numa_maps:1: expected "):
        process.read_processes([71], tmp_path)


def test_memory_is_not_touched_where_it_is_not_asked_for(tmp_path: Path) -> None:
    add_process(tmp_path, 71, numa_maps="damaged")

    (found,) = process.read_processes([71], tmp_path, depth="threads")

    assert found.memory is None
    assert found.unreadable == ()


def test_the_memory_of_a_process_whose_main_thread_has_ended_is_read_from_another(
    tmp_path: Path,
) -> None:
    directory = add_process(tmp_path, 71, state="Z", tids=(71, 80))
    (directory / "task/80/numa_maps").write_text("7f00 default anon=1 N1=1\n")

    (found,) = process.read_processes([71], tmp_path)

    assert found.bytes_by_node == {1: 4 * KIB}


def test_a_living_process_is_read() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()

    (found,) = process.read_processes([os.getpid()])
    done.set()
    thread.join()

    assert {os.getpid(), thread.native_id} <= {each.tid for each in found.threads}
    assert found.threads[0].cpus_allowed == frozenset(os.sched_getaffinity(0))
    assert found.argv[0] == sys.orig_argv[0]


@pytest.mark.skipif(not Path("/proc/self/numa_maps").exists(), reason="kernel without CONFIG_NUMA")
def test_the_memory_of_a_living_process_is_that_which_the_kernel_counts() -> None:
    (found,) = process.read_processes([os.getpid()])

    assert found.memory is not None
    assert sum(found.memory.placed_by_node.values()) > 1024 * KIB
    assert any("/libc" in (one.path or "") for one in found.memory.regions)


def test_a_zombie_has_a_name_and_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        (found,) = process.read_processes([child.pid])

    assert found.state == "Z"
    assert found.argv == ()
    assert not found.bytes_by_node
