"""Values of a session that several reports tell: mean figures by mode, sentences, limits."""

import math
from collections.abc import Sequence

from pytest_numa import formatting, gate, outcome, settings
from pytest_numa.experiment import MODES
from pytest_numa.judgement import Judgement
from pytest_numa.kernel import cpulist
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS

# Three times as slow.
_WIDEST = 2.0


def mean(values: Sequence[float | None]) -> float:
    """The mean of what is known; NaN of nothing."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")


def count(number: int, noun: str) -> str:
    """``1 process``, ``2 processes``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def brief(one: Judgement) -> str:
    """A judgement in a few words: figure, change, interval."""
    if not one.verdict.blocks:
        return f"{one.demand.metric.label} was measured in no block that counts"
    return f"{one.demand.metric.label} {outcome.change(one.verdict)}"


def verdict(one: Judgement) -> str:
    """A judgement in one line: figure, what it was held against, change, interval."""
    against = {"pinned": "pinned", "record": "the record", "limit": "its limit"}[one.against]
    return f"{one.demand.metric.label} against {against}: {_come_out(one)}"


def _come_out(one: Judgement) -> str:
    if not one.verdict.blocks:
        return "measured in no block that counts"
    return one.verdict.sentence if one.against == "limit" else outcome.change(one.verdict)


def compared(effect: gate.Effect) -> str:
    """An effect in a few words; of an interval that is very wide nobody learns anything."""
    low, high = effect.interval
    is_told = high <= _WIDEST and low >= -_WIDEST / (1 + _WIDEST)
    shown = f"{low:+.1%} to {high:+.1%}" if is_told else "too few blocks for an interval"
    return f"{abs(effect.slowdown):.1%} {'slower' if effect.slowdown >= 0 else 'faster'} ({shown})"


def properties(measurement: Measurement) -> list[tuple[str, str]]:
    """Every figure of every mode by name, mean of the runs, for JUnit files."""
    return [
        (f"numa.{mode}.{metric.name}", f"{value:.9g}")
        for mode in MODES
        for metric in METRICS.values()
        if not math.isnan(
            value := mean([metric.value(run.result) for run in measurement.runs(mode)])
        )
    ]


def verdict_properties(judgements: Sequence[Judgement]) -> list[tuple[str, str]]:
    """Every comparison by name, for JUnit files: what came out, by how much, how surely."""
    found: list[tuple[str, str]] = []
    for one in judgements:
        name = f"numa.verdict.{one.demand.metric.name}.{one.against}"
        low, high = one.verdict.interval
        found += [(f"{name}.outcome", one.outcome), (f"{name}.blocks", str(one.verdict.blocks))]
        # Before the first look nothing is known.
        if math.isfinite(high):
            found += [
                (f"{name}.slowdown", f"{one.verdict.slowdown:.9g}"),
                (f"{name}.interval_low", f"{low:.9g}"),
                (f"{name}.interval_high", f"{high:.9g}"),
            ]
        found.append((f"{name}.sentence", outcome.sentence(one)))
    return found


def client_place(wanted: settings.Settings) -> str:
    """Where the load generator runs."""
    if wanted.client_cpus is None:
        return (
            "the load generator shares the policy's CPUs, since no other CPU is left: "
            "latencies include its work"
        )
    return f"the load generator runs on CPUs {cpulist.format(wanted.client_cpus)}"


def limits(wanted: settings.Settings) -> list[str]:
    """What cannot be shown on this host, said before anybody takes it for shown."""
    found = []
    if len(wanted.topology.nodes) == 1:
        found.append(
            "this host has one NUMA node: memory cannot lie on a wrong one, so its placement is "
            "not put to the test"
        )
    if wanted.policy.cpus == wanted.topology.cpus_online:
        found.append(
            "the policy has all online CPUs: no thread can run on a wrong one, and `unpinned` "
            "differs from `pinned` by nothing but the memory policy"
        )
    if not wanted.manager.has_cpuset and wanted.unit.values("AllowedCPUs"):
        found.append(
            f"AllowedCPUs= and AllowedMemoryNodes= have no effect under the manager "
            f"{wanted.manager.name} here (no cpuset controller); CPUAffinity=, NUMAPolicy= and "
            "NUMAMask= hold the policy"
        )
    return found


def notices(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> list[str]:
    """What a reader should know beside the verdicts."""
    found = [*remarks(wanted, measurement), *client_bound(measurement)]
    found += [text.splitlines()[0] for text in outcome.failed_requests(measurement.blocks)]
    if wanted.lacks_baseline:
        found.append(
            "no pinned baseline is recorded for this class of host, workload, server and policy: "
            "pytest --numa-record with the same options records one"
        )
    failed = [one for one in judgements if one.outcome == "fail"]
    if any(one.against == "record" for one in failed):
        found += _drift(wanted, measurement, failed)
    return found


def remarks(wanted: settings.Settings, measurement: Measurement) -> list[str]:
    """How it was measured, where nothing is wrong with that."""
    return [
        *measurement.notes,
        *measurement.page_cache,
        *_shared_cpus(wanted, measurement),
        *_unlike_commands(measurement),
    ]


def client_bound(measurement: Measurement) -> list[str]:
    """Whether the load generator was the limit in some of the runs."""
    runs = _runs(measurement)
    bound = [run for run in runs if run.result.client.bound]
    if not bound:
        return []
    return [
        f"the load generator was the limit in {len(bound)} of {len(runs)} runs (client-bound): "
        "these say little of the server; use a lower concurrency"
    ]


def _shared_cpus(wanted: settings.Settings, measurement: Measurement) -> list[str]:
    """What the load generator took of the service's CPUs, where it had no others."""
    results = [run.result for run in _runs(measurement)]
    available_s = sum(result.duration_s for result in results) * len(wanted.policy.cpus)
    if wanted.client_cpus is not None or not available_s:
        return []
    share = sum(result.client.cpu_s for result in results) / available_s
    return [
        "the load generator had no CPUs of its own: it took "
        f"{formatting.percent(share)} of the time of the policy's CPUs"
    ]


def _unlike_commands(measurement: Measurement) -> list[str]:
    """Whether the control ran what the unit runs; both tell the kernel, whatever they call it."""
    seen = {run.argv: run.mode for run in _runs(measurement) if run.argv}
    if len(seen) < 2:  # noqa: PLR2004 - unlike takes two
        return []
    shown = "; ".join(f"{mode}: {' '.join(argv)}" for argv, mode in seen.items())
    return [f"the modes did not run the same command, so their figures compare little ({shown})"]


def _drift(
    wanted: settings.Settings, measurement: Measurement, failed: Sequence[Judgement]
) -> list[str]:
    """Whether the host is slower than it was, rather than the unit."""
    names = {one.demand.metric.name for one in failed if one.against == "record"}
    drifts = {name: outcome.host_drift(measurement, wanted, name) for name in sorted(names)}
    return [
        f"{name}: `pinned` is slower than its record, too ({verdict.sentence}): the host has "
        "changed, not the unit"
        for name, verdict in drifts.items()
        if verdict is not None and verdict.outcome == "fail"
    ]


def _runs(measurement: Measurement) -> list[Run]:
    return [run for block in measurement.blocks for runs in block.values() for run in runs]
