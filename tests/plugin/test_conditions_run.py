"""Whole sessions under conditions: a tree of files for the governors, all else is real."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.systemd, pytest.mark.server]

SMALL = (
    *("-p", "no:benchmark", "--numa-node", "0", "--numa-modes", "pinned,systemd"),
    *("--numa-n-requests", "2", "--numa-concurrency", "1", "--numa-warmup", "1"),
    *("--numa-prompt-tokens", "4", "--numa-output-tokens", "2", "--numa-starts", "1"),
    *(
        "--numa-inconclusive",
        "pass",
        "--numa-missing-baseline",
        "record",
        "--numa-manager",
        "private",
    ),
)
STATE = Path("/run/pytest-numa")
DEADLINE_S = 90.0


@pytest.fixture
def governor(pytester: pytest.Pytester) -> Path:
    """The file of the one clock domain of a tree that the session takes for this host's."""
    folder = pytester.path / "host/sys/devices/system/cpu/cpufreq/policy0"
    folder.mkdir(parents=True)
    online = Path("/sys/devices/system/cpu/online").read_text(encoding="utf-8")
    (folder / "related_cpus").write_text(online)
    (folder / "scaling_available_governors").write_text("performance powersave\n")
    (folder / "scaling_governor").write_text("powersave\n")
    pytester.makeconftest(
        """
        from pathlib import Path
        from pytest_numa.conditions import governors

        of_cpus = governors.of_cpus
        governors.of_cpus = lambda cpus, root: of_cpus(cpus, Path(__file__).with_name("host"))
        """
    )
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.numa_throughput
        def test_throughput(): ...
        """
    )
    return folder / "scaling_governor"


def in_force(governor: Path) -> str:
    return governor.read_text(encoding="utf-8").splitlines()[0]


def options(*args: str) -> tuple[str, ...]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return (*SMALL, "--numa-set", f"port={port}", *args, "test_it.py")


def neighbours() -> list[psutil.Process]:
    return [
        one
        for one in psutil.process_iter(["cmdline", "name"])
        if "memory_load.py" in " ".join(one.info["cmdline"] or ())
        or one.info["name"] == "stress-ng"
    ]


def ended(
    pytester: pytest.Pytester, number: signal.Signals, when: Callable[[], object], *args: str
) -> int:
    """The exit status of a session that gets a signal as soon as something holds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options(*args)],
        cwd=pytester.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + DEADLINE_S
    try:
        while not when() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        # Also where looking went wrong: a session that ran on would hold the host's lock.
        process.send_signal(number)
        status = process.wait(DEADLINE_S)
    return status


def test_governors_and_neighbours_have_their_sections_and_nothing_stays(
    pytester: pytest.Pytester, governor: Path
) -> None:
    conditions = ("--numa-governor", "performance", "--numa-neighbour", "same")

    files = ("--numa-condition-blocks", "1", "--numa-json", "session.json")
    result = pytester.runpytest_subprocess(*options(*conditions, *files))

    report = (pytester.path / "benchmarks/numa_baseline.md").read_text(encoding="utf-8")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "numa: block 1: pinned *",
            "numa: as it is, block 1: pinned *",
            "numa: governor performance, block 1: pinned *, systemd *",
            "numa: neighbour same, block 1: pinned *, systemd *",
            "- *have the governor powersave",
        ]
    )
    assert "### CPU governors\n\n| Condition" in report
    assert "### Noisy neighbours\n\n| Condition" in report
    document = json.loads((pytester.path / "session.json").read_text(encoding="utf-8"))
    assert [one["condition"] for one in document["conditions"]["changes"]] == [
        *["governor performance"] * 4,
        *["neighbour same"] * 4,
    ]
    assert in_force(governor) == "powersave"
    assert neighbours() == []
    assert not STATE.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_puts_the_governor_back(
    pytester: pytest.Pytester, governor: Path, number: signal.Signals
) -> None:
    status = ended(
        pytester,
        number,
        lambda: in_force(governor) == "performance",
        *("--numa-governor", "performance"),
    )

    assert status == pytest.ExitCode.INTERRUPTED
    assert in_force(governor) == "powersave"
    assert not STATE.exists()
    # What was measured before is not lost with it.
    assert (pytester.path / "benchmarks/numa_baseline.md").exists()


def test_the_next_session_puts_back_the_governor_of_one_that_was_killed(
    pytester: pytest.Pytester, governor: Path
) -> None:
    ended(
        pytester,
        signal.SIGKILL,
        lambda: in_force(governor) == "performance",
        *("--numa-governor", "performance"),
    )
    left = in_force(governor)
    pytester.makepyfile(test_it="def test_it(numa_unit): ...")

    result = pytester.runpytest_subprocess(*options())

    result.assert_outcomes(passed=1)
    assert (left, in_force(governor)) == ("performance", "powersave")
    assert not STATE.exists()


def test_no_neighbour_survives_a_session_that_was_killed(
    pytester: pytest.Pytester, governor: Path
) -> None:
    ended(pytester, signal.SIGKILL, neighbours, "--numa-neighbour", "same")

    _, alive = psutil.wait_procs(neighbours(), timeout=DEADLINE_S)

    assert alive == []
    pytester.makepyfile(test_it="def test_it(numa_unit): ...")
    pytester.runpytest_subprocess(*options()).assert_outcomes(passed=1)
    assert not STATE.exists()


def test_the_servers_files_are_evicted_before_each_start_and_the_report_says_so(
    pytester: pytest.Pytester, governor: Path
) -> None:
    result = pytester.runpytest_subprocess(*options("--numa-page-cache", "evict"))

    report = (pytester.path / "benchmarks/numa_baseline.md").read_text(encoding="utf-8")
    result.assert_outcomes(passed=1)
    assert "page cache of the server's files: evicted before starts (as asked for); up to" in report
