"""The packaged templates with values that would like to be more, read back from a real systemd."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_numa.errors import UnitError
from pytest_numa.policy import Policy
from pytest_numa.services import (
    bundle,
    catalogue,
    direct,
    private,
    quoting,
    systemctl,
    systemd,
    template,
    undo,
)
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.unit import Unit

pytestmark = pytest.mark.systemd

POLICY = Policy(cpus=frozenset({0}), memory_nodes=frozenset({0}))
DUMP = """\
#!{python}
import json, os, sys, time
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]), flush=True)
time.sleep(600)
"""
HOSTILE = (
    *("%%n", "${X}", " ; ", "a\\\n", "\u2028", "\u0085\x1f", "\ufeff", " lead", "trail ", " "),
    *("a b", "-x", "@x", "+x", "!x", ":x", "|x", "--", ";", "#x", "a\\", "\\", '"', "'", "%n"),
    *("%%", "$HOME", "${HOME}", "$$", "a\nExecStopPost=/bin/evil", "a\r\nUser=root", "\t", "ä日"),
    *("*", "~", "\\x41", "`id`", "a;b", "{{ 7 * 7 }}", "{% x %}", "{# x #}", "\x01", "a=b", "[x]"),
)
# Each takes a value of every kind: an option, an environment variable, a path.
TEMPLATES = {
    "inference-vllm": ("model", "served_model_name", "config", "dtype", "threads", "gpus", "host"),
    "inference-vllm@0": ("model", "served_model_name", "config", "kv_cache_gib", "gpus", "host"),
    "inference-sglang": ("model", "served_model_name", "config", "gpus", "tp", "host"),
    "inference-llama-server": ("model", "threads", "parallel", "ctx_size", "host"),
    "inference-llamacpp": ("model", "threads", "parallel", "ctx_size", "host"),
    "inference-tensorrt-llm": ("model", "options_file", "gpus", "tp", "host"),
    "inference-triton": ("model_repository", "grpc_port", "metrics_port", "gpus", "host"),
}
DIRECTIVES = (
    *("Type", "CPUAffinity", "NUMAPolicy", "NUMAMask", "Restart", "KillMode", "User", "Slice"),
    *("ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost", "WantedBy", "DropInPaths"),
)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[systemctl.Scope]:
    """One private manager for all; it holds no lock."""
    footprint = undo.Footprint(folder=tmp_path_factory.mktemp("manager"))
    with private.running(footprint, direct.plain_environment()) as scope:
        yield scope
    footprint.undo()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """It prints what it was given; its own path is no help either."""
    path = tmp_path / "a b%n;#ä" / "dump"
    path.parent.mkdir()
    path.write_text(DUMP.format(python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    return path


def rendered(name: str, values: dict[str, str], program: Path) -> Bundle:
    own = {"python": str(program), "program": str(program), "port": "8000", "host": "h"}
    variables = {**own, "model": "m", "model_repository": "m", "manager": "private", **values}
    given = {**variables, "working_directory": str(program.parent)}
    source = catalogue.find(name, directory=program.parent)
    return template.render(source, policy=POLICY, variables=given)


@dataclass(frozen=True, slots=True)
class Told:
    """What the program was given, and what systemd has made of the directives."""

    argv: list[str]
    environment: dict[str, str]
    directory: str
    directives: dict[str, str]


def told(scope: systemctl.Scope, wanted: Bundle, folder: Path) -> Told:
    footprint = undo.Footprint(folder=folder)
    with systemd.installed(wanted, scope, footprint) as stands:
        stands.start()
        deadline = time.monotonic() + 20
        while not stands.log_tail(1).startswith("[[") and time.monotonic() < deadline:
            time.sleep(0.02)
        argv, environment, directory = json.loads(stands.log_tail(1))
        found = systemctl.show(scope, wanted.name, *DIRECTIVES)
        return Told(argv, environment, directory, found)


def meant(wanted: Bundle, program: Path, seen: Told, plain: Told) -> Told:
    """What the unit's own command says; variables that it does not set are as they were seen."""
    command = wanted.unit.command()
    return Told(
        list(command.argv[1:]),
        {**seen.environment, **dict(command.environment)},
        str(program.parent),
        plain.directives,
    )


def rounds(names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """So many that each hostile value comes once, each time in another variable."""
    values = cycle(HOSTILE)
    for _ in range(-(-len(HOSTILE) // len(names))):
        yield dict(zip(names, islice(values, len(names)), strict=True))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_makes_of_hostile_values_arguments_and_variables_alone(
    name: str, manager: systemctl.Scope, program: Path, tmp_path: Path
) -> None:
    values = list(rounds(TEMPLATES[name]))
    units = [rendered(name, one, program) for one in values]

    plain = told(manager, rendered(name, dict.fromkeys(TEMPLATES[name], "x"), program), tmp_path)
    seen = [told(manager, one, tmp_path) for one in units]

    pairs = list(zip(units, seen, strict=True))
    assert seen == [meant(unit, program, one, plain) for unit, one in pairs]
    given_words = [{*one.argv, *one.environment.values()} for one in seen]
    assert [set(one.values()) - words for one, words in zip(values, given_words, strict=True)] == [
        set() for _ in values
    ]


@given(values=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=12))
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_comes_back_from_systemd_as_it_went_in(
    values: list[str], manager: systemctl.Scope, program: Path, tmp_path: Path
) -> None:
    words = " ".join(quoting.argument(value) for value in values)
    pairs = {f"V{number}": value for number, value in enumerate(values)}
    lines = [f"Environment={quoting.assignment(f'{key}={pairs[key]}')}" for key in pairs]
    command = f"ExecStart={quoting.program(program)} {words}"
    unit_text = "\n".join(["[Service]", "Type=exec", *lines, command, ""])

    wanted = bundle.of(Unit(name="any.service", text=unit_text))
    seen = told(manager, wanted, tmp_path)

    assert seen.argv == values
    assert seen.environment.items() >= pairs.items()


@pytest.mark.parametrize("prefix", ["-", "@", "+", "!", "!!", ":", "|", "", "'", "$"])
def test_a_program_cannot_bring_a_prefix_with_it(prefix: str, program: Path) -> None:
    with pytest.raises(UnitError, match="expected a program's path"):
        rendered("inference-llama-server", {"program": prefix and f"{prefix}/bin/true"}, program)


@pytest.mark.parametrize(
    "value", ["-/srv", "relative", "~", "/a\nUser=root", "/a ", "/a\\", "/a\x01"]
)
@pytest.mark.parametrize("name", ["working_directory", "environment_file"])
def test_a_path_is_one_absolute_path(name: str, value: str, tmp_path: Path) -> None:
    source = catalogue.find("inference-vllm", directory=tmp_path)
    given = {"python": "/bin/true", "model": "m", "host": "h", "port": "1", name: value}

    with pytest.raises(UnitError):
        template.render(source, policy=POLICY, variables=given)


def test_a_command_line_is_split_as_a_shell_would_and_no_further(
    manager: systemctl.Scope, program: Path, tmp_path: Path
) -> None:
    command = f"'{program}' 'a b' $HOME ';' --x=%n \"d'e\""
    wanted = rendered(
        "inference-generic", {"command": command, "environment": "A='1 2' B=%n"}, program
    )

    seen = told(manager, wanted, tmp_path)

    assert seen.argv == ["a b", "$HOME", ";", "--x=%n", "d'e"]
    assert (seen.environment["A"], seen.environment["B"]) == ("1 2", "%n")
