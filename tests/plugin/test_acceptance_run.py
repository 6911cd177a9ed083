"""The whole main job on real parts: a real systemd, the real llama.cpp server, a real model."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_numa import history, history_sql
from pytest_numa.services import catalogue

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.systemd, pytest.mark.server]

SMALL = (
    *("--numa-n-requests", "2", "--numa-concurrency", "1", "--numa-warmup", "1"),
    *("--numa-prompt-tokens", "4", "--numa-output-tokens", "2"),
    *(
        "--numa-starts",
        "1",
        "--numa-inconclusive",
        "pass",
        "--numa-missing-baseline",
        "record",
        "--numa-manager",
        "private",
    ),
)


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


@pytest.fixture(scope="module")
def database_library() -> None:
    """SQLAlchemy, before pytester notes which modules there are.

    pytester forgets those that a session imported, and SQLAlchemy's compiled part does not bear to
    be imported a second time.
    """
    pytest.importorskip(
        "sqlalchemy.dialects.sqlite", reason="needs the extra: pip install 'pytest-numa[history]'"
    )


def run(pytester: pytest.Pytester, port: str, *args: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(
        "-p", "no:benchmark", "--numa-node", "0", *SMALL, "--numa-set", f"port={port}", *args
    )


def left_behind() -> list[str]:
    """Processes, cgroups and state of ours."""
    ours = ("pytest_numa.llamacpp_server", "pytest_numa.load.client")
    processes = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    cgroups = [str(path) for path in Path("/sys/fs/cgroup").rglob("pytest-numa-*")]
    state = [str(path) for path in Path("/run").glob("pytest-numa")]
    return [text for text in processes if any(name in text for name in ours)] + cgroups + state


def test_an_empty_directory_gets_five_verdicts_three_rows_and_a_record(
    pytester: pytest.Pytester, port: str
) -> None:
    result = run(pytester, port, "--numa-record", "--junitxml", "junit.xml")

    report = (pytester.path / "benchmarks/numa_baseline.md").read_text(encoding="utf-8")
    (record,) = (pytester.path / "benchmarks/baselines").iterdir()
    result.assert_outcomes(passed=5)
    for label in ("Baseline (unpinned)", "Pinned", "Systemd"):
        assert sum(line.startswith(f"| {label} ") for line in report.splitlines()) == 1
    assert "## Encoding NUMA policy in services" in report
    assert "### What the kernel counted" in report
    (session,) = json.loads(record.read_text(encoding="utf-8"))["sessions"]
    assert [len(block) for block in session["evidence"]] == [len(session["blocks"][0])]
    assert "minor_faults" in session["evidence"][0][0]
    result.stdout.fnmatch_lines(["numa: block 1: unpinned *, pinned *, systemd * tokens/s"])
    assert left_behind() == []


@pytest.mark.parametrize(("wish", "count"), [("fail", "failed"), ("skip", "skipped")])
def test_a_ratio_without_a_record_counts_as_wished(
    pytester: pytest.Pytester, port: str, wish: str, count: str
) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.numa_throughput\ndef test_it(): ...")

    result = run(pytester, port, "--numa-missing-baseline", wish, "--numa-margin", "90", "-rs",
                 "test_a_ratio_without_a_record_counts_as_wished.py")  # fmt: skip

    result.assert_outcomes(**{count: 1})
    told = ["* no pinned baseline is recorded for this class of host*", "  to fix * run the same *"]
    pytest.LineMatcher(result.outlines[-30:]).fnmatch_lines(told)
    assert not (pytester.path / "benchmarks/baselines").exists()


@pytest.mark.usefixtures("database_library")
def test_a_session_is_remembered_in_the_file_and_the_database(
    pytester: pytest.Pytester, port: str
) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.numa_throughput\ndef test_it(): ...")
    url = f"sqlite:///{pytester.path}/h.db"

    result = run(pytester, port, "--numa-history-url", url,
                 "test_a_session_is_remembered_in_the_file_and_the_database.py")  # fmt: skip

    result.assert_outcomes(passed=1)
    (entry,) = history.read(pytester.path / "benchmarks/history.jsonl").entries
    assert history_sql.read(url).entries == (entry,)
    assert set(entry.figures) == {"unpinned", "pinned", "systemd"}
    assert {"kernel", "systemd", "numactl", "server", "model", "unit"} <= set(entry.versions)


def test_a_users_own_test_has_the_running_service(pytester: pytest.Pytester, port: str) -> None:
    pytester.makepyfile(
        """
        import os

        def test_it(numa_service, numa_pid, numa_unit, numa_policy, numa_load, numa_baseline):
            assert numa_pid == numa_service.pid
            assert numa_pid in numa_service.pids
            assert os.sched_getaffinity(numa_pid) == set(numa_policy.cpus)
            assert "listening on" in numa_service.log_tail(100)
            assert numa_unit.name == "inference-llamacpp.service"
            assert numa_load(n_requests=3).completed == 3
            assert numa_baseline is None
        """
    )

    result = run(pytester, port, "test_a_users_own_test_has_the_running_service.py")

    result.assert_outcomes(passed=1)
    assert left_behind() == []


def test_a_service_off_its_cpus_fails_the_placement_test(
    pytester: pytest.Pytester, port: str
) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two CPUs")
    packaged = catalogue.find("inference-llamacpp", directory=pytester.path)
    text = packaged.whole().replace("CPUAffinity={{ cpus }}", "")
    pytester.mkdir("units").joinpath("loose.service.j2").write_text(text)
    pytester.makepyfile("import pytest\n@pytest.mark.numa_placement\ndef test_it(): ...")

    result = run(pytester, port, "--cpus", "0", "--numa-unit", "loose",
                 "test_a_service_off_its_cpus_fails_the_placement_test.py")  # fmt: skip

    result.assert_outcomes(failed=1)
    told = [
        "*FAILED  * threads of process python (*) may run off the policy's*",
        "  expected  allowed CPUs within 0",
        "  found     allowed CPUs 0-1*",
        "  probably  AllowedCPUs= has no effect here: the manager private has no cpuset*",
        "  to fix    CPUAffinity=0 in [[]Service]",
    ]
    pytest.LineMatcher(result.outlines[-30:]).fnmatch_lines(told)


def test_a_placement_mark_with_a_role_that_no_process_has_fails_beside_one_that_passes(
    pytester: pytest.Pytester, port: str
) -> None:
    pytester.makepyfile(
        test_roles="""
        import pytest

        @pytest.mark.numa_placement(roles={"VLLM::EngineCore": "0"})
        def test_absent(): ...

        @pytest.mark.numa_placement(roles={"llamacpp_server": 0}, max_stray=0.02)
        def test_present(): ...
        """
    )

    result = run(pytester, port, "test_roles.py")

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "no process has the role VLLM::EngineCore",
            "  expected  a process whose name or command line matches 'VLLM::EngineCore'",
        ]
    )


def test_an_absolute_limit_that_is_missed_fails_its_test_only(
    pytester: pytest.Pytester, port: str
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.numa_latency("mean", max_ms=0.001)
        def test_impossible(): ...

        @pytest.mark.numa_latency("mean", max_ms=1e9)
        def test_easy(): ...
        """
    )

    result = run(pytester, port, "--numa-modes", "systemd", "--numa-starts", "4",
                 "test_an_absolute_limit_that_is_missed_fails_its_test_only.py")  # fmt: skip

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["  found     mean latency: *beyond the limit*"])


def test_a_service_killed_under_load_is_one_error_with_its_signal(
    pytester: pytest.Pytester, port: str
) -> None:
    pytester.makepyfile(
        """
        import os, signal

        def test_it(numa_load, numa_pid):
            os.kill(numa_pid, signal.SIGKILL)
            numa_load()
        """
    )

    result = run(pytester, port, "test_a_service_killed_under_load_is_one_error_with_its_signal.py")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = ["ERROR  mode systemd: *", "  to fix    look for `Killed process` in dmesg*"]
    result.stdout.fnmatch_lines(["*killed by SIGKILL*", "its log ends:"])
    pytest.LineMatcher(result.outlines[-30:]).fnmatch_lines(told)
    assert left_behind() == []


def test_a_model_that_does_not_exist_is_said_by_the_services_log(
    pytester: pytest.Pytester, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In CI pytest says each error once more, in its short summary.
    monkeypatch.delenv("CI", raising=False)
    result = run(pytester, port, "--numa-set", "model=/nowhere.gguf")

    result.assert_outcomes(errors=5)
    result.stdout.fnmatch_lines(
        ["mode unpinned: *exit status 2", "its log ends:", "model not found: '/nowhere.gguf'*"]
    )
    assert str(result.stdout).count("/nowhere.gguf") == 2
    assert left_behind() == []


def test_where_tests_are_run_again_the_error_that_is_shown_says_why(
    pytester: pytest.Pytester, port: str
) -> None:
    # It shows the last error of a test only.
    pytest.importorskip("pytest_rerunfailures", reason="needs pytest-rerunfailures: make test")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.numa_latency("mean", max_ms=1e9)
        def test_it(): ...
        """
    )

    result = run(pytester, port, "--reruns", "1", "--numa-set", "model=/nowhere.gguf",
                 "test_where_tests_are_run_again_the_error_that_is_shown_says_why.py")  # fmt: skip

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["the service could not be measured: mode *", "model not found: '/nowhere.gguf'*"]
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_after_an_interruption(
    pytester: pytest.Pytester, port: str, number: signal.Signals
) -> None:
    argv = [sys.executable, "-m", "pytest", "-p", "no:benchmark", "--numa-node", "0", *SMALL]
    process = subprocess.Popen(
        [*argv, "--numa-n-requests", "1000", "--numa-set", f"port={port}"],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any("load.client" in text for text in left_behind()) and time.monotonic() < deadline:
        time.sleep(0.1)

    process.send_signal(number)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output
    assert left_behind() == []
