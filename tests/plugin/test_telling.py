"""The header and the end in pytest's own manner: its verbosity, its colours, its place."""

import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = Path(__file__).parents[1]
CONFTEST = """
import sys

sys.path[:0] = [{tests!r}, {tests!r} + "/placement"]

import measured
from pytest_numa.problem import Problem
from pytest_numa.telling import Telling


def end():
    blocks = [measured.block(pinned=one, systemd={systemd_s}) for one in measured.NOISE * 2]
    return measured.end(measured.measurement(*blocks))


def pytest_configure(config):
    config.pluginmanager.register(Telling(config, measured.SETTINGS, end))
"""


@pytest.fixture
def slower(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder whose sessions end as one that was found to be slower."""
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    pytester.makeconftest(CONFTEST.format(tests=str(TESTS), systemd_s=1.4))
    pytester.makepyfile("def test_good(): ...\ndef test_bad(): assert 0")
    return pytester


def output(folder: pytest.Pytester, *args: str) -> str:
    argv = [sys.executable, "-m", "pytest", "-p", "no:benchmark", *args]
    return "\n".join(folder.run(*argv).outlines)


def test_the_end_comes_last_after_the_list_of_failed_tests(slower: pytest.Pytester) -> None:
    lines = output(slower).splitlines()

    title = next(number for number, line in enumerate(lines) if line.strip("=") == " numa ")
    assert title > lines.index("=" * 27 + " short test summary info " + "=" * 28)
    assert lines[title + 1].startswith("FAILED  the service under systemd is slower than the same")
    assert len(lines[title:]) <= 30
    assert "1 failed, 1 passed" in lines[-1]


@pytest.mark.parametrize(
    ("args", "environment", "is_coloured"),
    [
        (["--color=yes"], {}, True),
        (["--color=no"], {"FORCE_COLOR": "1"}, False),
        (["--color=auto"], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_those_that_pytest_is_asked_for(
    slower: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    environment: dict[str, str],
    is_coloured: bool,  # noqa: FBT001 - a case of the table
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    shown = output(slower, *args)

    assert ("\x1b[31m\x1b[1mFAILED" in shown) == is_coloured
    assert is_coloured or "\x1b" not in shown


def test_quiet_has_no_header_and_no_table(slower: pytest.Pytester) -> None:
    shown = output(slower, "-q")

    assert "numa: host" not in shown
    assert "tokens/s" not in shown
    assert "  to fix    " in shown


def test_very_quiet_has_a_line_for_each_problem(slower: pytest.Pytester) -> None:
    shown = output(slower, "-qq")

    assert "FAILED  the service under systemd is slower" in shown
    assert "  to fix    " not in shown
    assert " numa ===" not in shown


def test_verbose_tells_the_command_and_each_verdict_in_words(slower: pytest.Pytester) -> None:
    shown = " ".join(output(slower, "-v").split())

    assert "started by: /opt/venv/bin/vllm serve /srv/model" in shown
    assert "surely more than the accepted 5.0% slower" in shown


@pytest.mark.parametrize("tb", ["no", "short", "line"])
def test_the_end_does_not_depend_on_how_tracebacks_are_shown(
    slower: pytest.Pytester, tb: str
) -> None:
    assert "FAILED  the service under systemd is slower" in output(slower, f"--tb={tb}")


def test_what_pytest_leaves_out_we_leave_out(slower: pytest.Pytester) -> None:
    assert "numa: host" not in output(slower, "--no-header")
    assert "the service under systemd" not in output(slower, "--no-summary")
    assert "numa" not in output(slower, "-p", "no:terminal")


def test_stopping_at_the_first_failure_still_tells_all(slower: pytest.Pytester) -> None:
    shown = output(slower, "-x")

    assert "FAILED  the service under systemd is slower" in shown
    assert "stopping after 1 failures" in shown


def test_a_terminal_without_unicode_and_a_narrow_one_are_written_to(
    slower: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("COLUMNS", "45")
    with (slower.path / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(
            "\nfrom dataclasses import replace\n"
            "named = replace(measured.SETTINGS.identity, hostname='m\\u00fcnchen-\\u6771\\u4eac')\n"
            "measured.SETTINGS = replace(measured.SETTINGS, identity=named)\n"
        )

    shown = output(slower)

    assert "m\\xfcnchen-\\u6771\\u4eac" in shown
    assert "1 failed, 1 passed" in shown
