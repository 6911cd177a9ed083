"""One run as plain values: where the service was, what was counted, how long each request took.

CPUs and nodes are kernel lists, except where each CPU has a number of threads.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_numa.experiment import MODES
from pytest_numa.kernel import cpulist
from pytest_numa.measurement import Blocks, Run
from pytest_numa.process import Process, Watched
from pytest_numa.report import placement


def documents(blocks: Blocks) -> list[dict[str, Any]]:
    """All runs of all modes, block by block; blocks and runs are counted from 1."""
    return [
        {"mode": mode, "block": number, "run": place, **_document(run)}
        for number, block in enumerate(blocks, start=1)
        for mode in MODES
        for place, run in enumerate(block.get(mode, ()), start=1)
    ]


def _document(run: Run) -> dict[str, Any]:
    return {
        "main_pid": run.main_pid,
        "begun_at_s": run.result.begun_at_s,
        "duration_s": run.result.duration_s,
        "latencies_ms": _ms(run.latencies_s),
        "first_tokens_ms": _ms(run.first_tokens_s),
        "findings": [placement.finding_document(one) for one in run.findings],
        "placement": _placement(run) if run.proofs else None,
        "evidence": run.evidence.as_document() if run.evidence else None,
    }


def _ms(values_s: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(1000 * value, 4) for value in values_s]


def _placement(run: Run) -> dict[str, Any]:
    """After the run; ``loaded_bytes_by_node`` is from before it, by a sample of pages."""
    found = placement.placement_document(run.proof)
    found["processes"] = [
        {**_threads(process, run.proof.watched), **shown}
        for process, shown in zip(run.processes, found["processes"], strict=True)
    ]
    watched = run.proof.watched
    return {
        **found,
        "loaded_bytes_by_node": _keyed(run.proofs[0].bytes_by_node),
        "watch": _watch(watched) if watched else None,
    }


def _threads(process: Process, watched: Watched | None) -> dict[str, Any]:
    """Threads by the CPU they ran on last, and by the CPUs on which they were seen to work."""
    ran_on = Counter(
        cpu
        for thread in (watched.threads if watched else ())
        if thread.pid == process.pid
        for cpu in thread.ran_on
    )
    return {
        "last_cpus": _keyed(Counter(thread.last_cpu for thread in process.threads)),
        "ran_on": _keyed(ran_on) if watched else None,
    }


def _watch(watched: Watched) -> dict[str, Any]:
    return {
        "began_at_s": watched.began_at_s,
        "duration_s": watched.duration_s,
        "looks": watched.looks,
        "longest_look_ms": watched.longest_look_ms,
        "threads": len(watched.threads),
        "most_bytes_by_node": _known(watched.most_by_node),
        "unreadable": list(watched.unreadable),
        "masks": list(_masks(watched)),
        "moments": [
            {
                "at_s": round(one.at_s, 3),
                "threads": one.threads,
                "ran_on": cpulist.format(one.ran_on),
                "bytes_by_node": _known(one.bytes_by_node),
            }
            for one in watched.moments
        ],
    }


def _masks(watched: Watched) -> Iterator[dict[str, Any]]:
    """Each allowed mask: how many threads had it, from when until when."""
    spans: dict[frozenset[int], list[tuple[float, float]]] = {}
    for thread in watched.threads:
        for mask, span in thread.masks.items():
            spans.setdefault(mask, []).append(span)
    for mask, seen in sorted(spans.items(), key=lambda item: min(item[1])):
        yield {
            "cpus": cpulist.format(mask),
            "threads": len(seen),
            "first_s": round(min(first for first, _ in seen), 3),
            "last_s": round(max(last for _, last in seen), 3),
        }


def _known(by_node: Mapping[int, int] | None) -> dict[str, int] | None:
    return None if by_node is None else _keyed(by_node)


def _keyed(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(key): value for key, value in sorted(counts.items())}
