"""The request latencies as entries of pytest-benchmark, on a real service."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.systemd, pytest.mark.server]

SMALL = (
    *("--numa-n-requests", "3", "--numa-concurrency", "1", "--numa-warmup", "1"),
    *("--numa-prompt-tokens", "4", "--numa-output-tokens", "2"),
    *(
        "--numa-starts",
        "2",
        "--numa-inconclusive",
        "pass",
        "--numa-missing-baseline",
        "record",
        "--numa-manager",
        "private",
    ),
    *("--numa-modes", "systemd"),
)
OWN = """
    def test_mine(numa_latencies):
        assert len(numa_latencies) == 3
"""


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


def run(pytester: pytest.Pytester, port: str, *args: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--numa-node", "0", *SMALL, "--numa-set", f"port={port}", *args
    )


def entries(path: Path) -> Mapping[str, Any]:
    return {one["name"]: one for one in json.loads(path.read_text())["benchmarks"]}


def test_each_mode_is_an_entry_with_every_request_of_its_runs(
    pytester: pytest.Pytester, port: str
) -> None:
    result = run(pytester, port, "--numa-modes", "pinned,systemd", "--benchmark-json", "b.json")

    found = entries(pytester.path / "b.json")
    pinned = found["test_request_latency[pinned]"]
    document = json.loads((pytester.path / "b.json").read_text())
    result.assert_outcomes(passed=7)
    assert set(found) == {"test_request_latency[pinned]", "test_request_latency[systemd]"}
    assert pinned["fullname"] == (
        "pytest_numa/acceptance/test_latencies.py::test_request_latency[pinned]"
    )
    assert pinned["extra_info"]["mode"] == "pinned"
    assert pinned["extra_info"]["policy"] == document["machine_info"]["numa"]
    assert pinned["extra_info"]["workload"]["n_requests"] == 3
    assert pinned["extra_info"]["requests_of_runs"] == [3, 3]
    assert len(pinned["stats"]["data"]) == pinned["stats"]["rounds"] == 6
    assert all(0 < latency_s < 60 for latency_s in pinned["stats"]["data"])
    result.stdout.fnmatch_lines(
        ["*benchmark 'numa: request latency': 2 tests*", "test_request_latency[[]*"]
    )


def test_a_second_session_is_compared_with_the_first(pytester: pytest.Pytester, port: str) -> None:
    pytester.makepyfile(test_mine=OWN)

    run(pytester, port, "test_mine.py", "--benchmark-save", "first").assert_outcomes(passed=1)
    second = run(pytester, port, "test_mine.py", "--benchmark-compare", "0001")

    second.assert_outcomes(passed=1)
    second.stdout.fnmatch_lines(["test_mine[[]systemd[]] (NOW)*"])
    second.stdout.fnmatch_lines(["test_mine[[]systemd[]] (0001_first)*"])


def test_only_the_entries_are_run_where_only_benchmarks_are_asked_for(
    pytester: pytest.Pytester, port: str
) -> None:
    pytester.makepyfile(test_mine=OWN + "\n    def test_other(): ...\n")

    result = run(pytester, port, "test_mine.py", "--benchmark-only")

    result.assert_outcomes(passed=1, skipped=1)


def test_disabled_benchmarks_pass_and_leave_no_entry(pytester: pytest.Pytester, port: str) -> None:
    pytester.makepyfile(test_mine=OWN)

    result = run(
        pytester, port, "test_mine.py", "-W", "error", "--benchmark-disable",
        "--benchmark-json", "b.json",
    )  # fmt: skip

    result.assert_outcomes(passed=1)
    assert not (pytester.path / "b.json").exists()


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--benchmark-skip", "*Skipping benchmark (--benchmark-skip active)*"),
        ("-pno:benchmark", "*pytest-benchmark does not take part*"),
    ],
)
def test_without_benchmarks_nothing_is_measured_for_them(
    pytester: pytest.Pytester, port: str, option: str, reason: str
) -> None:
    pytester.makepyfile(test_mine=OWN)

    result = run(pytester, port, "test_mine.py", "-rs", option)

    result.stdout.fnmatch_lines([reason])
    result.stdout.no_fnmatch_line("numa: block 1:*")
    assert result.ret == pytest.ExitCode.OK


def test_a_users_group_is_kept(pytester: pytest.Pytester, port: str) -> None:
    pytester.makepyfile(
        test_mine="import pytest\n@pytest.mark.benchmark(group='mine')\n"
        + OWN.replace("    def", "def")
    )

    result = run(pytester, port, "test_mine.py", "--benchmark-json", "b.json")

    result.assert_outcomes(passed=1)
    groups = {one["group"] for one in entries(pytester.path / "b.json").values()}
    assert groups == {"mine"}


def test_a_service_that_cannot_start_gives_no_entry_and_no_warning(
    pytester: pytest.Pytester, port: str
) -> None:
    pytester.makepyfile(test_mine=OWN)

    result = run(pytester, port, "test_mine.py", "-W", "error", "--numa-set", "model=/nowhere.gguf")

    result.assert_outcomes(errors=1)
    result.stdout.no_fnmatch_line("*was not used at all*")
