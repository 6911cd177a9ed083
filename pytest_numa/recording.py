"""What a session adds to what is remembered: the recorded baseline, and the history."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean

from pytest_numa import baseline, outcome, settings, versions
from pytest_numa.errors import BaselineError
from pytest_numa.history import Entry
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS

_FIGURES = ("tokens_per_s", "mean", "ttft_p50")


def record(wanted: settings.Settings, measurement: Measurement) -> None:
    """Append the session's pinned runs; BaselineError where they are no measure of anything.

    A host that is slower than its record does not become the measure of later sessions.
    """
    pinned = [block["pinned"] for block in measurement.blocks if "pinned" in block]
    blocks = [[run.result for run in runs] for runs in pinned]
    if not blocks or any(result.failed for block in blocks for result in block):
        raise BaselineError(
            "nothing was recorded: --numa-record needs complete pinned runs without failed requests"
        )
    _refuse_slower(wanted, measurement)
    session = baseline.RecordedSession(
        when=measurement.begun_at.isoformat(timespec="seconds"),
        host=wanted.identity.hostname,
        versions=versions.of(wanted),
        blocks=blocks,
        evidence=[
            [run.evidence.as_document() if run.evidence else {} for run in runs] for runs in pinned
        ],
        fingerprint=asdict(wanted.identity),
    )
    is_anew = wanted.record == "replace"
    baseline.append(wanted.baseline_path, wanted.subject, session, is_anew=is_anew)


def _refuse_slower(wanted: settings.Settings, measurement: Measurement) -> None:
    drifts = {name: outcome.host_drift(measurement, wanted, name) for name in _FIGURES}
    for name, verdict in drifts.items():
        if verdict is not None and verdict.outcome == "fail":
            raise BaselineError(
                f"nothing was recorded: {name} of `pinned` itself is worse than its record "
                f"({verdict.sentence}), and a slower host must not become the measure. Where the "
                "host is to stay as it is, --numa-record=replace begins anew"
            )


def entry(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> Entry | None:
    """The session's line in the history; None where it measured nothing, or requests failed."""
    if not measurement.blocks or outcome.failed_requests(measurement.blocks):
        return None
    return Entry(
        when=measurement.begun_at.isoformat(timespec="seconds"),
        host=wanted.identity.hostname,
        subject=dict(wanted.subject.facts),
        versions=versions.of(wanted),
        figures={
            mode: _figures([block[mode] for block in measurement.blocks])
            for mode in measurement.blocks[0]
        },
        verdicts=[
            {
                "figure": one.demand.metric.name,
                "against": one.against,
                "outcome": one.outcome,
                "slowdown": one.verdict.slowdown,
                "interval": one.verdict.interval
                if one.verdict.interval[1] < float("inf")
                else None,
                "blocks": one.verdict.blocks,
            }
            for one in judgements
        ],
    )


def _figures(blocks: Sequence[Sequence[Run]]) -> dict[str, list[float]]:
    """The mean of each block's runs, by metric; of those that all runs have."""
    found: dict[str, list[float]] = {}
    for name, metric in METRICS.items():
        values = [[metric.value(run.result) for run in runs] for runs in blocks]
        known = [[value for value in runs if value] for runs in values]
        if known == values:
            found[name] = [fmean(runs) for runs in known]
    return found
