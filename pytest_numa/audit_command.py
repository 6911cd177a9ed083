"""``pytest-numa audit``: whether this host is fit for a pinned service."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_numa import audit, host, option, policy
from pytest_numa.audit.machine import Machine
from pytest_numa.errors import PolicyError
from pytest_numa.report import audit as report

_WRONG_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.epilog = (
        "Nothing is changed. Exit code: 0 no check failed, 1 one did, 2 wrong usage. What cannot "
        "be read is unknown, and never a pass."
    )
    add = parser.add_argument
    add("--numa-node", metavar="N[,N]", help="nodes that a service is to have")
    add("--cpus", metavar="LIST", help="CPUs that it is to have [those of the nodes]")
    add("--memory", type=option.size, metavar="SIZE", help="memory that it will take: 200G")
    add("--against", type=Path, metavar="FILE", help="an earlier --json of this host")
    add("--only", action="append", default=[], metavar="ID", help="this check; repeatable")
    add("--root", type=Path, default=Path("/"), metavar="DIR", help="a captured machine [/]")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="for programs")
    shown.add_argument("--fix-script", action="store_true", help="print a script of the fixes")
    shown.add_argument("--undo-script", action="store_true", help="print one that undoes them")
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Look and print."""
    try:
        machine = _machine(arguments)
        ids = _ids(arguments.only)
    except (PolicyError, ValueError) as error:
        print(f"pytest-numa audit: {error}", file=sys.stderr)
        return _WRONG_USAGE
    results = audit.run(machine, ids)
    if arguments.json:
        print(json.dumps(report.document(results), indent=2))
    elif arguments.fix_script or arguments.undo_script:
        print(report.script(results, undo=arguments.undo_script), end="")
    else:
        print(report.text(results))
    return int(any(one.status == "fail" for one in results))


def _machine(arguments: argparse.Namespace) -> Machine:
    topology = host.read_topology(arguments.root)
    wanted = None
    if arguments.numa_node is not None or arguments.cpus is not None:
        wanted = policy.expected(
            topology, node_option=arguments.numa_node, cpus_option=arguments.cpus
        )
    return Machine(
        root=arguments.root,
        topology=topology,
        policy=wanted,
        needs_bytes=arguments.memory,
        earlier={} if arguments.against is None else _earlier(arguments.against),
    )


def _ids(given: list[str]) -> list[str]:
    known = [one.id for one in audit.CHECKS]
    alien = [one for one in given if one.upper() not in known]
    if alien:
        raise ValueError(f"--only: expected {known[0]} to {known[-1]}, found {alien[0]!r}")
    return [one.upper() for one in given]


def _earlier(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        facts = {one["id"]: one["facts"] for one in found["checks"]}
    except OSError as error:
        raise ValueError(f"--against: {error}") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"--against: {path}: expected what --json has written") from None
    if not all(isinstance(one, dict) for one in facts.values()):
        raise ValueError(f"--against: {path}: expected what --json has written")
    return facts
