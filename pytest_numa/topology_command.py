"""``pytest-numa topology``: the machine as the kernel tells of it."""

import argparse
import json
from pathlib import Path

from pytest_numa import host
from pytest_numa.report import topology


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="a captured machine: a directory that holds sys/ and proc/ [/]",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Print the topology."""
    found = host.read_topology(arguments.root)
    if arguments.json:
        print(json.dumps(topology.topology_document(found), indent=2))
    else:
        print(topology.topology_tables(found))
    return 0
