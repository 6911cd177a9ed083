"""A container that the unit starts: what its own options say of CPUs, memory and secrets.

Options: docker-run(1), podman-run(1).
"""

import re
from collections.abc import Iterator

from pytest_numa.kernel import cpulist
from pytest_numa.lint import ranges
from pytest_numa.lint.engine import CONTAINERS
from pytest_numa.lint.exposure import is_secret
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Whether the unit or its own options pin it, then the rest."""
    program = subject.argv[0].rpartition("/")[2] if subject.argv else ""
    if program not in CONTAINERS or subject.section != "Service":
        return
    yield from _place(subject, program)
    yield from _secrets(subject, program)
    kind = subject.text("Type") or "simple"
    if subject.engine.has("-d", "--detach") and kind in ("simple", "exec", "idle"):
        yield Finding(
            subject=f"{program} -d",
            expected="a client that stays as long as the server runs",
            found="one that ends at once: the service ends with it",
            fix="leave -d out, or write Type=notify and --sdnotify=conmon with podman",
        )


def _place(subject: Subject, program: str) -> Iterator[Finding]:
    if subject.engine.is_in_its_cgroup:
        return
    given = {key: subject.engine.option(key) for key in ("--cpuset-cpus", "--cpuset-mems")}
    if None in given.values():
        is_made = "run" in subject.argv[1:3] and "compose" not in program
        yield Finding(
            subject=program,
            expected="a server that runs in the unit's own cgroup",
            found="a container, which runs elsewhere: the unit pins the client alone"
            + ("" if is_made else ", and what pins the server was not looked at"),
            fix=_pinned(subject.argv),
            is_unknown=not is_made,
        )
    cpus, nodes = (ranges.plain(text) if text else None for text in given.values())
    for key, own, every, what in (
        ("--cpuset-cpus", cpus, subject.every_cpu, "CPUs"),
        ("--cpuset-mems", nodes, subject.every_node, "nodes"),
    ):
        absent = (own or frozenset()) - every
        if absent:
            yield Finding(
                subject=f"{program} {key}",
                expected=f"{what} of this host, {cpulist.format(every)}",
                found=f"{cpulist.format(absent)}, which do not exist: {program} ends with an error",
                fix=f"name {what} of {cpulist.format(every)}",
            )
    near = subject.cpus_of(nodes or frozenset())
    if cpus and near and cpus - near and cpus <= subject.every_cpu:
        yield Finding(
            subject=f"{program} --cpuset-cpus and --cpuset-mems",
            expected=f"CPUs of node {cpulist.format(nodes or ())}, where the memory is",
            found=f"CPUs {cpulist.format(cpus - near)} besides",
            fix=f"take CPUs of {cpulist.format(near)}, or the memory of their node, too",
        )


def _pinned(argv: tuple[str, ...]) -> str:
    """How a container is pinned that the command makes, or has made before."""
    if any("compose" in word for word in argv[:2]):
        return "write cpuset: with the CPUs into its file; for memory it needs run --cpuset-mems"
    if "start" in argv:
        return "make it anew, with --cpuset-cpus and --cpuset-mems"
    return "add --cpuset-cpus and --cpuset-mems, or use podman run --cgroups=split"


def _secrets(subject: Subject, program: str) -> Iterator[Finding]:
    for position, word in enumerate(subject.argv):
        before = subject.argv[position - 1]
        given = word if before in ("-e", "--env") else re.sub(r"^(?:-e|--env=)", "", word)
        name, equals, value = given.partition("=")
        if equals and value and is_secret(name) and (given != word or before in ("-e", "--env")):
            yield Finding(
                subject=f"{program} -e {name}",
                expected="a secret that only the service can read",
                found="on the command line, which every user of the host can read",
                fix=f"write -e {name} alone, and the value into a file of mode 0600 that "
                "EnvironmentFile= names",
            )
