"""Annotations of GitHub Actions: where they point, and that no text breaks out of its command."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import annotations

pytest_plugins = ["pytester"]

_COMMAND = re.compile(r"::(\w+) ([^:]*)::(.*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """A command as GitHub's runner reads it: ActionCommand.TryParseV2."""
    found = _COMMAND.fullmatch(line)
    assert found is not None
    pairs = [one.split("=", 1) for one in found[2].split(",")]
    properties = {name: _unescaped(value, ":,\r\n%") for name, value in pairs}
    return found[1], properties, _unescaped(found[3], "\r\n%")


def _unescaped(value: str, characters: str) -> str:
    # The percent sign comes last, as in the runner.
    for one in characters:
        value = value.replace(f"%{ord(one):02X}", one)
    return value


@given(text=st.text(), title=st.text(), file=st.text())
def test_any_text_comes_out_at_github_as_it_went_in(text: str, title: str, file: str) -> None:
    line = annotations.command("error", text, {"file": file, "title": title})

    assert line.splitlines()[0].startswith("::error file=")
    assert read(line.replace("\x85", "?")) == (
        "error",
        {"file": file.replace("\x85", "?"), "title": title.replace("\x85", "?")},
        text.replace("\x85", "?"),
    )


def test_half_of_a_character_is_no_trouble() -> None:
    assert annotations.command("warning", "a\udcffb", {"title": "t"}) == "::warning title=t::a?b"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path))
    pytester.makepyfile(
        **{
            "tests/test_it": """
            import pytest

            @pytest.mark.numa_host("N19")
            def test_skipped(): ...

            @pytest.mark.numa_host("N2")
            def test_failed():
                assert 1 == 2, "one, two: 100%"

            def test_of_another():
                assert False
            """
        }
    )
    return pytester


OPTIONS = ("-p", "no:benchmark", "--numa-node", "0", "tests")


@pytest.mark.server
def test_a_failure_is_an_error_and_a_skip_a_warning_at_the_line_of_the_test(
    project: pytest.Pytester,
) -> None:
    result = project.runpytest_subprocess(*OPTIONS)

    commands = [read(line) for line in result.outlines if line.startswith("::")]
    assert [(weight, properties) for weight, properties, _ in commands] == [
        ("error", {"file": "tests/test_it.py", "line": "6", "title": "numa: test_failed"}),
        ("warning", {"file": "tests/test_it.py", "line": "3", "title": "numa: test_skipped"}),
    ]
    assert "one, two: 100%" in commands[0][2]
    assert commands[1][2].startswith("Skipped: N19: to measure it")


@pytest.mark.server
def test_a_test_outside_of_the_workspace_has_no_place(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", "/nowhere")

    result = project.runpytest_subprocess(*OPTIONS)

    result.stdout.fnmatch_lines(["::error title=numa%3A test_failed::*"])


@pytest.mark.server
def test_elsewhere_there_are_none(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")

    result = project.runpytest_subprocess(*OPTIONS)

    assert [line for line in result.outlines if line.startswith("::")] == []
