"""A session as the living markdown document tells it."""

from collections.abc import Sequence

from tabulate import tabulate

from pytest_numa import formatting, outcome, settings
from pytest_numa.experiment import MODES
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS
from pytest_numa.report import (
    conditions,
    evidence_table,
    explanation,
    figures,
    markdown,
    placement,
    topology,
)


def session(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> markdown.Session:
    """All that the document says of this session."""
    return markdown.Session(
        when=measurement.begun_at,
        host=wanted.identity.hostname,
        rows=tuple(_row(wanted, measurement, mode) for mode in MODES if measurement.runs(mode)),
        bullets=tuple(_bullets(measurement, judgements)),
        topology_markdown=topology.topology_tables(wanted.topology),
        placement_markdown=_placement(measurement.runs("systemd")),
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


def _bullets(measurement: Measurement, judgements: Sequence[Judgement]) -> list[str]:
    """In words: does systemd match pinning by hand, is placement right, what did pinning buy."""
    texts = [_match(judgements), _placed(measurement)]
    if {"unpinned", "pinned"} <= set(measurement.blocks[0]) and not outcome.failed_requests(
        measurement.blocks
    ):
        metric = METRICS["tokens_per_s"]
        effect = outcome.effect_of_pinning(measurement, metric)
        texts.append(f"What pinning by hand did to throughput: {effect.sentence}.")
    return texts


def _match(judgements: Sequence[Judgement]) -> str:
    same_session = [one for one in judgements if one.against == "pinned" and not one.advice]
    if not same_session:
        return "The systemd run was not compared with the manually pinned run in this session."
    outcomes = {one.verdict.outcome for one in same_session}
    words = {
        "fail": "The systemd run does **not** match the manually pinned run",
        "inconclusive": "Whether the systemd run matches the pinned run is **not decided**",
        "pass": "The systemd run matches the manually pinned run",
    }
    worst = next(word for word in words if word in outcomes)
    parts = "; ".join(figures.brief(one) for one in same_session)
    return f"{words[worst]}: {parts}."


def _placed(measurement: Measurement) -> str:
    runs = measurement.runs("systemd")
    findings = {str(finding) for run in runs for finding in run.findings}
    threads = sum(len(process.threads) for process in runs[-1].processes)
    seen = (
        f"{figures.count(len(runs[-1].processes), 'process')} with "
        f"{figures.count(threads, 'thread')} at the last"
    )
    if findings:
        bad = figures.count(len(findings), "finding")
        return f"Placement is **not** as the policy says: {bad} ({seen})."
    looks = figures.count(len(runs), "run")
    return f"Placement is as the policy says, looked at after {looks} ({seen})."


def _placement(runs: Sequence[Run]) -> str:
    """The service's processes after the last run: allowed CPUs, and bytes by node."""
    proof = runs[-1].proof
    rows = [
        (
            process.pid,
            formatting.markdown_cell(process.comm),
            formatting.markdown_cell(proof.role_of(process)),
            len(process.threads),
            placement.allowed_cpus(process),
            ", ".join(
                f"N{node} {formatting.bytes_iec(size)}"
                for node, size in sorted((process.bytes_by_node or {}).items())
            )
            or "not readable",
        )
        for process in proof.processes
    ]
    headers = ("PID", "Process", "Role", "Threads", "Allowed CPUs", "Memory")
    table = tabulate(rows, headers=headers, tablefmt="pipe")
    notes = "\n".join(f"- {formatting.markdown_cell(note)}" for note in proof.notes)
    findings = dict.fromkeys(str(finding) for run in runs for finding in run.findings)
    parts = [table, notes, *(f"```text\n{text}\n```" for text in findings)]
    return "\n\n".join(part for part in parts if part)


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
    table = tabulate(rows, headers=("Figure", "Against", "Verdict", "In words"), tablefmt="pipe")
    notes = [
        *figures.limits(wanted),
        figures.client_place(wanted),
        *figures.notices(wanted, measurement, judgements),
    ]
    return "\n".join(
        [*([table, ""] if rows else []), *(f"- {formatting.markdown_cell(note)}" for note in notes)]
    )
