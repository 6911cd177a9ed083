"""Which memory lies off the policy's nodes: what a policy places, weights, and program text."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_numa import formatting
from pytest_numa.placement import bounds, memory_causes
from pytest_numa.placement.clues import Clues, shown
from pytest_numa.placement.finding import Finding
from pytest_numa.placement.threads import name
from pytest_numa.placement.wanted import Budget, Wanted
from pytest_numa.process import Process, Region
from pytest_numa.process.memory import add_up

_SHOWN_FILES = 3
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

NodesOf = Callable[[Region], frozenset[int]]
"""The nodes that a region of a process may lie on."""

_Key = tuple[str, bool, str | int | None]


def check(wanted: Wanted, processes: Sequence[Process], clues: Clues) -> Iterator[Finding]:
    """One finding for a process's memory, one for each file of weights, one for all its text."""
    for process, nodes_of in _with_nodes(wanted, processes):
        yield from _memory(wanted, process, nodes_of, clues)
        yield from _files(wanted, process, nodes_of)


def _memory(wanted: Wanted, process: Process, nodes_of: NodesOf, clues: Clues) -> Iterator[Finding]:
    policy = wanted.policy_of(process)
    regions = _placed(process)
    if _is_astray(regions, nodes_of, wanted.budgets.memory):
        worst = max(regions, key=lambda one: _stray_bytes([one], nodes_of))
        cause, fix = memory_causes.explain(worst, process, policy, clues)
        all_sizes = _shown(add_up(one.bytes_by_node for one in regions))
        yield Finding(
            subject=f"memory of {name(process)} lies off the policy's nodes, most of it "
            f"{memory_causes.described(worst)}",
            expected=f"all on node {policy.node_list}, {_limit(wanted.budgets.memory)}",
            found=f"{all_sizes}{_sampled(regions, nodes_of)}"
            + (f"; of that region {_shown(worst.bytes_by_node)}" if len(regions) > 1 else ""),
            cause=cause,
            fix=fix,
        )


def _files(wanted: Wanted, process: Process, nodes_of: NodesOf) -> Iterator[Finding]:
    text: list[Region] = []
    for path, regions in _by_path(process).items():
        if sum(one.size_bytes for one in regions) < wanted.budgets.weights_from_bytes:
            text += regions
        elif _is_astray(regions, nodes_of, wanted.budgets.weights):
            cause, fix = memory_causes.of_page_cache(path)
            yield Finding(
                subject=f"the mapped file {path} of {name(process)} lies off the policy's nodes",
                expected=f"all on node {shown(nodes_of(regions[0]))}, "
                f"{_limit(wanted.budgets.weights)}",
                found=_shown(add_up(one.bytes_by_node for one in regions))
                + _sampled(regions, nodes_of),
                cause=cause,
                fix=fix,
                is_page_cache=True,
            )
    if _is_astray(text, nodes_of, wanted.budgets.text):
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
    for process, nodes_of in _with_nodes(wanted, processes):
        regions = _placed(process)
        strays, looked_at = _counts(regions, nodes_of)
        size = sum(one.size_bytes for one in regions)
        allowed = wanted.budgets.memory.allowed_bytes(size)
        if (
            not looked_at
            or _is_whole(regions)
            or _is_astray(regions, nodes_of, wanted.budgets.memory)
        ):
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
    for process, nodes_of in _with_nodes(wanted, processes):
        regions = _placed(process)
        strays, looked_at = _counts(regions, nodes_of)
        if looked_at:
            said = (
                f"{strays} of all {looked_at} pages off node"
                if _is_whole(regions)
                else bounds.sentence(strays, looked_at)
            )
            yield f"{name(process)}: {said} (memory that a policy places)"


def _with_nodes(wanted: Wanted, processes: Sequence[Process]) -> Iterator[tuple[Process, NodesOf]]:
    """Each process whose memory was looked at, with the nodes that its regions may lie on.

    What processes of several roles share, a file, a segment or what a fork has inherited, cannot be
    near to all of them: it may lie on the nodes of each.
    """
    shared: dict[_Key, frozenset[int]] = {}
    for process in processes:
        for one in process.memory.regions if process.memory else ():
            nodes = shared.get(_key(one), frozenset()) | wanted.policy_of(process).memory_nodes
            shared[_key(one)] = nodes
    for process in processes:
        if process.memory is not None:
            own = wanted.policy_of(process).memory_nodes

            def nodes_of(one: Region, own: frozenset[int] = own) -> frozenset[int]:
                return shared[_key(one)] if _is_shared(one) else own

            yield process, nodes_of


def _is_shared(one: Region) -> bool:
    """Whether other processes may have the same pages; of a file of the page cache, always."""
    return one.kind == "file" or one.sharers > 1


def _key(one: Region) -> _Key:
    """What a region is known by in all processes that share it."""
    return (one.kind, _is_shared(one), one.path if one.address is None else one.address)


def _placed(process: Process) -> list[Region]:
    """The memory that a policy places: all but the page cache."""
    regions = process.memory.regions if process.memory else ()
    return [one for one in regions if one.kind != "file"]


def _is_astray(regions: Sequence[Region], nodes_of: NodesOf, budget: Budget) -> bool:
    size = sum(one.size_bytes for one in regions)
    stray = _stray_bytes(regions, nodes_of)
    strays, looked_at = _counts(regions, nodes_of)
    if looked_at and not _is_whole(regions):
        # What a sample shows for certain, not what it makes likely.
        stray = min(stray, int(bounds.lower_fraction(strays, looked_at) * size))
    return stray > budget.allowed_bytes(size)


def _stray_bytes(regions: Sequence[Region], nodes_of: NodesOf) -> int:
    return sum(
        size
        for one in regions
        for node, size in one.bytes_by_node.items()
        if node not in nodes_of(one)
    )


def _counts(regions: Sequence[Region], nodes_of: NodesOf) -> tuple[int, int]:
    """Sampled pages elsewhere, and all sampled pages."""
    strays = looked_at = 0
    for one in regions:
        for node, count in (one.sampled_by_node or {}).items():
            looked_at += count
            strays += 0 if node in nodes_of(one) else count
    return strays, looked_at


def _is_whole(regions: Sequence[Region]) -> bool:
    """Whether the sample is of all pages, as that of a small process is."""
    looked_at = sum(sum((one.sampled_by_node or {}).values()) for one in regions)
    return sum(one.size_bytes for one in regions) <= looked_at * _PAGE_BYTES


def _sampled(regions: Sequence[Region], nodes_of: NodesOf) -> str:
    strays, looked_at = _counts(regions, nodes_of)
    return f" (by {looked_at} sampled pages, {strays} of them elsewhere)" if looked_at else ""


def _by_path(process: Process) -> dict[str, list[Region]]:
    found: dict[str, list[Region]] = {}
    for one in process.memory.regions if process.memory else ():
        if one.kind == "file":
            found.setdefault(one.path or "", []).append(one)
    return found


def _limit(budget: Budget) -> str:
    parts = [f"{budget.fraction:.0%}"] if budget.fraction < 1 else []
    parts += [formatting.bytes_iec(budget.size_bytes)] if budget.size_bytes is not None else []
    return f"at most {' and '.join(parts) or 'all'} elsewhere"


def _shown(by_node: Mapping[int, int]) -> str:
    return ", ".join(
        f"{formatting.bytes_iec(size)} on node {node}" for node, size in sorted(by_node.items())
    )
