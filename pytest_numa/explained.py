"""What came of a test, in words that stand alone: what is wrong, why it probably is, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from pytest_numa import outcome, problem, reasons, settings, shortage
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.placement import Wanted, over_time
from pytest_numa.problem import Problem

Result = Literal["pass", "fail", "inconclusive", "skip"]
Rows = tuple[tuple[str, str], ...]

_NULL_CONTROL = (
    "the null control failed: the command pinned by hand, held against itself in place of the "
    "unit, is told apart from itself or does not work. Until that is mended (a noisy neighbour, a "
    "clock that changes, too few requests) no verdict of this host can be trusted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a test asks for: placements, and figures."""

    placements: tuple[Wanted, ...] = ()
    has_figures: bool = False

    def __bool__(self) -> bool:
        return bool(self.placements) or self.has_figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one test: its result, and each thing that is not as demanded."""

    result: Result
    problems: tuple[Problem, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The problems as a failed test tells them."""
        return tuple(map(str, self.problems))


def of_test(
    asked: Asked,
    measurement: Measurement,
    judgements: Sequence[Judgement],
    wanted: settings.Settings,
) -> Outcome:
    """All that one test asks for, together."""
    parts = [of_placement(measurement, one) for one in asked.placements]
    if asked.has_figures:
        parts += [of_figures(measurement, judgements, wanted)]
    results = [part.result for part in parts]
    worst: Result = next(
        (result for result in ("fail", "inconclusive") if result in results), "pass"
    )
    found = dict.fromkeys(one for part in parts for one in part.problems)
    return Outcome(result=worst, problems=tuple(found))


def of_session(
    asked: Asked,
    measurement: Measurement,
    judgements: Sequence[Judgement],
    wanted: settings.Settings,
) -> list[Problem]:
    """All that any test asks for and did not get, the worst first."""
    found = [
        *of_test(asked, measurement, judgements, wanted).problems,
        *of_record(judgements, wanted).problems,
    ]
    found.sort(key=lambda one: one.weight != "fail")
    if wanted.is_null_control and found and found[0].weight == "fail":
        found.insert(0, Problem(weight="fail", what=_NULL_CONTROL))
    return found


def told(found: Outcome, *, is_null_control: bool) -> str:
    """All texts of an outcome, for the reader of a failure."""
    text = "\n\n".join(found.texts)
    if not is_null_control or found.result != "fail":
        return text
    return f"{_NULL_CONTROL}\n\n{text}"


def of_placement(measurement: Measurement, wanted: Wanted) -> Outcome:
    """Every finding of every systemd run, each once, judged by what the test wants."""
    found = [
        finding
        for run in measurement.runs("systemd")
        for finding in over_time([proof.judged_by(wanted) for proof in run.proofs])
    ]
    texts = dict.fromkeys(map(str, found))
    problems = problem.alike([problem.parsed(text, weight="fail") for text in texts])
    return Outcome(result="fail" if problems else "pass", problems=tuple(problems))


def of_figures(
    measurement: Measurement, judgements: Sequence[Judgement], wanted: settings.Settings
) -> Outcome:
    """The verdicts, after the failed requests, which no verdict can make good."""
    failed = outcome.failed_requests(measurement.blocks)
    if failed:
        told = tuple(problem.parsed(text, weight="fail") for text in failed)
        return Outcome(result="fail", problems=told)
    bad = [one for one in judgements if one.outcome in ("fail", "inconclusive")]
    # The worst first; what was compared with the same thing, together.
    bad.sort(key=lambda one: (one.outcome, one.against))
    problems = [
        _problem(list(group), measurement, wanted)
        for _, group in groupby(bad, key=lambda one: (one.outcome, one.against))
    ]
    is_failed = any(one.outcome == "fail" for one in bad)
    return Outcome(
        result="fail" if is_failed else "inconclusive" if bad else "pass",
        problems=tuple(dict.fromkeys(problems)),
    )


def of_record(judgements: Sequence[Judgement], wanted: settings.Settings) -> Outcome:
    """Whether ratios had a record to be held against, and what it counts as where they had none."""
    is_lacking = wanted.lacks_baseline and any(one.against == "pinned" for one in judgements)
    if not is_lacking:
        return Outcome(result="pass")
    is_skipped = wanted.missing_baseline == "skip"
    no_record = Problem(
        weight="skip" if is_skipped else "fail",
        what="no pinned baseline is recorded for this class of host, workload, server and policy",
        rows=(
            ("expected", f"a record in {wanted.baseline_path}"),
            ("found", "none, so nothing says whether the host is as fast as it once was"),
            (
                "to fix",
                "where the host is good now, run the same command with --numa-record, best in "
                "several sessions; to do without, --numa-missing-baseline skip",
            ),
        ),
    )
    return Outcome(result="skip" if is_skipped else "fail", problems=(no_record,))


def _problem(
    group: Sequence[Judgement], measurement: Measurement, wanted: settings.Settings
) -> Problem:
    """Judgements with one outcome, against one thing."""
    against, is_failed = group[0].against, group[0].outcome == "fail"
    if not is_failed:
        return shortage.undecided(group, measurement, wanted)
    if against == "limit":
        return _beyond_limit(group)
    if against == "record" and (drifted := _drifted(group, measurement, wanted)):
        return drifted
    before = (
        "the same command pinned by hand (numactl, taskset), in this session"
        if against == "pinned"
        else "the recorded pinned baseline"
    )
    return Problem(
        weight="fail",
        what=f"the service under systemd is slower than {before}",
        rows=(
            ("expected", f"at most {_margins(group)} slower"),
            ("found", _found(group)),
            *_probably(measurement),
        ),
    )


def _beyond_limit(group: Sequence[Judgement]) -> Problem:
    return Problem(
        weight="fail",
        what="the service under systemd is beyond an absolute limit that a test sets",
        rows=(
            ("found", "; ".join(f"{one.demand.metric.label}: {one.verdict.sentence}"
                                for one in group)),
            (
                "to fix",
                "see in the table whether `pinned` keeps the limit: then the unit is at fault, and "
                "else the server, the model, the load or the limit",
            ),
        ),
    )  # fmt: skip


def _drifted(
    group: Sequence[Judgement], measurement: Measurement, wanted: settings.Settings
) -> Problem | None:
    """Where the control is slower than its record, too, the host has changed and not the unit."""
    names = [one.demand.metric.name for one in group]
    drifts = {name: outcome.host_drift(measurement, wanted, name) for name in names}
    slower = [
        f"{one.demand.metric.label} {outcome.change(verdict)}"
        for one in group
        if (verdict := drifts[one.demand.metric.name]) is not None and verdict.outcome == "fail"
    ]
    if not slower:
        return None
    changed = outcome.changes_since_record(wanted)
    return Problem(
        weight="fail",
        what="the host has become slower, not the unit: `pinned` itself is slower than its record",
        rows=(
            ("expected", f"at most {_margins(group)} slower than the record"),
            ("found", f"pinned by hand: {'; '.join(slower)}"),
            ("", f"under systemd: {_found(group)}"),
            (
                "probably",
                f"since the record {'; '.join(changed)}"
                if changed
                else "clock, heat, a neighbour or the firmware: no version has changed since",
            ),
            (
                "to fix",
                "look for what changed: pytest-numa audit, pytest-numa history; where the host is "
                "to stay as it is, --numa-record=replace begins the record anew",
            ),
        ),
    )


def _margins(group: Sequence[Judgement]) -> str:
    return " or ".join(dict.fromkeys(f"{one.demand.margin:.1%}" for one in group))


def _found(group: Sequence[Judgement]) -> str:
    return "; ".join(f"{one.demand.metric.label} {outcome.change(one.verdict)}" for one in group)


def _probably(measurement: Measurement) -> Rows:
    """Why it probably is so, and what to do next, in the manner of findings."""
    control, candidate = (
        [run.evidence for run in measurement.runs(mode) if run.evidence is not None]
        for mode in ("pinned", "systemd")
    )
    found = reasons.probable(control, candidate)
    if not found:
        return (
            ("probably", "nothing that the kernel counted tells why"),
            (
                "to fix",
                "look for what the unit sets besides the policy (a quota, Nice=, a sandbox, the "
                "environment): systemctl show UNIT, and pytest-numa unit lint",
            ),
        )
    return tuple(row for one in found for row in (("probably", one.text), ("to fix", one.fix)))
