"""Whether the CPUs and nodes that a unit names are there, and are online."""

from collections.abc import Iterator

from pytest_numa.kernel import cpulist
from pytest_numa.lint import wrapper
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_CPU_KEYS = ("CPUAffinity", "AllowedCPUs", "StartupAllowedCPUs")
_NODE_KEYS = ("NUMAMask", "AllowedMemoryNodes", "StartupAllowedMemoryNodes")
# What systemd and numactl do with what is impossible, as measured with systemd 252 and Linux 6.1.
_OPEN = "the service starts all the same, unpinned, and one line of the journal says so"
_CLOSED = "the start fails"


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
        outcome = f"{_CLOSED} (215/CPUAFFINITY)" if key == "CPUAffinity" else _OPEN
        yield from _cpus(subject, f"{key}=", subject.members(key), outcome)
    for key in _NODE_KEYS:
        if key == "NUMAMask" and subject.text(key) == "all":
            continue
        yield from _readable(subject, key)
        outcome = f"{_CLOSED} (242/NUMA_POLICY)" if key == "NUMAMask" else _OPEN
        yield from _nodes(subject, f"{key}=", subject.members(key), outcome)


def _readable(subject: Subject, key: str) -> Iterator[Finding]:
    if subject.texts(key) and subject.members(key) is None:
        text = " ".join(subject.texts(key))
        is_instance = key == "NUMAMask" and "%" in text
        yield Finding(
            subject=f"{key}=",
            expected="a list such as 0-3,8",
            found=f"{text!r}: systemd {'expands no specifier here and ' if is_instance else ''}"
            "drops the line with a warning",
            fix="write the list into a drop-in of each instance, as inference-vllm@ does"
            if is_instance
            else f"write {key}=LIST",
        )


def _wrapper(subject: Subject, one: wrapper.Wrapper) -> Iterator[Finding]:
    outcome = f"{one.name} ends with an error, and `systemctl start` says nothing of it"
    for name, text in one.options:
        if name in ("physcpubind", "cpunodebind", *wrapper.POLICIES) and text:
            what = "nodes" if name != "physcpubind" else "CPUs"
            found = one.members(name)
            is_relative = text.startswith(("+", "!")) or text in ("all", "same", "netdev")
            if found is None and not is_relative and "$" not in text and "%" not in text:
                yield Finding(
                    subject=f"{one.name} {name}",
                    expected=f"a list of {what} such as 0-3",
                    found=f"{text!r}: {outcome}",
                    fix=f"write a list of {what}",
                )
            look = _cpus if name == "physcpubind" else _nodes
            yield from look(subject, f"{one.name} {name}", found, outcome)


def _cpus(
    subject: Subject, where: str, cpus: frozenset[int] | None, outcome: str
) -> Iterator[Finding]:
    host = subject.topology
    online = cpulist.format(host.cpus_online)
    absent = (cpus or frozenset()) - host.cpus_online - host.cpus_offline
    if absent:
        yield Finding(
            subject=where,
            expected=f"CPUs of this host, {online}",
            found=f"{cpulist.format(absent)}, which do not exist: {outcome}",
            fix=f"name CPUs of {online}",
        )
    offline = (cpus or frozenset()) & host.cpus_offline
    if offline:
        yield Finding(
            subject=where,
            expected="online CPUs",
            found=f"{cpulist.format(offline)}, offline: no thread runs there",
            fix=f"leave them out, or: echo 1 > /sys/devices/system/cpu/cpu{min(offline)}/online",
        )


def _nodes(
    subject: Subject, where: str, nodes: frozenset[int] | None, outcome: str
) -> Iterator[Finding]:
    host = subject.topology
    known = cpulist.format(node.id for node in host.nodes)
    absent = (nodes or frozenset()) - {node.id for node in host.nodes}
    if absent:
        yield Finding(
            subject=where,
            expected=f"nodes of this host, {known}",
            found=f"{cpulist.format(absent)}, which do not exist: {outcome}",
            fix=f"name nodes of {known}",
        )
    empty = {one.id for one in host.nodes if one.memory_bytes == 0} & (nodes or frozenset())
    if empty and "cpunodebind" not in where:
        yield Finding(
            subject=where,
            expected="nodes that have memory",
            found=f"node {cpulist.format(empty)}, which has none",
            fix="name the nodes whose memory is meant",
        )
