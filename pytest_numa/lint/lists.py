"""Whether the CPUs and nodes that a unit names are there, and are online."""

from collections.abc import Iterator

from pytest_numa.kernel import cpulist
from pytest_numa.lint import ranges, wrapper
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_CPU_KEYS = ("CPUAffinity", "AllowedCPUs", "StartupAllowedCPUs")
_NODE_KEYS = ("NUMAMask", "AllowedMemoryNodes", "StartupAllowedMemoryNodes")
# What systemd and numactl do with what is impossible, as measured with systemd 252 and Linux 6.1.
_OPEN = (
    "the kernel refuses the whole list, the service starts without it, unpinned, and one line of "
    "the journal says so"
)
_CLOSED = "the start fails"
_EMPTY = "none of the list is left, and the service runs on all CPUs of its slice, unpinned"
_DROPPED = "they are left out without a word"


def check(subject: Subject) -> Iterator[Finding]:
    """All lists of the unit, and of what stands before its command."""
    yield from _directives(subject)
    for one in subject.wrappers:
        yield from _wrapper(subject, one)


def _directives(subject: Subject) -> Iterator[Finding]:
    for key in _CPU_KEYS:
        if key == "CPUAffinity" and subject.text(key) == "numa":
            continue
        yield from _readable(subject, key)
        cpus = subject.members(key) or frozenset()
        outcome = _outcome(key, cpus, subject.topology.cpus_online, "215/CPUAFFINITY")
        yield from _cpus(subject, f"{key}=", cpus, outcome)
    for key in _NODE_KEYS:
        if key == "NUMAMask" and subject.text(key) == "all":
            continue
        yield from _readable(subject, key)
        nodes = subject.members(key) or frozenset()
        outcome = _outcome(key, nodes, subject.every_node, "242/NUMA_POLICY")
        if key == "NUMAMask" and subject.text("CPUAffinity") == "numa":
            outcome = f"{_CLOSED} (215/CPUAFFINITY), and systemd answers nothing about the unit"
        yield from _nodes(subject, f"{key}=", nodes, outcome)


def _outcome(key: str, members: frozenset[int], every: frozenset[int], status: str) -> str:
    """What comes of a list with some that are not there: tried with Linux 6.1 and 6.18."""
    if key.endswith(("AllowedCPUs", "AllowedMemoryNodes")):
        return _OPEN
    return _DROPPED if members & every else f"{_CLOSED} ({status})"


def _readable(subject: Subject, key: str) -> Iterator[Finding]:
    for text in dict.fromkeys(subject.texts(key)):
        if ranges.systemd(text) is not None:
            continue
        is_instance = key == "NUMAMask" and "%" in text
        yield Finding(
            subject=f"{key}=",
            expected="a list such as 0-3,8",
            found=f"{text!r}: systemd {'expands no specifier here and ' if is_instance else ''}"
            "drops the line with a warning",
            fix="write the list into a drop-in of each instance, as inference-vllm@ does"
            if is_instance
            else _mended(key, text),
        )


def _mended(key: str, text: str) -> str:
    """What was meant, where that can be told."""
    mask = ranges.mask(text) if text.lower().startswith("0x") else None
    before, sign, _ = text.partition("#")
    meant = mask or (ranges.systemd(before) if sign and before.strip() else None)
    return f"write {key}={cpulist.format(meant) if meant else 'LIST'}" + (
        ", and the comment on a line of its own" if sign else ""
    )


def _wrapper(subject: Subject, one: wrapper.Wrapper) -> Iterator[Finding]:
    fails = f"{one.name} ends with an error, and `systemctl start` says nothing of it"
    for name, text in one.options:
        if name not in ("physcpubind", "cpunodebind", *wrapper.POLICIES) or one.is_relative(name):
            continue
        is_cpus = name == "physcpubind"
        every = subject.every_cpu if is_cpus else subject.every_node
        found = one.members(name, subject.topology.cpus_online if is_cpus else every)
        if found is None and (text or name != "local"):
            yield Finding(
                subject=f"{one.name} {name}",
                expected=f"a list of {'CPUs' if is_cpus else 'nodes'} such as 0-3",
                found=f"{text!r}: {fails}",
                fix=_listed(one, text),
            )
        look = _cpus if is_cpus else _nodes
        there = subject.topology.cpus_online if is_cpus else every
        is_partial = one.name == "taskset" and (found or frozenset()) & there
        yield from look(
            subject, f"{one.name} {name}", found or frozenset(), _DROPPED if is_partial else fails
        )


def _listed(one: wrapper.Wrapper, text: str) -> str:
    if one.name == "taskset" and text.startswith("mask "):
        return f"write taskset -c {text.removeprefix('mask ')}, or a hexadecimal mask"
    return "write a list such as 0-3"


def _cpus(subject: Subject, where: str, cpus: frozenset[int], outcome: str) -> Iterator[Finding]:
    host = subject.topology
    online = cpulist.format(host.cpus_online)
    absent = cpus - subject.every_cpu
    if absent:
        yield Finding(
            subject=where,
            expected=f"CPUs of this host, {online}",
            found=f"{cpulist.format(absent)}, which do not exist: {outcome}",
            fix=f"name CPUs of {online}",
        )
    offline = cpus & host.cpus_offline
    if offline:
        is_all = offline == cpus
        alone = _EMPTY if outcome == _OPEN else outcome
        yield Finding(
            subject=where,
            expected="online CPUs",
            found=f"{cpulist.format(offline)}, offline: "
            + (alone if is_all else "no thread runs there"),
            fix=f"leave them out, or: chcpu --enable {cpulist.format(offline)}",
        )


def _nodes(subject: Subject, where: str, nodes: frozenset[int], outcome: str) -> Iterator[Finding]:
    host = subject.topology
    known = cpulist.format(node.id for node in host.nodes)
    absent = nodes - subject.every_node
    if absent:
        yield Finding(
            subject=where,
            expected=f"nodes of this host, {known}",
            found=f"{cpulist.format(absent)}, which do not exist: {outcome}",
            fix=f"name nodes of {known}",
        )
    empty = {one.id for one in host.nodes if one.memory_bytes == 0} & nodes
    if empty and "cpunodebind" not in where:
        yield Finding(
            subject=where,
            expected="nodes that have memory",
            found=f"node {cpulist.format(empty)}, which has none",
            fix="name the nodes whose memory is meant",
        )
