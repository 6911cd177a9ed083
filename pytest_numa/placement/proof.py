"""The whole of what was looked at, what was found, and the verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_numa.formatting import bytes_iec
from pytest_numa.placement import pages, threads
from pytest_numa.placement.clues import Clues, cpu_lines, memory_lines, shown
from pytest_numa.placement.finding import Finding
from pytest_numa.placement.wanted import DEFAULT_ROLE, Wanted
from pytest_numa.process import Process, Watched, total_by_node

Verdict = Literal["pass", "fail", "unknown"]

# Of a cgroup's anonymous memory so much may belong to no process that was seen: its figures are up
# to two seconds old, and those of the processes are read one after the other.
_UNSEEN_FRACTION = 0.05
_UNSEEN_BYTES = 64 * 2**20
_CONTAINER_CLIENTS = frozenset({"docker", "podman", "nerdctl"})
_SHOWN = (
    *("CPUAffinity", "AllowedCPUs", "EffectiveCPUs", "AllowedMemoryNodes"),
    *("EffectiveMemoryNodes", "NUMAPolicy", "NUMAMask"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A service's placement as it was seen. ``findings`` are all that speaks against it."""

    wanted: Wanted
    processes: tuple[Process, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """What a reader should know and nothing was decided by: the unit, samples, the watch."""
    clues: Clues
    watched: Watched | None

    @property
    def verdict(self) -> Verdict:
        """``unknown`` where nothing was found wrong, and not all could be looked at."""
        if any(not one.is_unread for one in self.findings):
            return "fail"
        return "unknown" if self.findings else "pass"

    @property
    def bytes_by_node(self) -> dict[int, int]:
        """All memory of the service on each node, shared pages counted once."""
        return total_by_node(one.memory for one in self.processes if one.memory is not None)

    def judged_by(self, wanted: Wanted) -> "Proof":
        """The same facts, judged by another wish."""
        return prove(wanted, self.processes, self.clues, self.watched)

    def role_of(self, process: Process) -> str:
        """The name of a process's role."""
        role = self.wanted.role_of(process)
        return role.name if role else DEFAULT_ROLE


def prove(
    wanted: Wanted,
    processes: Sequence[Process],
    clues: Clues,
    watched: Watched | None = None,
) -> Proof:
    """Check all that was looked at against what is wanted."""
    findings = list(_nothing_seen(processes))
    findings += threads.check(wanted, processes, clues)
    findings += pages.check(wanted, processes, clues)
    findings += _absent_roles(wanted, processes)
    findings += _answered_by_others(processes, clues)
    findings += _offline(wanted, clues)
    if not any("fell open" in one.cause for one in findings):
        findings += _fell_open(wanted, clues)
    if watched is not None:
        findings += threads.check_watched(wanted, processes, watched, clues)
        if not any(one.subject.startswith("memory of ") for one in findings):
            findings += _grown_elsewhere(wanted, watched)
    findings += _unread(wanted, processes, clues, watched)
    return Proof(
        wanted=wanted,
        processes=tuple(processes),
        findings=tuple(dict.fromkeys(findings)),
        notes=tuple(_notes(wanted, processes, clues, watched)),
        clues=clues,
        watched=watched,
    )


def over_time(proofs: Sequence[Proof]) -> tuple[Finding, ...]:
    """What speaks against a placement that was proven several times, the last time in full.

    What an earlier look could not see is no finding where a later one could.
    """
    last = proofs[-1].findings
    earlier = (one for proof in proofs[:-1] for one in proof.findings if not one.is_unread)
    return last or tuple(dict.fromkeys(earlier))


def _nothing_seen(processes: Sequence[Process]) -> Iterator[Finding]:
    if not processes:
        yield Finding(
            subject="the service has no process that could be looked at",
            expected="at least its main process",
            found="none",
            cause="it has ended, or ended while it was looked at",
            fix="read the service's log",
            is_unread=True,
        )


def _absent_roles(wanted: Wanted, processes: Sequence[Process]) -> Iterator[Finding]:
    present = {role.name for role in map(wanted.role_of, processes) if role}
    for role in wanted.roles:
        if role.name not in present:
            yield Finding(
                subject=f"no process has the role {role.name}",
                expected=f"a process whose name or command line matches {role.pattern!r}",
                found=", ".join(f"{one.comm} ({one.pid})" for one in processes) or "none",
                cause="the service was started with fewer workers, or names them otherwise",
                fix="correct the role's pattern, or the service's number of workers",
            )


def _offline(wanted: Wanted, clues: Clues) -> Iterator[Finding]:
    """CPUs that were asked for by number and that no thread can run on."""
    if offline := wanted.all_cpus & clues.topology.cpus_offline:
        yield Finding(
            subject=f"CPU {shown(offline)} is wanted for the service and cannot be used",
            expected=f"CPUs {shown(wanted.all_cpus)} to be online",
            found=f"CPU {shown(offline)} offline",
            cause=f"CPU {shown(offline)} is offline: it was switched off before the service was "
            "started, or since",
            fix=f"echo 1 > /sys/devices/system/cpu/cpu{min(offline)}/online && systemctl restart "
            f"{clues.unit_name}",
        )


def _fell_open(wanted: Wanted, clues: Clues) -> Iterator[Finding]:
    """A cpuset that the unit asks for and the kernel refused: nothing holds what is right now."""
    names = (
        ("AllowedCPUs", "EffectiveCPUs", "cpuset.cpus"),
        ("AllowedMemoryNodes", "EffectiveMemoryNodes", "cpuset.mems"),
    )
    for directive, effective, attribute in names:
        if clues.unit and clues.fell_open(directive, effective, f"'{attribute}'"):
            asked, held = (clues.unit.properties[name] for name in (directive, effective))
            yield Finding(
                subject=f"{directive}={asked} of {clues.unit.name} is not in effect",
                expected=f"{attribute}.effective within {asked}",
                found=f"{attribute}.effective {held or 'unknown'}",
                cause=f"{directive}={asked} could not be applied ({attribute}), and systemd then "
                "starts the service without: the setting fell open",
                fix=f"{cpu_lines(wanted.policy)}; {memory_lines(wanted.policy)}",
            )


def _answered_by_others(processes: Sequence[Process], clues: Clues) -> Iterator[Finding]:
    """The requests of the load must be answered by what was looked at."""
    known = {pid: name for pid, name in clues.listeners.items() if pid}
    if known and processes and not known.keys() & {one.pid for one in processes}:
        yield Finding(
            subject=f"{', '.join(known.values())} answers the requests and is no process of the "
            "service",
            expected="a process of the service to listen at its address",
            found=", ".join(f"{one.comm} ({one.pid})" for one in processes) + " do not",
            cause="the service hands its work to others that it does not start itself (docker run, "
            "Ray, a socket unit), which no line of the unit holds",
            fix="start the server itself in the unit, or pin what it hands its work to",
        )


def _grown_elsewhere(wanted: Wanted, watched: Watched) -> Iterator[Finding]:
    """Memory that the cgroup had elsewhere at some moment, and no process has at the end."""
    by_node = watched.most_by_node or {}
    stray = sum(size for node, size in by_node.items() if node not in wanted.all_nodes)
    if stray > wanted.budgets.memory.allowed_bytes(sum(by_node.values())):
        sizes = ", ".join(f"{bytes_iec(size)} on node {node}" for node, size in by_node.items())
        yield Finding(
            subject="memory of the service's cgroup lay off the policy's nodes for a while",
            expected=f"all on node {shown(wanted.all_nodes)} at each of {watched.looks} looks",
            found=f"at most {sizes} (memory.numa_stat, anonymous and shared)",
            cause="memory that was taken and given back while the service was watched did not "
            "follow the policy",
            fix=memory_lines(wanted.policy),
        )


def _unread(
    wanted: Wanted, processes: Sequence[Process], clues: Clues, watched: Watched | None
) -> Iterator[Finding]:
    """What could not be read never passes."""
    for process in processes:
        for text in process.unreadable:
            yield _not_looked_at(
                f"the placement of {threads.name(process)} could not be read", text
            )
    for text in watched.unreadable if watched else ():
        yield _not_looked_at("a part of the service could not be watched", text)
    for text in pages.undecided(wanted, processes):
        yield Finding(
            subject="the sample of pages is too small to prove that memory is where it should be",
            expected="a sample that shows the budget to be kept at 95 %",
            found=text,
            cause="the process is large, and its budget a small part of it",
            fix="look at all pages when nothing is being measured: --pages full",
            is_unread=True,
        )
    yield from _unseen(processes, clues)
    engines = {one.comm for one in processes} & _CONTAINER_CLIENTS
    if engines and len(processes) == 1:
        yield Finding(
            subject=f"only {min(engines)}, the client of a container engine, was looked at",
            expected="the processes that do the service's work",
            found="they run in a cgroup of the engine's, not in the unit's",
            cause="the unit starts a container, and its CPU and memory lines hold the client alone",
            fix="look at the container's first process (docker inspect --format {{.State.Pid}} "
            "NAME), and pin it by --cpuset-cpus and --cpuset-mems",
            is_unread=True,
        )


def _not_looked_at(subject: str, text: str) -> Finding:
    return Finding(
        subject=subject,
        expected="its threads and memory to be readable",
        found=text,
        cause="it runs as another user, shuts others out (ProtectProc=, hidepid), or the capture "
        "is incomplete",
        fix="run as root or as the service's user, with CAP_SYS_PTRACE inside a container",
        is_unread=True,
    )


def _unseen(processes: Sequence[Process], clues: Clues) -> Iterator[Finding]:
    """Memory that is charged to the service's cgroup and to no process that was looked at."""
    if not clues.cgroups.all or not processes:
        return
    group = clues.cgroups.all[0]
    charged = sum((group.bytes_by_node or {}).get("anon", {}).values())
    pids = {one.pid for one in processes}
    if (
        not charged
        or not clues.cgroups.pids <= pids
        or any(one.memory is None for one in processes)
    ):
        return
    seen = sum(
        one.size_bytes
        for process in processes
        for one in (process.memory.regions if process.memory else ())
    )
    if charged - seen > max(_UNSEEN_BYTES, _UNSEEN_FRACTION * charged):
        yield Finding(
            subject="anonymous memory of the service's cgroup belongs to no process that was seen",
            expected=f"about {bytes_iec(charged)}, as memory.numa_stat says",
            found=f"{bytes_iec(seen)} in {len(processes)} processes",
            cause="processes came and went while they were read, or memory is swapped or pinned "
            "by a device",
            fix="look again when the service is at rest",
            is_unread=True,
        )


def _notes(
    wanted: Wanted, processes: Sequence[Process], clues: Clues, watched: Watched | None
) -> Iterator[str]:
    unit = clues.unit
    if unit is not None:
        said = ", ".join(
            f"{name}={value}"
            for name in _SHOWN
            if (value := unit.properties[name]) not in ("", "n/a")
        )
        yield f"{unit.name} says {said or 'nothing of CPUs or memory nodes'} (no proof)"
        if unit.properties["NeedDaemonReload"] == "yes":
            yield f"{unit.name} was changed on disk since it was loaded: systemctl daemon-reload"
        yield from (f"drop-in {path}" for path in unit.drop_ins)
    if clues.cgroups.all and not clues.cgroups.is_unified:
        yield (
            "cgroup version 1 holds the cpuset or memory controller: AllowedCPUs= and "
            "AllowedMemoryNodes= have no effect"
        )
    for group in clues.cgroups.all:
        if group.cpus_effective or group.nodes_effective:
            yield (
                f"cgroup {group.path}: CPUs {shown(group.cpus_effective or frozenset())}, nodes "
                f"{shown(group.nodes_effective or frozenset())} in effect"
            )
    yield from pages.sampled_sentences(wanted, processes)
    if watched is not None:
        yield (
            f"watched for {watched.duration_s:.1f} s: {watched.looks} looks at "
            f"{len(watched.threads)} threads, the longest {watched.longest_look_ms:.1f} ms"
        )
