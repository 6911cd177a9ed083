"""What is refused before anything starts: one message, exit code 4, nothing left behind."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# pytester forgets the modules that a run in this process imports: with these there is no second
# copy of any class.
import pytest_numa.active  # noqa: F401

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.server

STATE = Path("/run/pytest-numa")


def refused(pytester: pytest.Pytester, *args: str, node: str = "0") -> str:
    result = pytester.runpytest_inprocess("-p", "no:benchmark", "--numa-node", node, *args)
    text = "\n".join(result.errlines)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in text
    assert not STATE.exists()
    return text


def node_cpus() -> str:
    return Path("/sys/devices/system/node/node0/cpulist").read_text(encoding="utf-8").strip()


def test_a_cpu_that_does_not_exist(pytester: pytest.Pytester) -> None:
    text = refused(pytester, "--cpus", "99999", "--numa-manager", "private")

    assert "--cpus" in text
    assert "99999" in text


def test_a_node_that_does_not_exist_with_those_that_do(pytester: pytest.Pytester) -> None:
    text = refused(pytester, node="7777")

    assert "found '7777', which do not exist" in text
    assert f"node 0: CPUs {node_cpus()}" in text


def test_a_page_without_what_draws_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    text = refused(pytester, "--numa-html", "s.html", "--numa-manager", "private")

    assert "--numa-html: expected matplotlib" in text
    assert "pip install 'pytest-numa[html]'" in text


def test_a_page_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    text = refused(pytester, "--numa-html", "/proc/s.html", "--numa-manager", "private")

    assert "/proc/s.html cannot be written" in text
    assert "--numa-html PATH" in text


@pytest.mark.parametrize("option", ["--numa-json", "--numa-openmetrics", "--numa-html"])
def test_a_file_of_the_session_that_cannot_be_written(
    pytester: pytest.Pytester, option: str
) -> None:
    text = refused(pytester, option, "/dev/null", "--numa-manager", "private")

    assert "report /dev/null: expected a regular file or none, found a device" in text
    assert f"choose another one with {option} PATH" in text


@pytest.mark.parametrize("other", ["--numa-history", "--numa-report", "--numa-html"])
def test_two_files_of_the_session_at_one_path(pytester: pytest.Pytester, other: str) -> None:
    text = refused(pytester, "--numa-json", "a", other, "./a", "--numa-manager", "private")

    assert "a: expected a file of its own, found that of --numa-" in text
    assert not (pytester.path / "a").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--numa-margin", "many"], "--numa-margin: expected a number above 0, found 'many'"),
        (["--numa-margin", "500"], "--numa-margin: expected a percentage up to 100"),
        (["--numa-modes", "pinned,pined"], "--numa-modes: expected some of unpinned,pinned"),
        (["--numa-n-requests", "0"], "--numa-n-requests: expected a whole number from 1 up"),
        (["--numa-inconclusive", "maybe"], "--numa-inconclusive: expected one of fail, skip, pass"),
        (["--numa-page-cache", "drop"], "--numa-page-cache: expected one of evict, keep, found"),
        (["--numa-governor", "Fast"], "--numa-governor: expected governors such as performance"),
        (["--numa-governor", "nosuch"], "--numa-governor: expected"),
        (["--numa-condition-blocks", "0"], "expected a whole number from 1 up, found '0'"),
        (["--numa-set", "port"], "--numa-set: expected KEY=VALUE"),
        (["--numa-set", "port=http"], "port: expected a number from 1 to 65535, found 'http'"),
        (["--numa-unit", "inference-nosuch"], "inference-llamacpp, inference-sglang"),
        (["--numa-unit", "./nosuch.service.j2"], "unit template not found"),
        (["--numa-modes", "systemd"], "--numa-modes leaves out pinned"),
        (["-n", "2"], "workers of pytest-xdist: leave out -n"),
        (["--numa-keep", "--numa-manager", "private"], "the private manager ends with the session"),
    ],
)
def test_a_wrong_option(pytester: pytest.Pytester, args: list[str], message: str) -> None:
    assert message in refused(pytester, *args)


def test_a_template_with_an_undefined_variable(pytester: pytest.Pytester) -> None:
    pytester.mkdir("units").joinpath("mine.service.j2").write_text("[Service]\n{{ nowhere }}\n")

    text = refused(pytester, "--numa-unit", "mine")

    assert "units/mine.service.j2: 'nowhere' is undefined; set it with --numa-set nowhere=" in text


def test_a_misspelt_mark(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.numa_latncy\ndef test_it(): ...")

    text = refused(pytester, "test_a_misspelt_mark.py", "-W", "ignore")

    assert "test_it: @pytest.mark.numa_latncy: no such mark; there are numa_placement" in text
    assert "did you mean numa_latency?" in text


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("numa_node=7777", "test_it: @pytest.mark.numa_placement: --numa-node: expected nodes of"),
        ("roles={'(': 0}", "expected a regular expression, found '('"),
        ("max_stray=2", "max_stray: expected a fraction from 0 to 1, found 2"),
    ],
)
def test_a_placement_that_a_mark_cannot_have(
    pytester: pytest.Pytester, mark: str, message: str
) -> None:
    pytester.makepyfile(
        test_it=f"import pytest\n@pytest.mark.numa_placement({mark})\ndef test_it(): ..."
    )

    assert message in refused(pytester, "test_it.py")


def test_a_report_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("benchmarks").write_text("a file, where a folder is wanted")

    text = refused(pytester)

    assert "benchmarks/numa_baseline.md" in text
    assert "--numa-report PATH" in text


def test_a_damaged_baseline(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("b.json").write_text('{"schema": 1, "subject": {')

    text = refused(pytester, "--numa-baseline", "b.json")

    assert "b.json is no JSON" in text


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.mark.systemd
def test_a_port_in_use(pytester: pytest.Pytester, taken_port: int) -> None:
    text = refused(pytester, "--numa-set", f"port={taken_port}")

    assert f"port {taken_port} is in use by" in text
    assert f"(PID {os.getpid()})" in text
