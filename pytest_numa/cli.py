"""The command line ``pytest-numa``: what can be had without a test session."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_numa import __version__, bench_command
from pytest_numa.errors import PytestNumaError


def build_parser() -> argparse.ArgumentParser:
    """All subcommands; each sets ``act``, which returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="pytest-numa",
        description="Facts and measurements of an inference host. The acceptance itself is run by "
        "pytest: pytest --numa-node N --cpus LIST.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-numa {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    topology = commands.add_parser("topology", help="nodes, CPUs, memory, distances and devices")
    topology.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="a captured machine: a directory that holds sys/ and proc/ [/]",
    )
    topology.add_argument("--json", action="store_true", help="for programs")
    topology.set_defaults(act=_topology)

    bench = commands.add_parser("bench", help="load a running OpenAI-compatible server")
    bench_command.bench_arguments(bench)
    bench.set_defaults(act=bench_command.bench)
    return parser


def _topology(arguments: argparse.Namespace) -> int:
    from pytest_numa import host  # noqa: PLC0415 - keeps the start of `bench` short
    from pytest_numa.report import topology  # noqa: PLC0415

    found = host.read_topology(arguments.root)
    if arguments.json:
        print(json.dumps(topology.topology_document(found), indent=2))
    else:
        print(topology.topology_tables(found))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand: 0 good, 1 an error of ours, 2 wrong usage, 130 interrupted."""
    arguments = build_parser().parse_args(argv)
    try:
        code: int = arguments.act(arguments)
        sys.stdout.flush()
    except PytestNumaError as error:
        print(f"pytest-numa: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; nothing is wrong with us.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
