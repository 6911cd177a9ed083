"""What a session writes for CI: JUnit properties, the page of a job, a file for node_exporter."""

import re
import socket
from pathlib import Path

import pytest

from pytest_numa import cli
from pytest_numa.metrics import METRICS

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.systemd, pytest.mark.server]

SAMPLE = re.compile(r'numa_[a-z_]+(\{([a-z_]+="[^"\n]*",?)+\})? -?[0-9.]+(e[+-][0-9]+)?')


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.numa_throughput
        def test_throughput(): ...

        @pytest.mark.numa_placement
        def test_placement(): ...
        """
    )
    return pytester.runpytest_subprocess(
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
        *("--numa-set", f"port={port}", *args, "."),
    )


def test_every_figure_is_told_to_junit_once_to_the_page_of_the_job_and_to_node_exporter(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = ("--numa-json", "s.json", "--numa-html", "pages/s.html")
    summary = pytester.path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    result = run(
        pytester, "--junitxml", "junit.xml", "--numa-openmetrics", "prom/numa.prom", *pages
    )

    result.assert_outcomes(passed=2)
    assert_the_saved_session_makes_the_same_page(pytester.path)
    junit = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    properties = re.findall(r'<property name="([^"]+)" value="[0-9.e+-]+"', junit)
    assert sorted(properties) == sorted(
        f"numa.{mode}.{name}" for mode in ("pinned", "systemd") for name in METRICS
    )
    assert summary.read_text(encoding="utf-8").startswith("before\n# NUMA baseline")
    lines = (pytester.path / "prom/numa.prom").read_text(encoding="utf-8").splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert lines[-1] == "# EOF"
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []
    assert sum(line.startswith("numa_latency_seconds{") for line in samples) == 18
    assert "numa_placement_findings 0" in samples
    assert (
        'numa_verdict{figure="tokens_per_s",against="pinned",outcome="inconclusive"} 1' in samples
    )


def assert_the_saved_session_makes_the_same_page(folder: Path) -> None:
    page = (folder / "pages/s.html").read_text(encoding="utf-8")
    again = folder / "again.html"

    code = cli.main(["report", str(folder / "s.json"), "--html", str(again)])

    assert code == 0
    assert again.read_text(encoding="utf-8") == page
    assert "CPUs at work (systemd, block 1)" in page
    assert "1 session: fewer than 6" in page


def test_a_file_for_node_exporter_that_cannot_be_written_fails_the_session(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, "--numa-openmetrics", "/proc/numa.prom")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*/proc/numa.prom cannot be written*--numa-openmetrics PATH*"])
    assert Path(pytester.path / "benchmarks/numa_baseline.md").exists()
