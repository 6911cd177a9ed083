"""``pytest-numa report``: reports of a session that was written by ``--numa-json``."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_numa import audit, documents, history, host, policy, session_file
from pytest_numa.audit.machine import Machine
from pytest_numa.errors import ReportError
from pytest_numa.host import identity
from pytest_numa.report import audit as audit_report
from pytest_numa.report import destination, html_file
from pytest_numa.report.client import facts, report

_ROOT = Path("/")
_STDOUT = "-"
_HERE = "here"


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
    add(
        "--client",
        nargs="?",
        const=_STDOUT,
        metavar="PATH",
        help="write the report in two parts, for engineers and for clients: a page where PATH ends "
        "in .html, else markdown; without PATH it is printed",
    )
    add(
        "--audit",
        metavar="FILE",
        help="for --client: what pytest-numa audit --json wrote of the session's host; `here` "
        "looks at this host now",
    )
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Write every report that is asked for."""
    document = session_file.document(arguments.session)
    if arguments.audit is not None and arguments.client is None:
        raise ReportError("--audit is for the report that --client makes: give that, too")
    if arguments.html is None and arguments.client is None:
        raise ReportError(
            f"nothing was asked of {arguments.session}: give --html PATH or --client [PATH]"
        )
    _check_apart(arguments)
    with _parts_explained(arguments.session):
        sessions = _history(arguments, document)
    if arguments.html is not None:
        html_file.check(arguments.html, option="--html")
        html_file.write(arguments.html, document, sessions, option="--html")
        print(f"wrote {arguments.html}")
    if arguments.client is not None:
        _client(arguments, document, sessions)
    return 0


def _check_apart(arguments: argparse.Namespace) -> None:
    """A report takes the place of no file that it is made of, nor of the other report."""
    taken = {arguments.session.resolve(): "the session"}
    if arguments.history is not None:
        taken[arguments.history.resolve()] = "--history"
    if arguments.audit not in (None, _HERE):
        taken[Path(arguments.audit).resolve()] = "--audit"
    for option, given in (("--html", arguments.html), ("--client", arguments.client)):
        if given in (None, _STDOUT):
            continue
        path = Path(given).resolve()
        if path in taken:
            raise ReportError(
                f"{option} {given}: expected a file of its own, found that of {taken[path]}: "
                f"choose another one with {option} PATH; nothing was written"
            )
        taken[path] = option


@contextlib.contextmanager
def _parts_explained(session: Path) -> Iterator[None]:
    """Turn what a damaged document makes of its readers into a ReportError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ReportError(
            f"{session}: expected the parts of a session as --numa-json writes them, "
            f"found something else ({what})"
        ) from None


def _client(
    arguments: argparse.Namespace, document: dict[str, Any], sessions: tuple[history.Entry, ...]
) -> None:
    with _parts_explained(arguments.session):
        found = facts.of(document, _audit(arguments.audit, document), sessions)
        is_page = arguments.client.endswith(".html")
        text = report.as_page(found) if is_page else report.as_markdown(found)
    if arguments.client == _STDOUT:
        print(text, end="")
        return
    path = destination.real(Path(arguments.client))
    destination.check(path, "", option="--client")
    with destination.locked(path, option="--client"):
        destination.replace(path, text, option="--client")
    print(f"wrote {arguments.client}")


def _audit(given: str | None, document: dict[str, Any]) -> dict[str, Any] | None:
    if given is None:
        return None
    if given == _HERE:
        return _audit_here(document)
    expected = f"--audit: {given}: expected what pytest-numa audit --json wrote"
    try:
        found = documents.parse(Path(given).read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"--audit: {given}: {error.strerror}") from None
    except ValueError as error:
        raise ReportError(f"{expected}, found no JSON ({error})") from None
    if not isinstance(found, dict) or not _is_audit(found):
        raise ReportError(expected)
    return found


def _is_audit(found: dict[str, Any]) -> bool:
    # One without checks would have looked at nothing, and found no fault.
    checks = found.get("checks")
    return (
        isinstance(found.get("summary"), dict)
        and isinstance(checks, list)
        and bool(checks)
        and all(_is_check(one) for one in checks)
    )


def _is_check(found: object) -> bool:
    texts = ("id", "name", "wanted", "found", "risk")
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(key), str) for key in texts)
        and found.get("status") in audit.STATUSES
        and isinstance(found.get("fix"), str | None)
    )


def _audit_here(document: dict[str, Any]) -> dict[str, Any]:
    here = identity.read_identity(_ROOT).hostname
    if here != document.get("host"):
        raise ReportError(
            f"--audit here: expected the session's host {document.get('host')!r}, found {here!r}: "
            "run pytest-numa audit --json there"
        )
    topology, asked = host.read_topology(_ROOT), document.get("policy")
    wanted = (
        policy.expected(topology, node_option=asked["memory_nodes"], cpus_option=asked["cpus"])
        if asked
        else None
    )
    machine = Machine(root=_ROOT, topology=topology, policy=wanted)
    return audit_report.document(audit.run(machine))


def _history(arguments: argparse.Namespace, document: dict[str, Any]) -> tuple[history.Entry, ...]:
    if arguments.history is not None:
        return history.read(arguments.history).entries
    own = document.get("files", {}).get("history")
    return html_file.entries(Path(own)) if own else ()
