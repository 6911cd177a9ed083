"""Which memory lies off the policy's nodes: what a policy places, weights, and program text."""

import os
from collections.abc import Iterator, Mapping, Sequence

from pytest_numa import formatting
from pytest_numa.placement import bounds, memory_causes
from pytest_numa.placement.clues import Clues
from pytest_numa.placement.finding import Finding
from pytest_numa.placement.threads import name
from pytest_numa.placement.wanted import Budget, Wanted
from pytest_numa.policy import Policy
from pytest_numa.process import Memory, Process, Region
from pytest_numa.process.memory import add_up

_SHOWN_FILES = 3
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def check(wanted: Wanted, processes: Sequence[Process], clues: Clues) -> Iterator[Finding]:
    """One finding for a process's memory, one for each file of weights, one for all its text."""
    shared = _nodes_of_files(wanted, processes)
    for process in processes:
        if process.memory is not None:
            policy = wanted.policy_of(process)
            yield from _memory(wanted, policy, process, process.memory, clues)
            yield from _files(wanted, policy, process, process.memory, shared)


def _memory(
    wanted: Wanted, policy: Policy, process: Process, memory: Memory, clues: Clues
) -> Iterator[Finding]:
    regions = [one for one in memory.regions if one.kind != "file"]
    if _is_astray(regions, policy.memory_nodes, wanted.budgets.memory):
        worst = max(regions, key=lambda one: _stray_bytes([one], policy.memory_nodes))
        cause, fix = memory_causes.explain(worst, process, policy, clues)
        by_node = _shown(worst.bytes_by_node)
        yield Finding(
            subject=f"memory of {name(process)} lies off the policy's nodes, most of it "
            f"{memory_causes.described(worst)}",
            expected=f"all on node {policy.node_list}, {_limit(wanted.budgets.memory)}",
            found=f"{_shown(memory.placed_by_node)}{_sampled(regions, policy)}"
            + (f"; of that region {by_node}" if len(regions) > 1 else ""),
            cause=cause,
            fix=fix,
        )


def _files(
    wanted: Wanted,
    policy: Policy,
    process: Process,
    memory: Memory,
    shared: Mapping[str, frozenset[int]],
) -> Iterator[Finding]:
    text: list[Region] = []
    for path, regions in _by_path(memory).items():
        if sum(one.size_bytes for one in regions) < wanted.budgets.weights_from_bytes:
            text += regions
            continue
        # Workers on several nodes that share a file cannot all have it at hand.
        nodes = shared[path]
        if _is_astray(regions, nodes, wanted.budgets.weights):
            cause, fix = memory_causes.of_page_cache(path)
            yield Finding(
                subject=f"the mapped file {path} of {name(process)} lies off the policy's nodes",
                expected=f"all on node {_list(nodes)}, {_limit(wanted.budgets.weights)}",
                found=_shown(add_up(one.bytes_by_node for one in regions))
                + _sampled(regions, policy),
                cause=cause,
                fix=fix,
                is_page_cache=True,
            )
    if _is_astray(text, policy.memory_nodes, wanted.budgets.text):
        largest = sorted({one.path or "" for one in text[:_SHOWN_FILES]})
        yield Finding(
            subject=f"program text and small mapped files of {name(process)} lie off the policy's "
            f"nodes, most of it {', '.join(largest)}",
            expected=f"{_limit(wanted.budgets.text)}",
            found=_shown(add_up(one.bytes_by_node for one in text)),
            cause="program text is page cache of an earlier reader, and lies where that ran",
            fix="evict the files from the page cache and restart the service",
            is_page_cache=True,
        )


def undecided(wanted: Wanted, processes: Sequence[Process]) -> Iterator[str]:
    """Processes whose sample of pages is too small to show that the budget is kept."""
    for process in processes:
        if process.memory is None or not process.memory.sampled_pages:
            continue
        policy = wanted.policy_of(process)
        regions = [one for one in process.memory.regions if one.kind != "file"]
        strays, looked_at = _counts(regions, policy.memory_nodes)
        size = sum(one.size_bytes for one in regions)
        allowed = wanted.budgets.memory.allowed_bytes(size)
        if _is_whole(regions) or _is_astray(regions, policy.memory_nodes, wanted.budgets.memory):
            continue
        at_most = bounds.upper_fraction(strays, looked_at) * size
        if at_most > allowed:
            yield (
                f"{name(process)}: {bounds.sentence(strays, looked_at)}, which is up to "
                f"{formatting.bytes_iec(at_most)} of {formatting.bytes_iec(size)}; "
                f"{formatting.bytes_iec(allowed)} are allowed: look at all pages (--pages full) "
                "when nothing is being measured"
            )


def sampled_sentences(wanted: Wanted, processes: Sequence[Process]) -> Iterator[str]:
    """What the samples of pages show, one sentence a process."""
    for process in processes:
        if process.memory is not None and process.memory.sampled_pages:
            regions = [one for one in process.memory.regions if one.kind != "file"]
            strays, looked_at = _counts(regions, wanted.policy_of(process).memory_nodes)
            said = (
                f"{strays} of all {looked_at} pages off node"
                if _is_whole(regions)
                else bounds.sentence(strays, looked_at)
            )
            yield f"{name(process)}: {said} (memory that a policy places)"


def _is_astray(regions: Sequence[Region], nodes: frozenset[int], budget: Budget) -> bool:
    size = sum(one.size_bytes for one in regions)
    stray = _stray_bytes(regions, nodes)
    strays, looked_at = _counts(regions, nodes)
    if looked_at and not _is_whole(regions):
        # What a sample shows for certain, not what it makes likely.
        stray = min(stray, int(bounds.lower_fraction(strays, looked_at) * size))
    return stray > budget.allowed_bytes(size)


def _stray_bytes(regions: Sequence[Region], nodes: frozenset[int]) -> int:
    return sum(
        size for one in regions for node, size in one.bytes_by_node.items() if node not in nodes
    )


def _counts(regions: Sequence[Region], nodes: frozenset[int]) -> tuple[int, int]:
    """Sampled pages elsewhere, and all sampled pages."""
    by_node = add_up(one.sampled_by_node or {} for one in regions)
    return sum(n for node, n in by_node.items() if node not in nodes), sum(by_node.values())


def _is_whole(regions: Sequence[Region]) -> bool:
    """Whether the sample is of all pages, as that of a small process is."""
    looked_at = sum(sum((one.sampled_by_node or {}).values()) for one in regions)
    return sum(one.size_bytes for one in regions) <= looked_at * _PAGE_BYTES


def _sampled(regions: Sequence[Region], policy: Policy) -> str:
    strays, looked_at = _counts(regions, policy.memory_nodes)
    return f" (by {looked_at} sampled pages, {strays} of them elsewhere)" if looked_at else ""


def _by_path(memory: Memory) -> dict[str, list[Region]]:
    found: dict[str, list[Region]] = {}
    for one in memory.regions:
        if one.kind == "file":
            found.setdefault(one.path or "", []).append(one)
    return found


def _nodes_of_files(wanted: Wanted, processes: Sequence[Process]) -> dict[str, frozenset[int]]:
    """The memory nodes of all processes that map a file."""
    found: dict[str, frozenset[int]] = {}
    for process in processes:
        for path in _by_path(process.memory) if process.memory else ():
            nodes = wanted.policy_of(process).memory_nodes
            found[path] = found.get(path, frozenset()) | nodes
    return found


def _limit(budget: Budget) -> str:
    parts = [f"{budget.fraction:.0%}"] if budget.fraction < 1 else []
    parts += [formatting.bytes_iec(budget.size_bytes)] if budget.size_bytes is not None else []
    return f"at most {' and '.join(parts) or 'all'} elsewhere"


def _shown(by_node: Mapping[int, int]) -> str:
    return ", ".join(
        f"{formatting.bytes_iec(size)} on node {node}" for node, size in sorted(by_node.items())
    )


def _list(nodes: frozenset[int]) -> str:
    return ",".join(map(str, sorted(nodes)))
