"""A session as the living markdown document tells it."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from pytest_numa import formatting, settings
from pytest_numa.experiment import MODES
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement, Run
from pytest_numa.report import (
    conclusion,
    conditions,
    evidence_table,
    explanation,
    figure_tables,
    figures,
    markdown,
    placement,
    topology,
)


def session(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> markdown.Session:
    """All that the document says of this session."""
    told = conclusion.of(wanted, measurement, judgements)
    return markdown.Session(
        when=measurement.begun_at,
        host=wanted.identity.hostname,
        rows=tuple(_row(wanted, measurement, mode) for mode in MODES if measurement.runs(mode)),
        bullets=told.sentences,
        line=told.line,
        next_markdown="\n".join(f"{number}. {text}" for number, text in enumerate(told.steps, 1)),
        figures_markdown=figure_tables.tables(measurement),
        topology_markdown=topology.topology_tables(wanted.topology),
        placement_markdown=_placement(wanted, measurement.runs("systemd")),
        details_markdown=_details(wanted, measurement, judgements),
        explanation_markdown=explanation.explanation(
            wanted.policy.cpu_list, wanted.policy.node_list
        ),
        evidence_markdown=evidence_table.table(measurement),
        governors_markdown=conditions.section(measurement, "governor"),
        neighbours_markdown=conditions.section(measurement, "neighbour"),
    )


def _row(wanted: settings.Settings, measurement: Measurement, mode: str) -> markdown.RunRow:
    runs = [run.result for run in measurement.runs(mode)]
    failed = sum(run.failed for run in runs)
    notes = [
        f"{measurement.begun_at:%Y-%m-%d} {wanted.identity.hostname}",
        f"CPUs {wanted.policy.cpu_list}, node {wanted.policy.node_list}"
        if mode != "unpinned"
        else "no policy",
        f"{figures.count(len(runs), 'run')} of {wanted.workload.amount}",
        *([f"failed requests: {failed}"] if failed else []),
    ]
    return markdown.RunRow(
        mode=mode,
        concurrency=wanted.workload.concurrency,
        mean_latency_ms=figures.mean([run.latency_ms.mean for run in runs]),
        p95_latency_ms=figures.mean([run.latency_ms.p95 for run in runs]),
        throughput_tokens_per_s=figures.mean([run.output_tokens_per_s for run in runs]),
        notes="; ".join(notes),
    )


def _placement(wanted: settings.Settings, runs: Sequence[Run]) -> str:
    """The service's processes after the last run: allowed CPUs, and bytes on each node."""
    if not runs:
        return ""
    proof = runs[-1].proof
    nodes = [node.id for node in wanted.topology.nodes]
    rows = [
        (
            str(process.pid),
            formatting.markdown_cell(process.comm),
            formatting.markdown_cell(proof.role_of(process)),
            str(len(process.threads)),
            placement.allowed_cpus(process),
            *_sizes(process.bytes_by_node, nodes),
        )
        for process in proof.processes
    ]
    if len(rows) > 1:
        threads = sum(len(process.threads) for process in proof.processes)
        rows.append(("all", "", "", str(threads), "", *_sizes(proof.bytes_by_node, nodes)))
    headers = ("PID", "Process", "Role", "Threads", "Allowed CPUs", *(f"Node {n}" for n in nodes))
    aligned = ("right", "left", "left", "right", "left", *("right" for _ in nodes))
    table = tabulate(
        rows, headers=headers, tablefmt="pipe", disable_numparse=True, colalign=aligned
    )
    notes = "\n".join(f"- {formatting.markdown_line(note)}" for note in proof.notes)
    findings = dict.fromkeys(str(finding) for run in runs for finding in run.findings)
    parts = [table, notes, *(f"```text\n{_unfenced(text)}\n```" for text in findings)]
    return "\n\n".join(part for part in parts if part)


def _sizes(by_node: Mapping[int, int] | None, nodes: Sequence[int]) -> list[str]:
    if by_node is None:
        return ["not readable"] * len(nodes)
    return [formatting.bytes_iec(by_node.get(node, 0)) for node in nodes]


def _unfenced(text: str) -> str:
    """Text of others inside a code block, which it must not end."""
    return formatting.without_controls(text.replace("`" * 3, "'" * 3), keep="\n")


def _details(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> str:
    """Verdicts with their intervals, and what the figures do not show."""
    rows = [
        (
            one.demand.metric.label,
            {"pinned": "pinned, this session", "record": "record", "limit": "limit"}[one.against],
            one.outcome,
            formatting.markdown_cell("; ".join(filter(None, (one.verdict.sentence, one.advice)))),
        )
        for one in judgements
    ]
    headers = ("Figure", "Against", "Verdict", "In words")
    table = tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True)
    notes = [
        *figures.limits(wanted),
        figures.client_place(wanted),
        *figures.notices(wanted, measurement, judgements),
    ]
    return "\n".join(
        [*([table, ""] if rows else []), *(f"- {formatting.markdown_line(note)}" for note in notes)]
    )
