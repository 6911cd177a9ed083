"""Part 2: the same for who pays for it, without the words of the trade."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_numa.report.client import recommendations, words
from pytest_numa.report.client.facts import FIGURE, Facts
from pytest_numa.report.client.risk import RULES, Risk, count
from pytest_numa.report.html.parts import Bullets, Part, Section, Table, Text


def sections(facts: Facts, risk: Risk) -> Iterator[Section]:
    """The sections of the client's view, in their order."""
    yield Section(name="client-risk", title="Part 2: Risk", parts=_risk(risk))
    found = Bullets(lines=list(_findings(facts)))
    yield Section(name="client-findings", title="Part 2: Findings", parts=[found])
    yield Section(
        name="client-recommendations",
        title="Part 2: Recommendations",
        parts=[recommendations.table(facts)],
    )
    yield Section(name="client-checklist", title="Part 2: Checklist", parts=[_checklist(facts)])


def _risk(risk: Risk) -> list[Part]:
    return [
        Text(text=f"Risk: {risk.level}", style="lead"),
        Bullets(lines=[f"{one[0].upper()}{one[1:]}." for one in risk.reasons]),
        Text(text="How the level is found:"),
        Bullets(lines=RULES),
    ]


def _findings(facts: Facts) -> Iterator[str]:
    yield _place(facts)
    failed, of = facts.requests
    if of:
        yield (
            f"All {of} test requests were answered."
            if not failed
            else f"{failed} of {of} test requests were not answered."
        )
    for one in facts.verdicts("fail", "inconclusive", "pass"):
        yield _speed(one)
    drift = (facts.session.get("host_drift") or {}).get(FIGURE)
    if drift is not None and drift["outcome"] == "fail":
        yield f"The machine itself has become slower: {words.change(drift)}."
    yield from _history(facts)
    for check in facts.checks("fail"):
        yield f"The machine: {words.fault(check['id'])}."
    unknown = facts.checks("unknown")
    if unknown:
        yield f"{count(len(unknown), 'point')} of the machine could not be examined."


def _place(facts: Facts) -> str:
    found = facts.findings
    if found:
        return (
            f"{count(len(found), 'part')} of the service used another part of the machine than the "
            "one that is meant for it."
        )
    if facts.is_placement_proven:
        return "All of the service worked in the part of the machine that is meant for it."
    return "Whether all of the service worked where it is meant to is not proven."


def _speed(one: Mapping[str, Any]) -> str:
    figure, against = words.FIGURES.get(one["figure"], one["label"]), words.AGAINST[one["against"]]
    outcome = {
        "pass": "as good as is demanded",
        "fail": "worse than is accepted",
        "inconclusive": "not decided, since the measurements vary too much"
        if words.is_known(one)
        else "not decided",
    }[one["outcome"]]
    return f"{figure[0].upper()}{figure[1:]}, {against}: {outcome} ({words.change(one)})."


def _history(facts: Facts) -> Iterator[str]:
    if facts.trend is None or not facts.trend.values:
        return
    yield f"The speed was measured {count(len(facts.trend.values), 'time')} so far."
    for change in facts.trend.changes:
        when = facts.trend.entries[change.index].when[:10]
        worse = (change.change < 0) == (facts.trend.metric.better == "higher")
        yield f"Since {when} it is {'worse' if worse else 'better'}: {change.change:+.1%}."


def _checklist(facts: Facts) -> Table:
    rows: Sequence[tuple[str, bool | None]] = (
        ("The service works only where it is meant to", _is_placed(facts)),
        ("Every request is answered", _all_answered(facts)),
        ("It is as fast as the same program set up by hand", _is_fast(facts, "pinned")),
        ("It is as fast as it was when it was accepted", _is_fast(facts, "record")),
        ("The machine was examined, and no fault found", _is_sound(facts)),
        ("What a fixed place brings was measured", _is_effect_known(facts)),
        (
            "What other work on the machine costs was measured",
            any(map(words.is_known, facts.conditions("neighbour"))),
        ),
    )
    shown = {True: "yes", False: "no", None: "not known"}
    return Table(
        caption="Before the service goes to its users",
        headers=("Asked", "Answer"),
        rows=[(what, shown[holds]) for what, holds in rows],
    )


def _is_placed(facts: Facts) -> bool | None:
    if facts.findings:
        return False
    return True if facts.is_placement_proven else None


def _all_answered(facts: Facts) -> bool | None:
    failed, of = facts.requests
    return not failed if of else None


def _is_fast(facts: Facts, against: str) -> bool | None:
    outcomes = {
        one["outcome"]
        for one in facts.verdicts("pass", "fail", "inconclusive")
        if one["against"] == against
    }
    if "fail" in outcomes:
        return False
    return True if outcomes == {"pass"} else None


def _is_effect_known(facts: Facts) -> bool:
    found = (facts.session.get("effect_of_pinning") or {}).get(FIGURE)
    return found is not None and words.is_known(found)


def _is_sound(facts: Facts) -> bool | None:
    return None if facts.audit is None else not facts.checks("fail")
