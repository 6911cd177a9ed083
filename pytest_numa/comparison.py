"""Two recorded sessions against each other, figure by figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import Any

from pytest_numa import gate
from pytest_numa.errors import SessionError
from pytest_numa.metrics import Metric
from pytest_numa.session_file import Blocks, SessionFile

# Sessions that differ in these measured something else; another policy may be the question itself.
_ALIKE = ("host class", "workload", "server and model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of both sessions, mean of the blocks, in the metric's unit.

    ``advice`` says why it is no more than advice, if it is not.
    """

    metric: Metric
    before: float
    now: float
    verdict: gate.Verdict
    advice: str = ""

    @property
    def outcome(self) -> str:
        """What came out, as a word; nothing that decides where it is advice."""
        return "advisory" if self.advice else self.verdict.outcome

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        return "; ".join(filter(None, (self.verdict.sentence, self.advice)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of it. ``drift`` compares `pinned` with `pinned`: the host itself."""

    before: SessionFile
    now: SessionFile
    mode: str
    margin: float
    rows: Sequence[Row]
    drift: Sequence[Row]
    changes: Sequence[str]
    """What else differs: versions and policy, in words."""

    @property
    def outcome(self) -> gate.Outcome:
        """The worst of all figures; where all are advice, nothing is decided."""
        found = {row.outcome for row in self.rows}
        order: tuple[gate.Outcome, ...] = ("fail", "inconclusive", "pass")
        return next((outcome for outcome in order if outcome in found), "inconclusive")


def compare(
    before: SessionFile,
    now: SessionFile,
    *,
    metrics: Sequence[Metric],
    margin: float,
    mode: str | None = None,
) -> Comparison:
    """Judge ``now`` against ``before``; SessionError where they have nothing to be compared."""
    _refuse_unlike(before, now)
    mode = mode or _common_mode(before, now)
    for one in (before, now):
        if mode not in one.modes:
            raise SessionError(f"{one.path} has no runs of mode {mode}: {', '.join(one.modes)}")
    is_drift_known = mode != "pinned" and "pinned" in before.modes and "pinned" in now.modes
    return Comparison(
        before=before,
        now=now,
        mode=mode,
        margin=margin,
        rows=_rows(before, now, mode, metrics, margin),
        drift=_rows(before, now, "pinned", metrics, margin) if is_drift_known else (),
        changes=_changes(before, now),
    )


def _refuse_unlike(before: SessionFile, now: SessionFile) -> None:
    for name in _ALIKE:
        then, late = before.subject.get(name), now.subject.get(name)
        if then is not None and late is not None and then != late:
            raise SessionError(
                f"the sessions cannot be compared: the {name} was {then} in {before.path}, and is "
                f"{late} in {now.path}"
            )


def _common_mode(before: SessionFile, now: SessionFile) -> str:
    common = [
        mode
        for mode in ("systemd", "pinned", "bench")
        if mode in before.modes and mode in now.modes
    ]
    if not common:
        raise SessionError(
            f"the sessions have no mode in common: {', '.join(before.modes)} in {before.path}, "
            f"{', '.join(now.modes)} in {now.path}"
        )
    return common[0]


def _rows(
    before: SessionFile, now: SessionFile, mode: str, metrics: Sequence[Metric], margin: float
) -> list[Row]:
    sides = [
        (values(_measured(one, mode), metric, one), metric)
        for metric in metrics
        for one in (before, now)
    ]
    pairs = [
        (metric, then, late)
        for (then, metric), (late, _) in zip(sides[::2], sides[1::2], strict=True)
    ]
    advice = [
        metric.advice(run for one in (before, now) for block in one.modes[mode] for run in block)
        for metric in metrics
    ]
    comparisons = [_compared(metric, then, late, margin) for metric, then, late in pairs]
    gated = [one for one, advised in zip(comparisons, advice, strict=True) if not advised]
    together = iter(gate.judge_together(gated))
    return [
        Row(
            metric=metric,
            before=_middle(then),
            now=_middle(late),
            verdict=judged(1.0) if advised else next(together),
            advice=advised,
        )
        for (metric, then, late), judged, advised in zip(pairs, comparisons, advice, strict=True)
    ]


def _compared(
    metric: Metric, then: list[list[float]], late: list[list[float]], margin: float
) -> gate.Comparison:
    judged = partial(gate.judge_against_record, [then], late, margin=margin, better=metric.better)
    return _by_share(partial(judged, is_confirmed=False))


def _by_share(judged: Callable[..., gate.Verdict]) -> gate.Comparison:
    return lambda share: judged(share=share)


def _measured(one: SessionFile, mode: str) -> Blocks:
    """The blocks of a mode that tell of the service; SessionError where its requests failed.

    A service that refuses requests is fast; a load generator at its limit tells of itself.
    """
    blocks = one.modes[mode]
    failed = sum(run.failed for block in blocks for run in block)
    if failed:
        raise SessionError(
            f"the sessions cannot be compared: {failed} requests failed in mode {mode} of "
            f"{one.path}, and a run with failures says nothing of speed"
        )
    kept = [block for block in blocks if not any(run.client.bound for run in block)]
    if not kept:
        raise SessionError(
            f"the sessions cannot be compared: in mode {mode} of {one.path} the load generator, "
            "and not the service, was the limit in every block"
        )
    return kept


def values(blocks: Blocks, metric: Metric, source: SessionFile) -> list[list[float]]:
    """The metric by block and run; SessionError where a run has none."""
    # What stands in a file need not be a number.
    found: list[list[Any]] = [[metric.value(run) for run in block] for block in blocks]
    for value in (value for block in found for value in block):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise SessionError(f"{source.path}: no {metric.label} in some of the runs")
    return found


def _middle(blocks: Sequence[Sequence[float]]) -> float:
    return fmean(median(block) for block in blocks)


def _changes(before: SessionFile, now: SessionFile) -> list[str]:
    pairs = [("policy", before.subject.get("policy"), now.subject.get("policy"))]
    names = sorted({*before.versions, *now.versions})
    pairs += [(name, before.versions.get(name), now.versions.get(name)) for name in names]
    return [
        f"{name} {then} became {late}"
        for name, then, late in pairs
        if then and late and then != late
    ]
