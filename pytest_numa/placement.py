"""Wanted placement against found: which thread may run elsewhere, which memory lies elsewhere.

Pure. The threads' allowed CPUs are the proof for CPUs: where a thread ran last says nothing of
where it will run. Pages are judged by where they are: neither Mems_allowed_list nor the policy of
a mapping says that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_numa import formatting
from pytest_numa.host import Topology
from pytest_numa.kernel import cpulist
from pytest_numa.policy import Policy
from pytest_numa.process import Memory, Process, Thread

# A fraction and an absolute bound: 1 % of a large service is gigabytes.
_STRAY_FRACTION = 0.01
_STRAY_BYTES = 64 * 2**20
# Below this a fraction says nothing: a shell has a hundred pages.
_NEGLIGIBLE_BYTES = 2**20
# Program text lies where the file's first reader of all put it; no policy moves it.
_TEXT_BYTES = 512 * 2**20
_WEIGHTS_BYTES = 64 * 2**20
_WEIGHTS_FRACTION = 0.05
_SHOWN_THREADS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as expected, told so that a reader can act."""

    subject: str
    expected: str
    found: str
    cause: str
    fix: str
    is_page_cache: bool = False

    def __str__(self) -> str:
        return (
            f"{self.subject}\n  expected  {self.expected}\n  found     {self.found}\n"
            f"  probably  {self.cause}\n  to fix    {self.fix}"
        )


def check(policy: Policy, processes: Sequence[Process], topology: Topology) -> list[Finding]:
    """All findings: of every thread of every process, and of each process's memory."""
    if not processes:
        return [_nothing_to_see()]
    found = [finding for process in processes for finding in _unread(process)]
    for process in processes:
        found += _threads(policy, process, topology)
        if process.memory is not None:
            found += _memory(policy, process, process.memory)
    return found


def _nothing_to_see() -> Finding:
    return Finding(
        subject="the service has no process that could be looked at",
        expected="at least its main process",
        found="none",
        cause="it ended while it was looked at",
        fix="read the service's log",
    )


def _name(process: Process) -> str:
    return f"process {process.comm} ({process.pid})"


def _unread(process: Process) -> Iterable[Finding]:
    """What could not be read never passes."""
    for text in process.unreadable:
        yield Finding(
            subject=f"the placement of {_name(process)} could not be read",
            expected="its threads and memory to be readable",
            found=text,
            cause="it runs as another user, or shuts others out (ProtectProc=, hidepid)",
            fix="run pytest as root, or as the service's user",
        )


def _threads(policy: Policy, process: Process, topology: Topology) -> Iterable[Finding]:
    """One finding per process and mask, however many threads have it."""
    online = topology.cpus_online
    strays: dict[frozenset[int], list[Thread]] = {}
    for thread in process.threads:
        # None: it has ended, and kept no mask.
        if thread.cpus_allowed is not None and not thread.cpus_allowed & online <= policy.cpus:
            strays.setdefault(thread.cpus_allowed & online, []).append(thread)
    for mask, threads in strays.items():
        names = ", ".join(f"{one.name} ({one.tid})" for one in threads[:_SHOWN_THREADS])
        more = len(threads) - _SHOWN_THREADS
        everyone = len(threads) == len(process.threads)
        yield Finding(
            subject=f"{len(threads)} of {len(process.threads)} threads of {_name(process)} may run "
            f"off the policy's CPUs: {names}{f' and {more} more' if more > 0 else ''}",
            expected=f"allowed CPUs within {policy.cpu_list}",
            found=f"allowed CPUs {cpulist.format(mask)}",
            cause="the unit's CPU lines did not take effect, or the program widened its own mask"
            if everyone
            else "these threads set their own mask (OpenMP, --cpu-mask, TLLM_NUMA_AWARE_…)",
            fix=f"AllowedCPUs={policy.cpu_list} (which no thread can leave) and "
            f"CPUAffinity={policy.cpu_list} in [Service]; switch the program's own binding off",
        )


def _memory(policy: Policy, process: Process, memory: Memory) -> Iterable[Finding]:
    size, stray = _split(memory.anonymous_by_node, policy)
    if stray > min(_STRAY_BYTES, max(_NEGLIGIBLE_BYTES, _STRAY_FRACTION * size)):
        yield _stray(
            policy,
            subject=f"memory of {_name(process)} lies off the policy's nodes",
            by_node=memory.anonymous_by_node,
            limit=f"at most {_STRAY_FRACTION:.0%} and {formatting.bytes_iec(_STRAY_BYTES)} "
            "elsewhere",
            cause="it was allocated before the policy held, or the policy is not `bind`",
            fix=f"NUMAPolicy=bind, NUMAMask={policy.node_list} and "
            f"AllowedMemoryNodes={policy.node_list} in [Service]; then restart: pages stay "
            "where they are",
        )
    text_stray = 0
    for file in memory.files:
        size, stray = _split(file.bytes_by_node, policy)
        if size < _WEIGHTS_BYTES:
            text_stray += stray
        elif stray > _WEIGHTS_FRACTION * size:
            yield _stray(
                policy,
                subject=f"the mapped file {file.path} of {_name(process)} "
                "lies off the policy's nodes",
                by_node=file.bytes_by_node,
                limit=f"at most {_WEIGHTS_FRACTION:.0%} elsewhere",
                cause="it is page cache, and lies where its first reader ran",
                fix="load the weights without mmap (--no-mmap), or evict the file from the page "
                "cache and restart the service",
                is_page_cache=True,
            )
    if text_stray > _TEXT_BYTES:
        yield Finding(
            subject=f"small mapped files of {_name(process)} lie off the policy's nodes",
            expected=f"at most {formatting.bytes_iec(_TEXT_BYTES)} elsewhere",
            found=f"{formatting.bytes_iec(text_stray)} elsewhere",
            cause="program text is page cache, and lies where its first reader ran",
            fix="evict the files from the page cache and restart the service",
            is_page_cache=True,
        )


def _stray(
    policy: Policy,
    *,
    subject: str,
    by_node: Mapping[int, int],
    limit: str,
    cause: str,
    fix: str,
    is_page_cache: bool = False,
) -> Finding:
    found = ", ".join(
        f"{formatting.bytes_iec(size)} on node {node}" for node, size in sorted(by_node.items())
    )
    return Finding(
        subject=subject,
        expected=f"all on node {policy.node_list}, {limit}",
        found=found,
        cause=cause,
        fix=fix,
        is_page_cache=is_page_cache,
    )


def _split(by_node: Mapping[int, int], policy: Policy) -> tuple[int, int]:
    """All bytes, and those on other nodes than the policy's."""
    stray = sum(size for node, size in by_node.items() if node not in policy.memory_nodes)
    return sum(by_node.values()), stray
