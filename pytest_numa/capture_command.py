"""``pytest-numa capture``: this machine as a folder that can be read elsewhere."""

import argparse
from pathlib import Path

from pytest_numa import attach, capture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.epilog = (
        "Host names, addresses, serial numbers and secrets of command lines are blanked; read "
        "DIR/CAPTURE.md before you give it away."
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="a new or an empty folder")
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="PID|UNIT",
        help="services whose processes are captured too",
    )
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="ROOT", help="a captured machine [/]"
    )
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Write the folder and say what is in it."""
    found = [attach.find(target, arguments.root) for target in arguments.targets]
    pids = frozenset().union(*(target.service.pids for target in found))
    done = capture.write(arguments.directory, pids=pids, root=arguments.root)
    print(f"{arguments.directory}: {done.files} files of {len(pids)} processes and the machine")
    for title, lines in (("blanked", done.blanked), ("not readable", done.unreadable)):
        for line in lines:
            print(f"  {title}: {line}")
    return 0
