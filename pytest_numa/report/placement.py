"""A proof of placement: for people as text, for programs as a document."""

from collections.abc import Iterator
from typing import Any

from pytest_numa.formatting import bytes_iec, without_controls
from pytest_numa.kernel import cpulist
from pytest_numa.placement import Finding, Proof
from pytest_numa.process import Process

_SAID = {
    "pass": "every thread and page is where it is wanted",
    "fail": "not all is where it is wanted",
    "unknown": "not proven: not all could be looked at",
}


def placement_document(proof: Proof) -> dict[str, Any]:
    """Build what ``pytest-numa placement --json`` prints. CPUs and nodes are kernel lists."""
    return {
        "verdict": proof.verdict,
        "wanted": proof.wanted.document(),
        "processes": [_process_document(one, proof) for one in proof.processes],
        "bytes_by_node": _keyed(proof.bytes_by_node),
        "findings": [finding_document(one) for one in proof.findings if not one.is_unread],
        "unread": [f"{one.subject}: {one.found}" for one in proof.findings if one.is_unread],
        "notes": list(proof.notes),
    }


def finding_document(one: Finding) -> dict[str, str]:
    """What ought to be, what is, and why; the kind of finding is not told."""
    return {
        "subject": one.subject,
        "expected": one.expected,
        "found": one.found,
        "cause": one.cause,
        "fix": one.fix,
    }


def placement_text(proof: Proof) -> str:
    """Write the verdict, then the findings, then what was looked at."""
    lines = [f"{proof.verdict}: {_SAID[proof.verdict]}", ""]
    for finding in proof.findings:
        lines += [str(finding), ""]
    lines += [*_table(proof), ""]
    lines += [f"note: {note}" for note in proof.notes]
    return "\n".join(lines).rstrip() + "\n"


def allowed_cpus(process: Process) -> str:
    """The CPUs that any thread of a process may use, as a kernel list."""
    masks = [thread.cpus_allowed for thread in process.threads if thread.cpus_allowed]
    return cpulist.format(frozenset().union(*masks))


def _process_document(process: Process, proof: Proof) -> dict[str, object]:
    by_node = process.bytes_by_node
    return {
        "pid": process.pid,
        "comm": process.comm,
        "role": proof.role_of(process),
        "threads": len(process.threads),
        "allowed_cpus": allowed_cpus(process),
        "bytes_by_node": None if by_node is None else _keyed(by_node),
    }


def _keyed(by_node: dict[int, int]) -> dict[str, int]:
    return {str(node): size for node, size in by_node.items()}


def _table(proof: Proof) -> Iterator[str]:
    """By hand: tabulate takes longer to import than the whole look takes."""
    rows = [["process", "name", "role", "threads", "allowed CPUs", "memory by node"]]
    rows += [
        [
            str(one.pid),
            without_controls(one.comm),
            proof.role_of(one),
            str(len(one.threads)),
            allowed_cpus(one) or "unknown",
            _sizes(one.bytes_by_node),
        ]
        for one in proof.processes
    ]
    rows.append(["all", "", "", "", "", _sizes(proof.bytes_by_node)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()  # noqa: B905


def _sizes(by_node: dict[int, int] | None) -> str:
    if by_node is None:
        return "unknown"
    return ", ".join(f"N{node} {bytes_iec(size)}" for node, size in by_node.items()) or "none"
