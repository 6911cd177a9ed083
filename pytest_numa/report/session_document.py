"""A session as plain values: what ``--numa-json`` writes, and what reports are made from.

``modes`` has the figures of each run by mode and block; ``runs`` has what else is known of them:
placement, evidence, the latencies of single requests. Keys are added, never changed: their number
is ``session_file.SCHEMA``.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from pytest_numa import explained, gate, mode_figures, outcome, session_file, settings, versions
from pytest_numa.errors import LoadError
from pytest_numa.experiment import MODES
from pytest_numa.judgement import Judgement
from pytest_numa.kernel import cpulist
from pytest_numa.measurement import Measurement
from pytest_numa.metrics import METRICS, Metric
from pytest_numa.report import conditions, evidence_table, figures, run_document, topology

_EFFECTS = ("tokens_per_s", "mean", "ttft_p50")


def document(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> dict[str, Any]:
    """All that is known of a session, ready for JSON."""
    found = {
        "kind": session_file.KIND,
        "schema": session_file.SCHEMA,
        "when": measurement.begun_at.isoformat(timespec="seconds"),
        "took_s": measurement.took_s,
        "host": wanted.identity.hostname,
        "identity": asdict(wanted.identity),
        "topology": topology.topology_document(wanted.topology),
        "subject": dict(wanted.subject.facts),
        "versions": versions.of(wanted),
        "policy": _policy(wanted),
        "workload": {**wanted.workload.as_document(), "offered": wanted.workload.offered},
        "plan": _plan(wanted),
        "modes": {
            mode: [
                [run.result.as_document() for run in block[mode]] for block in measurement.blocks
            ]
            for mode in (measurement.blocks[0] if measurement.blocks else ())
        },
        "figures": _figures(measurement),
        "evidence": evidence_table.document(measurement),
        "runs": run_document.documents(measurement.blocks),
        "outcome": _outcome(wanted, measurement, judgements),
        "verdicts": [_verdict(one) for one in judgements],
        "effect_of_pinning": dict(_effects(measurement)),
        "host_drift": dict(_drifts(wanted, measurement)),
        "conditions": {
            **conditions.document(measurement),
            "sentences": conditions.sentences(measurement),
        },
        "notes": [*measurement.notes, *measurement.page_cache],
        "limits": figures.limits(wanted),
        "notices": figures.notices(wanted, measurement, judgements),
        "files": _files(wanted),
    }
    return {key: plain(value) for key, value in found.items()}


def _policy(wanted: settings.Settings) -> dict[str, Any]:
    client_cpus = wanted.client_cpus
    return {
        "cpus": wanted.policy.cpu_list,
        "memory_nodes": wanted.policy.node_list,
        "unit": wanted.unit.name,
        "manager": {
            "name": wanted.manager.name,
            "reason": wanted.manager.reason,
            "has_cpuset": wanted.manager.has_cpuset,
        },
        "client_cpus": None if client_cpus is None else cpulist.format(client_cpus),
        "margin": wanted.margin,
        "inconclusive": wanted.inconclusive,
        "missing_baseline": wanted.missing_baseline,
        "recorded_sessions": len(wanted.baseline.sessions) if wanted.baseline else 0,
    }


def _plan(wanted: settings.Settings) -> dict[str, Any]:
    return {
        "modes": list(wanted.plan.modes),
        "max_blocks": wanted.plan.budget.max_blocks,
        "max_time_s": wanted.plan.budget.max_time_s,
        "runs": wanted.plan.runs,
        "cool_down_s": wanted.plan.cool_down_s,
    }


def _figures(measurement: Measurement) -> dict[str, Any]:
    """Every figure of every mode, the mean of its runs; None where no run has it.

    ``intervals`` hold the mean of endless blocks, ``changes`` are against `pinned`.
    """
    modes = [mode for mode in MODES if measurement.runs(mode)]
    found: dict[str, Any] = {}
    for metric in METRICS.values():
        own = {mode: mode_figures.of(measurement, mode, metric) for mode in modes}
        found[metric.name] = {
            "label": metric.label,
            "unit": metric.unit,
            "better": metric.better,
            "modes": {mode: one.mean for mode, one in own.items()},
            "intervals": {mode: one.interval for mode, one in own.items()},
            "changes": {
                mode: {"slowdown": one.change.slowdown, "interval": _interval(one.change)}
                for mode, one in own.items()
                if one.change is not None
            },
        }
    return found


def _outcome(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> list[dict[str, Any]]:
    """What the packaged tests ask, with a text for each thing that is not as demanded."""
    parts = {
        "placement": explained.of_placement(measurement, wanted.wanted),
        "speed": explained.of_figures(measurement, judgements, wanted),
        "record": explained.of_record(judgements, wanted),
    }
    return [
        {"what": what, "result": part.result, "texts": list(part.texts)}
        for what, part in parts.items()
        # Without verdicts and failures nothing was asked of the speed.
        if judgements or part.texts or what == "placement"
    ]


def _verdict(one: Judgement) -> dict[str, Any]:
    metric, verdict = one.demand.metric, one.verdict
    return {
        "figure": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "against": one.against,
        "margin": one.demand.margin,
        "limit": one.demand.limit,
        "outcome": one.outcome,
        "advice": one.advice,
        "slowdown": verdict.slowdown,
        "interval": _interval(verdict),
        "blocks": verdict.blocks,
        "blocks_needed": verdict.blocks_needed,
        "sentence": verdict.sentence,
    }


def _interval(one: gate.Verdict | gate.Effect) -> list[float] | None:
    """None where nothing is known of it: before the first look."""
    low, high = one.interval
    return [low, high] if math.isfinite(high) else None


def _effects(measurement: Measurement) -> Iterator[tuple[str, dict[str, Any]]]:
    """`pinned` against `unpinned`; for people."""
    modes = set(measurement.blocks[0]) if measurement.blocks else set()
    if not {"unpinned", "pinned"} <= modes or outcome.failed_requests(measurement.blocks):
        return
    for metric in (METRICS[name] for name in _EFFECTS):
        effect = _if_known(partial(outcome.effect_of_pinning, measurement, metric))
        if effect is not None:
            yield metric.name, _compared(metric, effect)


def _drifts(
    wanted: settings.Settings, measurement: Measurement
) -> Iterator[tuple[str, dict[str, Any]]]:
    """`pinned` now against its record."""
    if not measurement.runs("pinned"):
        return
    for name in _EFFECTS:
        drift = _if_known(partial(outcome.host_drift, measurement, wanted, name))
        if drift is not None:
            yield name, {**_compared(METRICS[name], drift), "outcome": drift.outcome}


def _if_known(compute: Callable[[], Any]) -> Any:  # noqa: ANN401 - what is computed
    # A figure that not all runs have, as the first token of answers that were not streamed.
    with contextlib.suppress(LoadError):
        return compute()
    return None


def _compared(metric: Metric, one: gate.Verdict | gate.Effect) -> dict[str, Any]:
    return {
        "label": metric.label,
        "slowdown": one.slowdown,
        "interval": _interval(one),
        "sentence": one.sentence,
    }


def _files(wanted: settings.Settings) -> dict[str, str]:
    return {
        "report": str(wanted.report_path),
        "history": str(wanted.history_path),
        "baseline": str(wanted.baseline_path),
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of a document
    """No NaN, which is no JSON, and no half of a character, which is no UTF-8."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value
