"""``pytest-numa placement``: whether a running service is where it is wanted."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pytest_numa import attach, host, policy
from pytest_numa.errors import HostError, ParseError, PolicyError, PytestNumaError
from pytest_numa.host import Topology
from pytest_numa.kernel import cpulist
from pytest_numa.placement import Budgets, Role, Wanted
from pytest_numa.report import placement
from pytest_numa.services.unit_facts import UnitFacts

EXIT_CODES = {"pass": 0, "fail": 1, "unknown": 3}
_WRONG_USAGE = 2
_INTERVAL_S = 0.5
_LONGEST_S = 7 * 86_400.0
# The keys of a proof, for a program that reads them whatever happened.
_UNPROVEN: dict[str, object] = {
    "verdict": "unknown",
    "wanted": None,
    "processes": [],
    "bytes_by_node": {},
    "findings": [],
    "unread": [],
    "notes": [],
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.epilog = (
        "Exit code: 0 all is where it is wanted, 1 it is not, 2 wrong usage, 3 it could not be "
        "looked at. Without --numa-node and --cpus what the unit itself declares is wanted."
    )
    add = parser.add_argument
    add("target", metavar="PID|UNIT", help="a process of the service, or its systemd unit")
    add("--numa-node", metavar="N[,N]", help="nodes that memory is wanted on")
    add("--cpus", metavar="LIST", help="CPUs that threads are wanted on [those of the nodes]")
    add(
        "--role",
        action="append",
        default=[],
        metavar="PATTERN=NODES[@CPUS]",
        help="processes whose name or command line matches are wanted elsewhere; repeatable",
    )
    add(
        "--watch",
        type=_seconds,
        metavar="SECONDS",
        help="look at every thread twice a second for so long; holds the service up by nothing",
    )
    add(
        "--pages",
        choices=("auto", "full", "sample"),
        default="auto",
        help="look at all pages, which holds a large process up (33 ms a GiB), or at a sample "
        "[auto: all up to 1 GiB]",
    )
    add("--max-stray", type=_percent, metavar="PCT", help="of its memory may lie elsewhere [1]")
    add("--max-stray-mib", type=_mib, metavar="MIB", help="and no more than this [64]")
    add("--root", type=Path, default=Path("/"), metavar="DIR", help="a captured machine [/]")
    add("--json", action="store_true", help="for programs")
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Look, judge, print; the exit code says what came out."""
    try:
        return _look(arguments)
    except PolicyError as error:
        print(f"pytest-numa: {error}", file=sys.stderr)
        return _WRONG_USAGE
    except PytestNumaError as error:
        # Nothing was refuted, and nothing proven.
        print(f"pytest-numa: {error}", file=sys.stderr)
        if arguments.json:
            print(json.dumps(_UNPROVEN | {"unread": [str(error)]}, indent=2))
        return EXIT_CODES["unknown"]


def _look(arguments: argparse.Namespace) -> int:
    target = attach.find(arguments.target, arguments.root)
    topology = _topology(arguments)
    wanted = _wanted(arguments, topology, target.unit)
    watched = None
    if arguments.watch:
        with target.service.watch(interval_s=_INTERVAL_S) as watch:
            time.sleep(arguments.watch)
            watched = watch.stop()
    depth = None if arguments.pages == "auto" else arguments.pages
    proof = attach.take(target, wanted, topology, depth=depth, watched=watched)
    if arguments.json:
        print(json.dumps(placement.placement_document(proof), indent=2))
    else:
        print(placement.placement_text(proof), end="")
    return EXIT_CODES[proof.verdict]


def _wanted(arguments: argparse.Namespace, topology: Topology, unit: UnitFacts | None) -> Wanted:
    node, cpus = arguments.numa_node, arguments.cpus
    if node is None and cpus is None and unit is not None:
        cpus = _declared(unit, "AllowedCPUs", "CPUAffinity")
        node = _declared(unit, "AllowedMemoryNodes", "NUMAMask")
    return Wanted(
        policy=policy.expected(topology, node_option=node, cpus_option=cpus),
        roles=tuple(_role(text, topology) for text in arguments.role),
        budgets=Budgets.usual(
            max_stray=arguments.max_stray, max_stray_bytes=arguments.max_stray_mib
        ),
    )


def _declared(unit: UnitFacts, *names: str) -> str | None:
    """The first of a unit's properties that is set."""
    return next((value for name in names if (value := unit.properties[name])), None)


def _role(text: str, topology: Topology) -> Role:
    pattern, equals, place = text.rpartition("=")
    nodes, _, cpus = place.partition("@")
    if not equals or not pattern or not nodes:
        raise PolicyError(f"--role: expected PATTERN=NODES or PATTERN=NODES@CPUS, found {text!r}")
    wanted = policy.expected(topology, node_option=nodes, cpus_option=cpus or None)
    return Role(name=pattern, pattern=pattern, policy=wanted)


def _topology(arguments: argparse.Namespace) -> Topology:
    """The machine; of a capture that holds processes alone, what the options make of it."""
    try:
        return host.read_topology(arguments.root)
    except HostError:
        if arguments.root == Path("/") or not arguments.numa_node or not arguments.cpus:
            raise
    try:
        nodes = cpulist.parse(arguments.numa_node, source="--numa-node")
        return host.assumed_topology(nodes, cpulist.parse(arguments.cpus, source="--cpus"))
    except ParseError as error:
        raise PolicyError(str(error)) from None


def _seconds(text: str) -> float:
    return _number(text, "a number of seconds above 0", 1.0, lambda value: 0 < value <= _LONGEST_S)


def _percent(text: str) -> float:
    return _number(text, "a percentage from 0 to 100", 0.01, lambda value: 0 <= value <= 1)


def _mib(text: str) -> int:
    return int(
        _number(text, "a size in MiB from 0 on", 2.0**20, lambda value: 0 <= value < 2.0**60)
    )


def _number(text: str, expected: str, unit: float, is_good: Callable[[float], bool]) -> float:
    try:
        value = float(text) * unit
    except ValueError:
        value = float("nan")
    if not is_good(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}")
    return value
