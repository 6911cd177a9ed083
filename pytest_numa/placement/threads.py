"""Which threads may run off the policy's CPUs: now, or at some moment of the watch.

A thread's allowed CPUs are the proof. Where it ran last says nothing of where it will run.
"""

from collections.abc import Iterator, Sequence

from pytest_numa.placement import cpu_causes
from pytest_numa.placement.clues import Clues, shown
from pytest_numa.placement.cpu_causes import Extent
from pytest_numa.placement.finding import Finding
from pytest_numa.placement.wanted import Wanted
from pytest_numa.policy import Policy
from pytest_numa.process import Process, Thread, Watched, WatchedThread

_SHOWN_THREADS = 3


def check(wanted: Wanted, processes: Sequence[Process], clues: Clues) -> Iterator[Finding]:
    """One finding per process and mask, however many threads have it."""
    strays = {
        process.pid: _strays(process, wanted.policy_of(process), clues) for process in processes
    }
    is_everyone = all(
        sum(map(len, strays[process.pid].values())) == len(process.threads) for process in processes
    )
    for process in processes:
        policy = wanted.policy_of(process)
        for mask, threads in strays[process.pid].items():
            extent = _extent(process, threads, is_everyone=is_everyone)
            cause, fix = cpu_causes.explain(extent, mask, policy, clues)
            yield Finding(
                subject=f"{len(threads)} of {len(process.threads)} threads of {name(process)} may "
                f"run off the policy's CPUs: {_names([(one.name, one.tid) for one in threads])}",
                expected=f"allowed CPUs within {policy.cpu_list}",
                found=f"allowed CPUs {shown(mask)}{'' if mask else ' that are online'}",
                cause=cause,
                fix=fix,
            )


def check_watched(
    wanted: Wanted, processes: Sequence[Process], watched: Watched, clues: Clues
) -> Iterator[Finding]:
    """What was so at a moment of the watch and is not, or no longer, seen at its end."""
    by_pid = {process.pid: process for process in processes}
    now = {
        (process.pid, thread.tid): thread.cpus_allowed
        for process in processes
        for thread in process.threads
    }
    for thread in watched.threads:
        process = by_pid.get(thread.pid)
        policy = wanted.policy_of(process) if process else _any_of(wanted)
        at_end = now.get((thread.pid, thread.tid))
        yield from _for_a_while(thread, policy, at_end, watched, clues)
        allowed = frozenset().union(*thread.masks)
        if astray := (thread.ran_on - policy.cpus) - allowed:
            yield Finding(
                subject=f"thread {thread.name} ({thread.tid}) of process "
                f"{watched.comms.get(thread.pid, '?')} ({thread.pid}) ran off the policy's CPUs",
                expected=f"to run on {policy.cpu_list}",
                found=f"ran on {shown(astray)}, though its mask was right at each look",
                cause="it changes its own mask for moments that fall between the looks",
                fix=f"AllowedCPUs={policy.cpu_list} in [Service], which no thread can leave",
            )


def name(process: Process) -> str:
    """A process as it is called in findings."""
    return f"process {process.comm} ({process.pid})"


def _for_a_while(
    thread: WatchedThread,
    policy: Policy,
    at_end: frozenset[int] | None,
    watched: Watched,
    clues: Clues,
) -> Iterator[Finding]:
    for mask, (first_s, last_s) in thread.masks.items():
        online = mask & clues.topology.cpus_online
        if not _is_within(online, policy) and mask != at_end:
            cause, fix = cpu_causes.explain("threads", mask, policy, clues)
            yield Finding(
                subject=f"thread {thread.name} ({thread.tid}) of process "
                f"{watched.comms.get(thread.pid, '?')} ({thread.pid}) was allowed off the policy's "
                "CPUs for a while",
                expected=f"allowed CPUs within {policy.cpu_list} at each of {watched.looks} looks",
                found=f"allowed CPUs {shown(online)} from {first_s:.1f} s to {last_s:.1f} s after "
                "the first look",
                cause=cause,
                fix=fix,
            )


def _strays(process: Process, policy: Policy, clues: Clues) -> dict[frozenset[int], list[Thread]]:
    online = clues.topology.cpus_online
    found: dict[frozenset[int], list[Thread]] = {}
    for thread in process.threads:
        # None: it has ended, and kept no mask. None of a mask online: it runs anywhere.
        if thread.cpus_allowed is not None and not _is_within(thread.cpus_allowed & online, policy):
            found.setdefault(thread.cpus_allowed & online, []).append(thread)
    return found


def _is_within(cpus_online: frozenset[int], policy: Policy) -> bool:
    return bool(cpus_online) and cpus_online <= policy.cpus


def _extent(process: Process, threads: Sequence[Thread], *, is_everyone: bool) -> Extent:
    if is_everyone:
        return "service"
    main = next((one for one in process.threads if one.tid == process.pid), None)
    return "process" if main in threads or main is None else "threads"


def _any_of(wanted: Wanted) -> Policy:
    """What holds for a process that has ended, and whose role is not known any more."""
    return Policy(cpus=wanted.all_cpus, memory_nodes=wanted.all_nodes)


def _names(threads: Sequence[tuple[str, int]]) -> str:
    named = ", ".join(f"{name} ({tid})" for name, tid in threads[:_SHOWN_THREADS])
    more = len(threads) - _SHOWN_THREADS
    return f"{named}{f' and {more} more' if more > 0 else ''}"
