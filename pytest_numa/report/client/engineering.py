"""Part 1: what was measured, decided and found, for who runs the machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_numa import formatting
from pytest_numa.report import history
from pytest_numa.report.client.facts import Facts
from pytest_numa.report.html import machine, tables, verdict
from pytest_numa.report.html.parts import Part, Section, Table, Text

_NEWER = {
    "figures": "the figures of each mode",
    "topology": "the topology",
    "runs": "placement and findings",
    "evidence": "what the kernel counted",
    "effect_of_pinning": "what pinning does",
}


def sections(facts: Facts) -> Iterator[Section]:
    """The sections of the engineer's view, in their order."""
    session = facts.session
    found = (
        verdict.section(session),
        _missing(session),
        tables.figures(session),
        _placement(session),
        machine.section(session),
        tables.evidence(session),
        tables.conditions(session),
        _history(facts),
        _audit(facts),
        tables.about(session),
    )
    for one in found:
        if one is not None:
            yield replace(one, name=f"engineering-{one.name}", title=f"Part 1: {one.title}")


def _missing(session: Mapping[str, Any]) -> Section | None:
    lacking = [what for key, what in _NEWER.items() if key not in session]
    if not lacking:
        return None
    told = "This session's file was written by an older version and does not tell: "
    told += f"{'; '.join(lacking)}."
    return Section(name="missing", title="What is not told", parts=[Text(text=told)])


def _placement(session: Mapping[str, Any]) -> Section | None:
    """Every process of the service after the last run, and all findings of all its runs."""
    runs = [one for one in session.get("runs", ()) if one["mode"] == "systemd"]
    last = next((one for one in reversed(runs) if one["placement"]), None)
    if last is None:
        return None
    found = last["placement"]
    rows = [
        (
            str(one["pid"]),
            one["comm"],
            one["role"],
            str(one["threads"]),
            one["allowed_cpus"] or "unknown",
            _by_node(one["bytes_by_node"]),
        )
        for one in found["processes"]
    ]
    table = Table(
        caption=f"The service after block {last['block']}, run {last['run']}: {found['verdict']}",
        headers=("Process", "Name", "Role", "Threads", "May use CPUs", "Memory by node"),
        rows=rows,
        numeric=frozenset({3}),
    )
    blocks = {one.text: one for run in runs for one in tables.findings(run)}
    parts: list[Part] = [table, *blocks.values()]
    return Section(name="placement", title="Placement", parts=parts)


def _by_node(sizes: Mapping[str, int] | None) -> str:
    if sizes is None:
        return "unknown"
    shown = (f"node {node} {formatting.bytes_iec(size)}" for node, size in sizes.items())
    return ", ".join(shown) or "none"


def _history(facts: Facts) -> Section | None:
    if facts.trend is None:
        return None
    one = facts.trend
    table = Table(
        caption=f"{one.metric.label}, {one.mode}, median of each session",
        headers=("Session", one.metric.unit),
        rows=[
            (entry.when[:16].replace("T", " "), formatting.number(value))
            for entry, value in zip(one.entries, one.values, strict=True)
        ],
        numeric=frozenset({1}),
    )
    changes = [Text(text=history.sentence(one, change)) for change in one.changes]
    return Section(name="history", title="History", parts=[table, *changes])


def _audit(facts: Facts) -> Section:
    if facts.audit is None:
        text = "The host was not audited: pytest-numa audit --json, and --audit FILE here."
        return Section(name="audit", title="Audit of the host", parts=[Text(text=text)])
    summary = ", ".join(f"{number} {status}" for status, number in facts.audit["summary"].items())
    return Section(
        name="audit",
        title="Audit of the host",
        parts=[Text(text=f"{summary}."), _checks(facts.audit["checks"])],
    )


def _checks(checks: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        caption="Checks",
        headers=("Id", "Status", "Check", "Wanted", "Found", "Risk", "Fix"),
        rows=[
            (
                *(str(one[key]) for key in ("id", "status", "name", "wanted", "found", "risk")),
                one["fix"] or "",
            )
            for one in checks
        ],
    )
