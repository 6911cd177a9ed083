"""``pytest-numa report``: reports of a session that was written by ``--numa-json``."""

import argparse
from pathlib import Path
from typing import Any

from pytest_numa import history, session_file
from pytest_numa.errors import ReportError
from pytest_numa.report import html_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    add = parser.add_argument
    add("session", type=Path, metavar="SESSION.json", help="what pytest --numa-json wrote")
    add("--html", type=Path, metavar="PATH", help="write the page of the session")
    add(
        "--history",
        type=Path,
        metavar="PATH",
        help="what --numa-history wrote [where the session wrote it, if it is there]",
    )
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Write every report that is asked for."""
    document = session_file.document(arguments.session)
    if arguments.html is None:
        raise ReportError(f"nothing was asked of {arguments.session}: give --html PATH")
    html_file.check(arguments.html, option="--html")
    html_file.write(arguments.html, document, _history(arguments, document), option="--html")
    print(f"wrote {arguments.html}")
    return 0


def _history(arguments: argparse.Namespace, document: dict[str, Any]) -> tuple[history.Entry, ...]:
    if arguments.history is not None:
        return history.read(arguments.history).entries
    own = document.get("files", {}).get("history")
    return html_file.entries(Path(own)) if own else ()
