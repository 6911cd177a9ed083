"""A session as JSON, for programs: all runs of all modes, and what came out."""

import json
from collections.abc import Sequence
from pathlib import Path

from pytest_numa import session_file, settings, versions
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.report import conditions, destination

_OPTION = "--numa-json"


def write(
    path: Path,
    wanted: settings.Settings,
    measurement: Measurement,
    judgements: Sequence[Judgement],
) -> None:
    """Write the file in one step; ReportError where it cannot be."""
    document = {
        "kind": session_file.KIND,
        "schema": session_file.SCHEMA,
        "when": measurement.begun_at.isoformat(timespec="seconds"),
        "took_s": measurement.took_s,
        "host": wanted.identity.hostname,
        "subject": dict(wanted.subject.facts),
        "versions": versions.of(wanted),
        "modes": {
            mode: [
                [run.result.as_document() for run in block[mode]] for block in measurement.blocks
            ]
            for mode in (measurement.blocks[0] if measurement.blocks else ())
        },
        "verdicts": [_verdict(one) for one in judgements],
        "conditions": conditions.document(measurement),
        "notes": [*measurement.notes, *measurement.page_cache],
    }
    real = destination.real(path)
    with destination.locked(real, option=_OPTION):
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        destination.replace(real, f"{text}\n", option=_OPTION)


def _verdict(one: Judgement) -> dict[str, object]:
    low, high = one.verdict.interval
    return {
        "figure": one.demand.metric.name,
        "against": one.against,
        "margin": one.demand.margin,
        "limit": one.demand.limit,
        "outcome": one.outcome,
        "slowdown": one.verdict.slowdown,
        # Nothing is known of it before the first look.
        "interval": None if high == float("inf") else [low, high],
        "blocks": one.verdict.blocks,
        "blocks_needed": one.verdict.blocks_needed,
        "sentence": one.verdict.sentence,
    }
