"""Write the pages of docs/reference/ from the code, so that they say what the code does.

python docs/reference.py            writes them
python docs/reference.py --check    writes nothing; exit code 1 where a page is not as it would be
"""

import argparse
import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from pytest_numa import benchmark_entries, cli, condition_options, load_options, marks, options
from pytest_numa import plugin as pytest_side
from pytest_numa.formatting import markdown_cell
from pytest_numa.metrics import METRICS, Metric
from pytest_numa.option import Option

# Beside this file, which is run as a program.
sys.path.insert(0, str(Path(__file__).parent))
import json_reference

FOLDER = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/reference.py from the code; to renew it: make reference -->"


def options_page() -> str:
    """Every option of pytest, with its ini key and its default."""
    load, conditions = load_options.OPTIONS, condition_options.OPTIONS
    own = [one for one in options.OPTIONS if one not in (*load, *conditions)]
    parts = [
        "# Options of pytest",
        "`pytest --help` lists these under *numa*. Each is also an ini key, in `pytest.ini` or "
        "below `[tool.pytest.ini_options]`; the command line wins. A flag is switched on there by "
        "`true`; what is repeatable takes a line for each. In `[...]` is what holds where "
        "nothing is given.",
    ]
    for title, few in (
        ("The session", own),
        ("The load", load),
        ("Conditions of the host", conditions),
    ):
        parts += [
            f"## {title}",
            _table(("Option", "What", "Ini key"), map(_option, few)),
        ]
    parts.append("`--cpus` is short for `--numa-cpus`, unless another plugin has taken that name.")
    return _page(parts)


def _option(one: Option) -> tuple[str, ...]:
    forms = {"flag": _code(one.flag), "word": _code(f"{one.flag}[={one.metavar}]")}
    shown = forms.get(one.kind, f"{_code(one.flag)} {_code(one.metavar)}")
    default = f" [{_code(one.default)}]" if one.default else ""
    return shown, f"{markdown_cell(one.help)}{default}", _code(one.dest)


def marks_page() -> str:
    """Every mark, with its arguments."""
    parts = [
        "# Marks",
        "A mark is a whole test: its body may be empty. A misspelt mark or argument stops the "
        "session when tests are collected. What the figures are: [figures](metrics.md).",
    ]
    for line in marks.HELP:
        signature, _, text = line.partition("): ")
        name = signature.partition("(")[0]
        told = text.removesuffix(" (pytest-numa)")
        parts += [f"## {name}", f"```text\n@pytest.mark.{signature})\n```", _sentence(told)]
    return _page(parts)


def fixtures_page() -> str:
    """Every fixture, with its docstring."""
    parts = [
        "# Fixtures",
        "`pytest --fixtures` shows these, too. In a session without `--numa-node` and `--cpus` a "
        "test that asks for one of them is skipped; `numa_topology` alone is always there.",
    ]
    for module in (pytest_side, benchmark_entries):
        for name, scope, returns, text in _fixtures(Path(str(module.__file__))):
            if f"## {name}" not in parts:
                parts += [f"## {name}", f"Scope: {scope}. Value: `{returns}`.", text]
    return _page(parts)


def _fixtures(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Name, scope, type and docstring of each fixture in a module, as they stand there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            for each in node.decorator_list:
                call = each.func if isinstance(each, ast.Call) else each
                if ast.unparse(call) == "pytest.fixture":
                    scope = "session" if isinstance(each, ast.Call) else "function"
                    returns = ast.unparse(node.returns).strip("'\"") if node.returns else "None"
                    text = (ast.get_docstring(node) or "").replace("``", "`")
                    yield node.name, scope, returns, text


def metrics_page() -> str:
    """Every figure that can be judged."""
    rows = [
        (
            _code(one.name),
            one.label,
            one.unit,
            one.better,
            _least(one),
            markdown_cell(one.definition),
        )
        for one in METRICS.values()
    ]
    return _page([
        "# Figures",
        "The figures of a run that marks, `pytest-numa gate` and `pytest-numa history` know by "
        "name. Only requests that succeeded count. A percentile of a run with fewer values than "
        "the table asks for is shown, and decides nothing.",
        _table(("Name", "Label", "Unit", "Better", "Values needed", "Definition"), rows),
    ])  # fmt: skip


def _least(one: Metric) -> str:
    return str(one.least) if one.least > 1 else ""


def cli_page() -> str:
    """Every subcommand with all that it takes."""
    parts = ["# Command line", "`pytest-numa COMMAND --help` says the same in the terminal."]
    for name, parser in _commands().items():
        deeper = _subparsers(parser)
        parts += [f"## pytest-numa {name}", _sentence(parser.description or "")]
        if not deeper:
            parts += _usage(parser)
        for action, found in deeper.items():
            parts += [f"### pytest-numa {name} {action}", _sentence(found.description or "")]
            parts += _usage(found)
        if parser.epilog:
            parts.append(_epilog(parser))
    return _page(parts)


def _usage(parser: argparse.ArgumentParser) -> list[str]:
    actions = [one for one in parser._actions if "--help" not in one.option_strings]  # noqa: SLF001
    named = [one for one in actions if one.option_strings]
    rest = [_positional(one) for one in actions if not one.option_strings]
    words = [parser.prog, *(["[options]"] if named else []), *rest]
    found = [f"```text\n{' '.join(words)}\n```"]
    rows = [(_code(_spelt(one)), markdown_cell(_told(one))) for one in actions if one.help]
    return [*found, _table(("Argument", "What"), rows)] if rows else found


def _positional(one: argparse.Action) -> str:
    name = str(one.metavar or one.dest)
    forms = {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ...", "...": "..."}
    return forms.get(str(one.nargs), name)


def _spelt(one: argparse.Action) -> str:
    if not one.option_strings:
        return _positional(one)
    names = ", ".join(one.option_strings)
    if one.nargs == 0:
        return names
    value = str(one.metavar or ("|".join(map(str, one.choices)) if one.choices else "VALUE"))
    return f"{names} [{value}]" if one.nargs == "?" else f"{names} {value}"


def _told(one: argparse.Action) -> str:
    return str(one.help).replace("%%", "%")


def _epilog(parser: argparse.ArgumentParser) -> str:
    text = str(parser.epilog).strip()
    is_laid_out = parser.formatter_class is argparse.RawDescriptionHelpFormatter
    return f"```text\n{text}\n```" if is_laid_out else text


def exit_codes_page() -> str:
    """What each command exits with, as its help says it."""
    rows = [(_code(f"pytest-numa {name}"), told) for name, told in _exit_codes()]
    own = [(str(pytest.ExitCode[name].value), told) for name, told in _PYTEST.items()]
    return _page([
        "# Exit codes",
        "## pytest",
        "These are pytest's own. Where the placement is wrong, or a verdict is a failure, a test "
        "fails.",
        _table(("Code", "With pytest-numa"), own),
        "## pytest-numa",
        "130 is any command's after Ctrl-C. 1 is also that of an error of ours, told in one "
        "message.",
        _table(("Command", "Exit code"), rows),
    ])  # fmt: skip


_PYTEST = {
    "OK": "all is accepted, or skipped with its reason",
    "TESTS_FAILED": "a test failed, something could not be measured, or not everything "
    "could be written or removed at the end",
    "INTERRUPTED": "interrupted (Ctrl-C, SIGTERM): what was installed has been removed",
    "INTERNAL_ERROR": "an error of pytest or a plugin",
    "USAGE_ERROR": "wrong options or marks, or a host that cannot do what was asked",
    "NO_TESTS_COLLECTED": "no test was collected",
}


def _exit_codes() -> Iterator[tuple[str, str]]:
    for name, parser in _commands().items():
        text = " ".join((parser.epilog or "").split())
        _, found, told = text.partition("Exit code: ")
        if not found:
            raise ValueError(f"pytest-numa {name} --help says no exit codes")
        yield name, markdown_cell(told.partition(". ")[0].rstrip("."))


def _commands() -> dict[str, argparse.ArgumentParser]:
    return {name: _subparsers(cli.build_parser([name]))[name] for name in cli.COMMANDS}


def _subparsers(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for one in parser._actions:  # noqa: SLF001 - argparse tells of them in no other way
        if isinstance(one, argparse._SubParsersAction):  # noqa: SLF001
            return one.choices
    return {}


def _page(parts: Sequence[str]) -> str:
    return "\n\n".join([parts[0], _NOTE, *parts[1:]]) + "\n"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    """In a cell, where a bar ends it also within code."""
    return f"`{text}`".replace("|", r"\|")


def _sentence(text: str) -> str:
    return f"{markdown_cell(text[:1].upper() + text[1:]).rstrip('.')}." if text else ""


PAGES: Mapping[str, Callable[[], str]] = {
    "options": options_page,
    "marks": marks_page,
    "fixtures": fixtures_page,
    "metrics": metrics_page,
    "cli": cli_page,
    "exit-codes": exit_codes_page,
    "json": lambda: _page(json_reference.parts()),
}


def main() -> int:
    """Write or check; 1 where a page differs."""
    is_check = sys.argv[1:] == ["--check"]
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / f"{name}.md", page()
        if is_check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(f"docs/reference/{name}.md")
        elif not is_check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"not what the code says: {', '.join(stale)}; to mend it: make reference")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
