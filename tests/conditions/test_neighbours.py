"""The noisy neighbour itself: real processes, pinned, at work, and gone whatever happens."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_numa.conditions import neighbours
from pytest_numa.conditions.places import Place
from pytest_numa.errors import ServiceError
from pytest_numa.services import direct
from pytest_numa.services.undo import SESSION_VARIABLE, Footprint

MIB = 2**20
CPU = min(os.sched_getaffinity(0))
PLACE = Place(where="same", cpus=frozenset({CPU}), buffer_bytes=4 * MIB, remarks=("loud",))
GONE_S = 10.0

# Enters the block, tells its children, and waits to be killed.
KILLED = r"""
import sys, time
from pathlib import Path
import psutil
from pytest_numa.conditions import neighbours
from pytest_numa.conditions.places import Place
from pytest_numa.services.undo import Footprint

place = Place(where="same", cpus=frozenset({int(sys.argv[2])}), buffer_bytes=2**20)
stress_ng = sys.argv[3] or None
footprint = Footprint(folder=Path(sys.argv[1]))
with neighbours.Neighbour(place, footprint, stress_ng=stress_ng).held():
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = psutil.Process().children(recursive=True)
        if len(children) == (2 if stress_ng else 1):
            break
        time.sleep(0.01)
    print(*(child.pid for child in children), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def footprint(tmp_path: Path) -> Footprint:
    return Footprint(folder=tmp_path)


def neighbour(footprint: Footprint, *, stress_ng: str | None = None) -> neighbours.Neighbour:
    return neighbours.Neighbour(PLACE, footprint, stress_ng=stress_ng)


def children() -> list[psutil.Process]:
    """Neighbours of this test; other sessions may have theirs."""
    return [one for one in psutil.Process().children(recursive=True) if one.is_running()]


def working() -> psutil.Process:
    """The neighbour, once it copies: pinned, its buffers written, and some CPU time counted."""
    (process,) = children()
    for _ in range(1000):
        at_work = process.memory_info().rss > 8 * MIB and process.cpu_times().user > 0.1
        if process.cpu_affinity() == [CPU] and at_work:
            break
        time.sleep(0.01)
    return process


def wait_until_ended(process: psutil.Process) -> None:
    # Not waited for as a child: its status is for its parent's own eyes.
    for _ in range(1000):
        if process.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.01)


def killed(folder: Path, *, stress_ng: str = "") -> list[psutil.Process]:
    """The neighbours of a process that was killed; those that still run after a while."""
    argv = [sys.executable, "-c", KILLED, str(folder), str(CPU), stress_ng]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        started = [psutil.Process(int(word)) for word in parent.stdout.readline().split()]
        assert started
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(started, timeout=GONE_S)
    return [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def test_it_copies_memory_on_its_cpu_and_carries_the_sessions_name(footprint: Footprint) -> None:
    with neighbour(footprint).held():
        process = working()

        assert process.cpu_affinity() == [CPU]
        assert process.memory_info().rss > 8 * MIB
        assert process.environ()[SESSION_VARIABLE] == footprint.name


def test_it_is_gone_after_the_block(footprint: Footprint) -> None:
    with neighbour(footprint).held():
        assert len(children()) == 1

    assert children() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ServiceError("the service died")])
def test_it_is_gone_after_any_end_of_the_block(footprint: Footprint, error: BaseException) -> None:
    with (
        pytest.raises(type(error)),
        neighbour(footprint).held(),
    ):
        raise error

    assert children() == []


def test_it_is_gone_after_the_session_was_killed(tmp_path: Path) -> None:
    assert killed(tmp_path) == []


def test_nothing_starts_for_a_session_that_was_killed_before() -> None:
    argv = direct.launch_argv(["echo", "started"])

    # A shell between us stands for a parent that has gone.
    done = subprocess.run(
        ["sh", "-c", '"$@"; true', "sh", *argv], capture_output=True, text=True, check=True
    )

    assert done.stdout == ""


def test_stress_ng_is_gone_after_the_session_was_killed(tmp_path: Path) -> None:
    stress_ng = neighbours.found_stress_ng()
    if stress_ng is None:
        pytest.skip("needs stress-ng: apt-get install stress-ng")

    assert killed(tmp_path, stress_ng=stress_ng) == []


def test_one_that_ends_too_early_is_an_error_with_what_it_said(
    footprint: Footprint, tmp_path: Path
) -> None:
    ending = tmp_path / "stress-ng"
    ending.write_text("#!/bin/sh\necho no memory here >&2\nexit 3\n")
    ending.chmod(0o755)

    with (
        pytest.raises(
            ServiceError, match=r"ended before the block did \(status 3\).*\n.*no memory"
        ),
        neighbour(footprint, stress_ng=str(ending)).held(),
    ):
        wait_until_ended(children()[0])


def test_one_that_cannot_be_started_is_an_error(
    footprint: Footprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "launch_argv", lambda argv: ["/nowhere", *argv])

    with (
        pytest.raises(ServiceError, match="the noisy neighbour could not be started"),
        neighbour(footprint).held(),
    ):
        pass


def test_stress_ng_has_a_process_for_each_cpu_and_no_end_of_its_own() -> None:
    place = Place(where="other", cpus=frozenset({4, 5, 6}), buffer_bytes=MIB)

    (argv,) = neighbours.load_argvs(place, stress_ng="/usr/bin/stress-ng")

    assert argv == [
        *("/usr/bin/stress-ng", "--stream", "3", "--taskset", "4-6", "--timeout", "0", "--quiet")
    ]


def test_the_report_says_what_worked_where(footprint: Footprint) -> None:
    told = neighbour(footprint).remarks()

    assert told == [
        f"neighbour same: copying memory in 1 process on CPUs {CPU}",
        "neighbour same: loud",
    ]


def test_the_report_says_how_much_of_its_cpus_time_it_got(footprint: Footprint) -> None:
    loud = neighbour(footprint)

    with loud.held():
        working()

    assert 0.0 < loud.share < 1.1
    assert f"on CPUs {CPU}, {loud.share:.0%} of whose time it got" in loud.remarks()[0]


def test_stress_ng_is_taken_where_it_is_installed() -> None:
    assert neighbours.found_stress_ng() == shutil.which("stress-ng")
