"""What a session writes for CI: JUnit, the page and the annotations of a job, OpenMetrics."""

import re
import shlex
import socket
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from pytest_numa import cli
from pytest_numa.metrics import METRICS

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.systemd, pytest.mark.server]


def gitlab(text: str) -> dict[str, str]:
    """A metrics report as GitLab reads it (lib/gitlab/ci/parsers/metrics/generic.rb)."""
    words = [shlex.split(re.sub("#.*$", "", line)) for line in text.splitlines()]
    return {name: value for name, value, *_ in filter(None, words)}


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
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path))

    result = run(
        pytester, "--junitxml", "junit.xml", "--numa-openmetrics", "prom/numa.prom", *pages
    )

    result.assert_outcomes(passed=2)
    assert_the_saved_session_makes_the_same_page(pytester.path)
    suite = ET.parse(pytester.path / "junit.xml").getroot()[0]  # noqa: S314 - ours
    figures = [one.get("name") for one in suite.findall("properties/property")]
    assert figures == [
        *(f"numa.{mode}.{name}" for mode in ("pinned", "systemd") for name in METRICS),
        "numa.placement_findings",
    ]
    first, second = ([p.attrib for p in case.iter("property")] for case in suite.iter("testcase"))
    assert {"name": "numa.verdict.tokens_per_s.pinned.outcome", "value": "inconclusive"} in first
    assert second == []
    assert summary.read_text(encoding="utf-8").startswith("before\n# NUMA baseline")
    text = (pytester.path / "prom/numa.prom").read_text(encoding="utf-8")
    families = openmetrics(text)  # type: ignore[no-untyped-call]
    samples = [one for family in families for one in family.samples]
    assert sum(one.name == "numa_latency_seconds" for one in samples) == 18
    verdict = {"figure": "tokens_per_s", "against": "pinned", "outcome": "inconclusive"}
    assert [one.value for one in samples if one.labels == verdict] == [1]
    # The collector of node_exporter reads the older format, to which the rest is a comment.
    assert [one for family in prometheus(text) for one in family.samples] == samples
    assert [float(value) for value in gitlab(text).values()] == [one.value for one in samples]
    result.stdout.fnmatch_lines(
        ["::warning file=test_every*.py,line=3,title=numa%3A test_throughput::throughput, systemd*"]
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
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    # After the check of all paths at the start.
    pytester.makeconftest(
        "import pathlib\ndef pytest_collection_finish(): pathlib.Path('numa.prom').mkdir()"
    )

    result = run(pytester, "--numa-openmetrics", "numa.prom")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = "*numa.prom: expected a regular file or none, found a folder*"
    result.stdout.fnmatch_lines([f"{found}--numa-openmetrics PATH*"])
    result.stdout.fnmatch_lines([f"::error title=numa::{found}"])
    assert Path(pytester.path / "benchmarks/numa_baseline.md").exists()
