"""A session in three sentences and a line, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_numa import explained, formatting, outcome, settings
from pytest_numa.errors import LoadError
from pytest_numa.explained import Asked
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.metrics import METRICS
from pytest_numa.problem import Problem
from pytest_numa.report import figures

# From so many recorded sessions on, the gate knows how much sessions differ.
_ENOUGH_SESSIONS = 3
_WORDS = {
    "error": "Not accepted",
    "fail": "Not accepted",
    "inconclusive": "Not decided",
    "skip": "Not judged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """Markdown: ``sentences`` and ``line`` are single lines, and so is each of ``steps``."""

    sentences: tuple[str, ...]
    line: str
    steps: tuple[str, ...]


def of(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> Conclusion:
    """What a session comes to."""
    asked = Asked(placements=(wanted.wanted,), has_figures=bool(judgements))
    problems = explained.of_session(asked, measurement, judgements, wanted)
    verdict, placed = _verdict(problems, judgements), _placed(measurement)
    return Conclusion(
        sentences=(verdict, placed, _compared(wanted, measurement)),
        line=f"{verdict} {_in_short(judgements)}".rstrip(),
        steps=tuple(map(formatting.markdown_line, _steps(wanted, problems))),
    )


def _verdict(problems: Sequence[Problem], judgements: Sequence[Judgement]) -> str:
    if problems:
        # The word in front has said it.
        what = problems[0].what.removeprefix("not decided: ").removeprefix("not decided ")
        first = formatting.markdown_cell(what)
        more = len(problems) - 1
        others = f" (and {figures.count(more, 'more problem')})" if more else ""
        return f"**{_WORDS[problems[0].weight]}**: {first}{others}."
    against = dict.fromkeys(one.against for one in judgements if not one.advice)
    names = {
        "pinned": "the same command pinned by hand",
        "record": "the recorded baseline",
        "limit": "the limits that are set",
    }
    if not against:
        return "**Accepted**: placement is as the policy says; no figure was judged."
    return (
        "**Accepted**: the service under systemd is not slower than is accepted, against "
        f"{' and '.join(names[one] for one in against)}."
    )


def _in_short(judgements: Sequence[Judgement]) -> str:
    """The first figures, against the control of the same session."""
    told = [one for one in judgements if one.against == "pinned" and one.verdict.blocks]
    first = next(iter(told), None)
    return "" if first is None else f"Against pinned: {figures.brief(first)}."


def _placed(measurement: Measurement) -> str:
    runs = measurement.runs("systemd")
    if not runs:
        return "Placement was not looked at: the unit was not measured."
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


def _compared(wanted: settings.Settings, measurement: Measurement) -> str:
    try:
        return _bought(wanted, measurement)
    except LoadError as error:
        return formatting.markdown_cell(f"Nothing is said of speed: {error}.")


def _bought(wanted: settings.Settings, measurement: Measurement) -> str:
    """What pinning bought, or that the host has changed, which is of more interest then."""
    if outcome.failed_requests(measurement.blocks):
        return "Requests failed, so that nothing is said of speed."
    if not measurement.runs("pinned"):
        return "What pinning buys was not measured."
    drift = outcome.host_drift(measurement, wanted, "tokens_per_s")
    if drift is not None and drift.outcome == "fail":
        changed = "; ".join(outcome.changes_since_record(wanted)) or "no version has changed"
        return (
            f"The host has changed: throughput of `pinned` is {outcome.change(drift)} than its "
            f"record ({formatting.markdown_cell(changed)})."
        )
    if not measurement.runs("unpinned"):
        return "What pinning buys was not measured."
    effect = outcome.effect_of_pinning(measurement, METRICS["tokens_per_s"])
    low, high = effect.interval
    undecided = ": no difference is shown" if low < 0 < high else ""
    return f"What pinning by hand did to throughput: {figures.compared(effect)}{undecided}."


def _steps(wanted: settings.Settings, problems: Sequence[Problem]) -> list[str]:
    """What mends each problem; where there is none, how to keep it so."""
    fixes = dict.fromkeys(text for one in problems for label, text in one.rows if label == "to fix")
    if fixes:
        return [f"{text[0].upper()}{text[1:]}." for text in fixes]
    sessions = len(wanted.baseline.sessions) if wanted.baseline else 0
    sessions += wanted.is_recording
    lacking = _ENOUGH_SESSIONS - sessions
    record = [
        f"Record {figures.count(lacking, 'more session')} of this host while it is good: pytest "
        f"--numa-record. From {_ENOUGH_SESSIONS} on, the gate knows by how much sessions differ."
    ]
    return [
        *(record if lacking > 0 else []),
        "Run the same command after each change of the host, the unit or the server; pytest-numa "
        "history shows when the speed has changed, and what else did.",
    ]
