"""A session as OpenMetrics text, for the textfile collector of node_exporter.

Format: the OpenMetrics specification 1.0. Base units: seconds, and tokens or requests per second.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pytest_numa import settings
from pytest_numa.experiment import MODES
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.metrics import LATENCIES, METRICS, REQUEST_RATE, THROUGHPUT
from pytest_numa.report import destination, figures

_OPTION = "--numa-openmetrics"
_OUTCOMES = ("pass", "fail", "inconclusive", "advisory")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_RATES = {
    "numa_output_tokens_per_second": (THROUGHPUT, "Completion tokens a second, mean of the runs."),
    "numa_requests_per_second": (REQUEST_RATE, "Requests answered a second, mean of the runs."),
}
_Sample = tuple[Mapping[str, str], float]


def write(
    path: Path,
    wanted: settings.Settings,
    measurement: Measurement,
    judgements: Sequence[Judgement],
) -> None:
    """Write the file in one step: a collector may read at any moment. ReportError if it cannot."""
    real = destination.real(path)
    with destination.locked(real, option=_OPTION):
        destination.replace(real, text(wanted, measurement, judgements), option=_OPTION)


def text(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> str:
    """All figures of all modes, the verdicts, and how many findings of placement there were."""
    lines: list[str] = []
    policy = {
        "unit": wanted.unit.name,
        "cpus": wanted.policy.cpu_list,
        "memory_nodes": wanted.policy.node_list,
        "workload": f"{wanted.workload.api}, {wanted.workload.offered}",
    }
    lines += family("numa_session_info", "What was asked for.", [(policy, 1)])
    lines += family(
        "numa_session_begin_timestamp_seconds",
        "When the first block began.",
        [({}, measurement.begun_at.timestamp())],
    )
    lines += _figures(measurement)
    lines += family(
        "numa_failed_requests",
        "Requests that failed, in all runs.",
        [
            ({"mode": mode}, sum(run.result.failed for run in measurement.runs(mode)))
            for mode in MODES
            if measurement.runs(mode)
        ],
    )
    findings = {str(one) for run in measurement.runs("systemd") for one in run.findings}
    lines += family(
        "numa_placement_findings", "Findings against the unit's placement.", [({}, len(findings))]
    )
    lines += family("numa_verdict", "1 for what came out.", list(_verdicts(judgements)))
    return "\n".join([*lines, "# EOF", ""])


def _figures(measurement: Measurement) -> list[str]:
    lines: list[str] = []
    for name, (metric, told) in _RATES.items():
        samples = [({"mode": mode}, value) for mode, value in _means(measurement, metric.name)]
        lines += family(name, told, samples)
    latencies = [
        ({"mode": mode, "figure": name}, value / 1000)
        for name in LATENCIES
        for mode, value in _means(measurement, name)
    ]
    return lines + family("numa_latency_seconds", "Latencies, mean of the runs.", latencies)


def _means(measurement: Measurement, name: str) -> list[tuple[str, float]]:
    """The mean of a figure by mode, where there is one."""
    metric = METRICS[name]
    pairs = [
        (mode, figures.mean([metric.value(run.result) for run in measurement.runs(mode)]))
        for mode in MODES
    ]
    # NaN where no run has it.
    return [(mode, value) for mode, value in pairs if not math.isnan(value)]


def _verdicts(judgements: Sequence[Judgement]) -> Iterator[_Sample]:
    for one in judgements:
        for outcome in _OUTCOMES:
            labels = {
                "figure": one.demand.metric.name, "against": one.against, "outcome": outcome
            }  # fmt: skip
            yield labels, float(one.outcome == outcome)


def family(name: str, told: str, samples: Sequence[_Sample]) -> list[str]:
    """The lines of one metric; none where it has no sample."""
    if not samples:
        return []
    unit = [f"# UNIT {name} seconds"] if name.endswith("_seconds") else []
    head = [f"# TYPE {name} gauge", *unit, f"# HELP {name} {told}"]
    return head + [f"{name}{_labels(labels)} {value:.12g}" for labels, value in samples]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    shown = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{shown}}}"


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)
