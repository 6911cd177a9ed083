"""``pytest-numa init``: a starting set for a repository."""

import argparse
from pathlib import Path

from pytest_numa import starting
from pytest_numa.starting.files import WORKFLOWS


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
    options = [f"--numa-node={arguments.numa_node}"]
    options += [f"--cpus={arguments.cpus}"] if arguments.cpus else []
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
