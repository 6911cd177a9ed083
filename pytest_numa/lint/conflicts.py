"""Directives that undo each other, or that numactl and taskset undo.

What comes of each was measured with systemd 252, numactl 2.0.16 and Linux 6.1 on two nodes. In the
child systemd enters the cgroup, sets the affinity, then the memory policy, then the filter of
system calls: what does not fit the cpuset fails, and what comes later wins.
"""

import difflib
from collections.abc import Iterator

from pytest_numa.kernel import cpulist
from pytest_numa.lint import wrapper
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject
from pytest_numa.lint.wrapper import Wrapper

_KINDS = ("default", "preferred", "bind", "interleave", "local")
_NEED_NODES = ("bind", "interleave")


def check(subject: Subject) -> Iterator[Finding]:
    """The directives among each other, then against the command line."""
    yield from _policy(subject)
    yield from _derived(subject)
    yield from _cpusets(subject)
    yield from _at_boot(subject)
    yield from _slice(subject)
    yield from _numactl(subject)
    yield from _usage(subject)
    yield from _alone(subject)


def _policy(subject: Subject) -> Iterator[Finding]:
    kind, mask = subject.text("NUMAPolicy"), subject.mask
    if kind in _NEED_NODES and not subject.texts("NUMAMask"):
        yield Finding(
            subject="NUMAPolicy=",
            expected=f"NUMAMask= beside NUMAPolicy={kind}",
            found="none: the start fails (242/NUMA_POLICY)",
            fix="write NUMAMask= with the nodes",
        )
    if kind == "preferred" and mask and len(mask) > 1:
        yield Finding(
            subject="NUMAMask=",
            expected="one node: `preferred` takes no more",
            found=f"{cpulist.format(mask)}: the start fails (242/NUMA_POLICY)",
            fix="write NUMAPolicy=bind, or one node",
        )
    if mask and kind in (None, "default", "local"):
        yield Finding(
            subject="NUMAMask=",
            expected="a NUMAPolicy= that has a use for it",
            found=f"NUMAPolicy={kind or ''}, which ignores it",
            fix="write NUMAPolicy=bind",
        )
    is_weak = str(subject.kind).startswith(("preferred", "local"))
    if is_weak and not subject.is_bound and subject.has_several_nodes:
        yield Finding(
            subject="memory",
            expected="bound: NUMAPolicy=bind, numactl --membind or AllowedMemoryNodes=",
            found=f"{subject.kind}: it goes to other nodes without a word when the node is full",
            fix="write NUMAPolicy=bind and NUMAMask=, or numactl --membind",
        )


def _derived(subject: Subject) -> Iterator[Finding]:
    if subject.text("CPUAffinity") != "numa":
        return
    if subject.mask is None:
        yield Finding(
            subject="CPUAffinity=numa",
            expected="NUMAMask=, which it takes the CPUs of",
            found="none: the start fails (215/CPUAFFINITY)",
            fix="write NUMAMask= with the nodes",
        )
    elif not subject.cpus_of(subject.mask):
        yield Finding(
            subject="CPUAffinity=numa",
            expected="nodes that have online CPUs in NUMAMask=",
            found=f"{cpulist.format(subject.mask)}: the start fails (215/CPUAFFINITY)",
            fix="write CPUAffinity= with a list of CPUs",
        )


def _cpusets(subject: Subject) -> Iterator[Finding]:
    """What the cgroup allows against what is set inside it."""
    allowed, affinity = subject.cpuset_cpus, subject.affinity
    if allowed and affinity and allowed != affinity:
        yield Finding(
            subject="CPUAffinity= and AllowedCPUs=",
            expected="the same CPUs",
            found=f"{cpulist.format(affinity)} and {cpulist.format(allowed)}: "
            + _outcome(affinity, allowed, "the start fails (215/CPUAFFINITY)"),
            fix=f"write {cpulist.format(affinity & allowed or affinity)} in both",
        )
    nodes, mask, kind = subject.cpuset_nodes, subject.mask, subject.text("NUMAPolicy")
    # What is preferred is one of those that are allowed.
    is_choice = kind == "preferred" and mask and nodes and mask < nodes
    if nodes and mask and nodes != mask and not is_choice and kind not in (None, "default"):
        yield Finding(
            subject="NUMAMask= and AllowedMemoryNodes=",
            expected="the same nodes",
            found=f"{cpulist.format(mask)} and {cpulist.format(nodes)}: "
            + _outcome(mask, nodes, "the start fails (242/NUMA_POLICY)"),
            fix=f"write {cpulist.format(mask & nodes or mask)} in both",
        )


def _outcome(inner: frozenset[int], outer: frozenset[int], failure: str) -> str:
    if not inner & outer:
        return failure
    if inner < outer:
        return "the service may widen what it has to the larger list"
    return f"silently narrowed to {cpulist.format(inner & outer)}"


def _at_boot(subject: Subject) -> Iterator[Finding]:
    for key in ("AllowedCPUs", "AllowedMemoryNodes"):
        early, late = subject.members(f"Startup{key}"), subject.members(key)
        if early and early != late:
            yield Finding(
                subject=f"Startup{key}=",
                expected=f"what {key}= has, {cpulist.format(late or ())}".rstrip(", "),
                found=f"{cpulist.format(early)}: while the host boots the service lies elsewhere, "
                "and is moved afterwards",
                fix=f"leave Startup{key}= out",
            )


def _slice(subject: Subject) -> Iterator[Finding]:
    for what, own, allowed, key in (
        ("CPUs", subject.cpus, subject.around.slice_cpus, "AllowedCPUs"),
        ("nodes", subject.nodes, subject.around.slice_nodes, "AllowedMemoryNodes"),
    ):
        if own and allowed and own - allowed:
            yield Finding(
                subject=subject.text("Slice") or "system.slice",
                expected=f"{what} {cpulist.format(own)}, which the unit is to have",
                found=f"{key}={cpulist.format(allowed)}: a unit never gets more than its slice",
                fix=f"put the unit into a slice with these {what}: Slice=inference.slice",
            )


def _numactl(subject: Subject) -> Iterator[Finding]:
    """What systemd has set when numactl or taskset starts, and what they make of it."""
    before, is_units = subject.set_by_unit, True
    for one in subject.wrappers:
        yield from _affinity(subject, one, before, is_units=is_units)
        yield from _widening(subject, one, before)
        yield from _memory(subject, one)
        own = subject.set_by(one, one.last_of_cpus) if one.last_of_cpus else None
        before, is_units = own or before, is_units and own is None


def _affinity(
    subject: Subject, one: Wrapper, before: frozenset[int] | None, *, is_units: bool
) -> Iterator[Finding]:
    own = one.members("physcpubind", subject.topology.cpus_online)
    # A cpuset says how far the command may go, CPUAffinity= where it is to be.
    is_meant = not is_units or subject.affinity is None
    if not own or not before or own == before or (own < before and is_meant):
        return
    if one.name == "numactl" and own - before and one.text("all") is None:
        outcome = "numactl says `is invalid` and ends; `systemctl start` says nothing of it"
    elif subject.cpuset_cpus and not own & subject.cpuset_cpus:
        outcome = "the cpuset does not allow them, and the command ends"
    else:
        outcome = f"{one.name} wins without a word"
    yield Finding(
        subject=f"{one.name} and what is set before it",
        expected=f"CPUs {cpulist.format(before)} in both",
        found=f"{one.name} with {cpulist.format(own)}: {outcome}",
        fix=f"leave {one.name} out: CPUAffinity= and AllowedCPUs= do the same",
    )


def _widening(subject: Subject, one: Wrapper, before: frozenset[int] | None) -> Iterator[Finding]:
    if one.last_of_cpus != "cpunodebind":
        return
    nodes = one.members("cpunodebind", subject.every_node)
    widened = subject.cpus_of(nodes or frozenset()) - (before or frozenset())
    if before and widened & (subject.cpuset_cpus or widened):
        yield Finding(
            subject="numactl --cpunodebind",
            expected=f"CPUs {cpulist.format(before)}, as set before it",
            found=f"it widens them to all of node {cpulist.format(nodes or ())}",
            fix="write --membind alone, and leave the CPUs to CPUAffinity= or a taskset after it",
        )


def _memory(subject: Subject, one: Wrapper) -> Iterator[Finding]:
    for kind in wrapper.POLICIES:
        nodes, allowed = one.members(kind, subject.every_node), subject.cpuset_nodes
        if nodes and allowed and nodes - allowed:
            yield Finding(
                subject=f"numactl and AllowedMemoryNodes={cpulist.format(allowed)}",
                expected="nodes that the cpuset allows",
                found=f"{cpulist.format(nodes)}: numactl says `is invalid` and ends; `systemctl "
                "start` says nothing of it",
                fix="leave numactl out: NUMAPolicy=bind and NUMAMask= do the same",
            )
        own = subject.text("NUMAPolicy")
        is_other = own not in (None, "default", kind) or (
            nodes and subject.mask not in (None, nodes)
        )
        if one.text(kind) is not None and own is not None and is_other:
            yield Finding(
                subject=f"numactl and NUMAPolicy={own}",
                expected=f"one memory policy, {own} {cpulist.format(subject.mask or ())}".rstrip(),
                found=f"numactl sets {kind} {one.text(kind)}".rstrip() + ", and wins",
                fix="leave numactl out, or NUMAPolicy= and NUMAMask=",
            )


def _usage(subject: Subject) -> Iterator[Finding]:
    """Command lines of numactl and taskset that start nothing."""
    for one in subject.wrappers:
        names = [name for name, _ in one.options]
        for word in [text for name, text in one.options if name == wrapper.UNKNOWN]:
            yield Finding(
                subject=f"{one.name} {word}",
                expected="an option that numactl(8) has",
                found="none of that name: numactl ends, and `systemctl start` says nothing of it",
                fix=f"write {_near(word)}",
            )
        kinds = [name for name in names if name in wrapper.POLICIES]
        if len(kinds) > 1:
            yield Finding(
                subject="numactl",
                expected="one memory policy",
                found=f"{' and '.join(kinds)}: `Conflicting policies`, it ends, and `systemctl "
                "start` says nothing of it",
                fix="write one of them; --membind binds",
            )
        idle = [name for name in names if name in ("show", "hardware", "help", "pid")]
        if idle:
            yield Finding(
                subject=f"{one.name} --{idle[0]}",
                expected="a command line that starts the server",
                found="one that looks at, or changes, what runs already, and ends",
                fix="write taskset -c LIST COMMAND" if idle[0] == "pid" else "leave it out",
            )
        if "all" in names and "physcpubind" in names[: names.index("all")]:
            yield Finding(
                subject="numactl --all",
                expected="before --physcpubind",
                found="after it, where it has no effect",
                fix="write it first, or leave it out",
            )


def _alone(subject: Subject) -> Iterator[Finding]:
    """One after which no command comes."""
    last = subject.wrappers[-1] if subject.wrappers and not subject.argv else None
    if last is None or last.name not in ("numactl", "taskset"):
        return
    if not {"show", "hardware", "help", "pid"} & {name for name, _ in last.options}:
        yield Finding(
            subject=last.name,
            expected="the server's command after its options",
            found=f"none: {last.name} ends, and `systemctl start` says nothing of it",
            fix="write the command after them",
        )


def _near(word: str) -> str:
    options = ("--membind", "--cpunodebind", "--physcpubind", "--interleave", "--preferred")
    return (difflib.get_close_matches(word, options, n=1) or [" or ".join(options)])[0]
