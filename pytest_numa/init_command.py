"""``pytest-numa init``: a starting set for a repository."""

import argparse
import re
from pathlib import Path

from pytest_numa import starting
from pytest_numa.errors import UnitError
from pytest_numa.kernel import cpulist
from pytest_numa.starting.files import WORKFLOWS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@-]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.epilog = "Nothing is asked, and no file that is there is changed."
    add = parser.add_argument
    add("directory", nargs="?", type=Path, default=Path(), metavar="DIR", help="the repository [.]")
    add("--unit", default="inference-vllm", metavar="NAME", help="template [inference-vllm]")
    add("--numa-node", default="auto", metavar="N[,N]|auto", help="node of the service [auto]")
    add("--cpus", metavar="LIST", help="CPUs of the service [the node's]")
    add("--ci", choices=WORKFLOWS, default="github", help="whose workflow is written [github]")
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Write what is not there, and say what comes next."""
    options = _policy(arguments.numa_node, arguments.cpus)
    if not _NAME.fullmatch(arguments.unit):
        # It goes into files that are run.
        raise UnitError(f"--unit: expected the name of a template, found {arguments.unit!r}")
    done = starting.lay_out(
        arguments.directory, unit=arguments.unit, workflow=arguments.ci, options=options
    )
    for one in done:
        print(f"{'written' if one.is_new else 'kept   '} {one.path}")
    print(
        "next: set the model in the unit, or with --numa-set model=PATH; then\n"
        f"  pytest tests/test_numa_acceptance.py {' '.join(options)} --numa-unit={arguments.unit}"
    )
    return 0


def _policy(node: str, cpus: str | None) -> list[str]:
    """The options of pytest that say the policy; ParseError where they say none."""
    if node != "auto":
        node = cpulist.format(cpulist.parse(node, source="--numa-node"))
    options = [f"--numa-node={node}"]
    if cpus:
        options.append(f"--cpus={cpulist.format(cpulist.parse(cpus, source='--cpus'))}")
    return options
