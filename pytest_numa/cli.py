"""The command line ``pytest-numa``: what can be had without a test session."""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from pytest_numa import __version__
from pytest_numa.errors import PytestNumaError

# Each module has add_arguments(parser), and sets ``act``, which returns the exit code.
COMMANDS = {
    "init": ("init_command", "write an acceptance test, a unit and a CI workflow to start from"),
    "topology": ("topology_command", "nodes, CPUs, memory, distances and devices"),
    "placement": ("placement_command", "where the threads and pages of a running service are"),
    "capture": ("capture_command", "write this machine to a folder, to be read elsewhere"),
    "gate": ("gate_command", "judge two recorded sessions, or plan what a verdict will take"),
    "history": ("history_command", "recorded sessions over time, and where they changed"),
    "report": ("report_command", "pages of a session that was recorded by --numa-json"),
    "unit": ("unit_command", "the catalogue of units: rendered, installed, removed"),
    "audit": ("audit_command", "whether this host is fit for a pinned service"),
    "bench": ("bench_command", "load a running OpenAI-compatible server"),
}
# Of those that say nothing else.
_USUAL_CODES = "Exit code: 0 good, 1 it could not be done, 2 wrong usage."


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """All subcommands; only the one that ``argv`` names is imported."""
    parser = argparse.ArgumentParser(
        prog="pytest-numa",
        description="Facts and measurements of an inference host. The acceptance itself is run by "
        "pytest: pytest --numa-node N --cpus LIST.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-numa {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name in argv:
            importlib.import_module(f"pytest_numa.{module}").add_arguments(command)
            if "Exit code:" not in (command.epilog or ""):
                command.epilog = f"{command.epilog or ''} {_USUAL_CODES}".strip()
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand: 0 good, 1 an error of ours, 2 wrong usage, 130 interrupted."""
    given = sys.argv[1:] if argv is None else argv
    arguments = build_parser(given).parse_args(given)
    _print_anything()
    try:
        code: int = arguments.act(arguments)
        # Not the stream's own flush: there is no stream where standard output was closed.
        print(end="", flush=True)
    except PytestNumaError as error:
        print(f"pytest-numa: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # That the reader (head, less) has gone is not worth a word; a full disk is.
        if not isinstance(error, BrokenPipeError):
            print(f"pytest-numa: {error}", file=sys.stderr)
        # What has not been written would be tried once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _print_anything() -> None:
    """A character that the locale does not have is printed as its number, and stops nothing."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
