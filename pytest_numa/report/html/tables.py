"""Figures, placement, evidence, conditions and versions as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_numa import formatting
from pytest_numa.report.html.parts import Block, Bullets, Part, Section, Table, Text
from pytest_numa.report.html.verdict import interval

_NUMBERS = frozenset(range(1, 12))
_AGAINST = {"pinned": "systemd against pinned", "record": "systemd against record"}


def figures(document: Mapping[str, Any]) -> Section:
    """Every figure of every mode, and what is known of their differences."""
    modes = list(document["modes"])
    known = document.get("figures", {})
    verdicts = document.get("verdicts", ())
    compared = [one for one in _AGAINST if any(one == each["against"] for each in verdicts)]
    rows = [
        [
            f"{one['label']} ({one['unit']})",
            *(_number(one["modes"].get(mode)) for mode in modes),
            *(_against(document, name, against) for against in compared),
        ]
        for name, one in known.items()
        if any(value is not None for value in one["modes"].values())
    ]
    headers = ("Figure", *modes, *(_AGAINST[one] for one in compared))
    parts: list[Part] = [
        Text(text="Means of the runs. Positive changes are slower; intervals hold the true change.")
    ]
    if rows:
        caption = "Figures of each mode"
        parts.append(Table(caption=caption, headers=headers, rows=rows, numeric=_NUMBERS))
    parts.append(_requests(document))
    effects = document.get("effect_of_pinning", {})
    drifts = document.get("host_drift", {})
    if effects or drifts:
        parts.append(_effects(effects, drifts))
    return Section(name="figures", title="Figures", parts=parts)


def _requests(document: Mapping[str, Any]) -> Table:
    rows = [
        [
            mode,
            str(sum(len(block) for block in blocks)),
            str(sum(run["completed"] for block in blocks for run in block)),
            str(sum(run["failed"] for block in blocks for run in block)),
            str(sum(bool(run["client"]["bound"]) for block in blocks for run in block)),
        ]
        for mode, blocks in document["modes"].items()
    ]
    return Table(
        caption="Runs and requests",
        headers=("Mode", "Runs", "Answered", "Failed", "Client-bound runs"),
        rows=rows,
        numeric=_NUMBERS,
    )


def _effects(effects: Mapping[str, Any], drifts: Mapping[str, Any]) -> Table:
    rows = [
        (one["label"], what, interval(one["interval"]), one["sentence"])
        for what, found in (
            ("pinned against unpinned", effects),
            ("pinned against its record", drifts),
        )
        for one in found.values()
    ]
    return Table(
        caption="What pinning by hand does, and whether the host has changed",
        headers=("Figure", "Compared", "Interval", "In words"),
        rows=rows,
        numeric=frozenset({2}),
    )


def _against(document: Mapping[str, Any], figure: str, against: str) -> str:
    one = next(
        (
            one
            for one in document.get("verdicts", ())
            if (one["figure"], one["against"]) == (figure, against)
        ),
        None,
    )
    return "-" if one is None else f"{one['slowdown']:+.1%} ({interval(one['interval'])})"


def evidence(document: Mapping[str, Any]) -> Section | None:
    """What the kernel counted around the runs."""
    found = document.get("evidence")
    if not found or not found["rows"]:
        return None
    modes = list(found["rows"][0]["modes"])
    table = Table(
        caption="Counted around each run",
        headers=("Per run", *modes),
        rows=[[row["label"], *(row["modes"][mode] for mode in modes)] for row in found["rows"]],
        numeric=_NUMBERS,
    )
    parts = (Text(text=found["note"]), table)
    return Section(name="evidence", title="What the kernel counted", parts=parts)


def conditions(document: Mapping[str, Any]) -> Section | None:
    """Governors and neighbours, where they were measured."""
    found = document.get("conditions") or {}
    parts: list[Part] = []
    if found.get("changes"):
        parts.append(_changes(found["changes"]))
    if told := [*found.get("sentences", ()), *found.get("notes", ())]:
        parts.append(Bullets(lines=list(dict.fromkeys(told))))
    if not parts:
        return None
    return Section(name="conditions", title="Under other conditions", parts=parts)


def _changes(changes: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        caption="Each mode under a condition, against itself without",
        headers=("Condition", "Mode", "Figure", "As it is", "Under it", "Slower by", "Interval"),
        rows=[
            (
                one["condition"],
                one["mode"],
                one["figure"],
                _number(one["as_it_is"]),
                _number(one["under"]),
                f"{one['slowdown']:+.1%}",
                "none" if None in one["interval"] else interval(one["interval"]),
            )
            for one in changes
        ],
        numeric=frozenset({3, 4, 5, 6}),
    )


def about(document: Mapping[str, Any]) -> Section:
    """What a reader should know, what was asked for, and what it ran on."""
    parts: list[Part] = []
    if told := [*document.get("limits", ()), *document.get("notices", document.get("notes", ()))]:
        parts.append(Bullets(lines=list(dict.fromkeys(told))))
    parts.append(_pairs("What was measured", _asked(document)))
    if document.get("versions"):
        parts.append(_pairs("Versions", document["versions"].items()))
    return Section(name="about", title="Notes, settings and versions", parts=parts)


def _asked(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from document.get("subject", {}).items()
    policy, plan = document.get("policy"), document.get("plan")
    if policy:
        yield "unit", policy["unit"]
        yield "manager", f"{policy['manager']['name']} ({policy['manager']['reason']})"
        yield "load generator", f"CPUs {policy['client_cpus'] or 'of the policy, having no others'}"
        yield "accepted slowdown", f"{policy['margin']:.1%}"
        yield "recorded sessions", str(policy["recorded_sessions"])
    if plan:
        limit_s = plan["max_time_s"]
        time = "" if limit_s is None else f", within {formatting.duration(limit_s)}"
        yield "budget", f"at most {plan['max_blocks']} blocks{time}, {plan['runs']} run(s) a block"


def _pairs(caption: str, pairs: Any) -> Table:  # noqa: ANN401 - any iterable of pairs
    rows = [(str(key), str(value)) for key, value in pairs]
    return Table(caption=caption, headers=("What", "Value"), rows=rows)


def findings(run: Mapping[str, Any]) -> Iterator[Block]:
    """The findings of a run, as they are told everywhere."""
    for one in run["findings"]:
        yield Block(
            text=f"{one['subject']}\n  expected  {one['expected']}\n  found     {one['found']}\n"
            f"  probably  {one['cause']}\n  to fix    {one['fix']}",
            style="fail",
        )


def _number(value: float | None) -> str:
    return "-" if value is None else formatting.number(value)
