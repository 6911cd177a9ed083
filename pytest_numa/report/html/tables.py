"""Figures, placement, evidence, conditions and versions as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_numa import formatting
from pytest_numa.report.html.parts import Block, Bullets, Part, Section, Table, Text
from pytest_numa.report.html.verdict import interval

_NUMBERS = frozenset(range(1, 12))


def figures(document: Mapping[str, Any]) -> Section:
    """Every figure of every mode, and what is known of their differences."""
    parts: list[Part] = [
        Text(
            text="Means of the runs, with the 99 % interval of the mean from three blocks on. "
            "Positive changes are slower."
        )
    ]
    if document.get("figures"):
        parts.append(_figures(document))
    parts.append(_requests(document))
    effects = document.get("effect_of_pinning", {})
    drifts = document.get("host_drift", {})
    if effects or drifts:
        parts.append(_effects(effects, drifts))
    return Section(name="figures", title="Figures", parts=parts)


def _figures(document: Mapping[str, Any]) -> Table:
    modes = list(document["modes"])
    found = document["figures"]
    compared = [
        mode for mode in modes if any(mode in one.get("changes", {}) for one in found.values())
    ]
    is_recorded = any(one["against"] == "record" for one in document.get("verdicts", ()))
    rows = [
        [
            f"{one['label']} ({one['unit']})",
            *(_mean(one, mode) for mode in modes),
            *(_change(one.get("changes", {}).get(mode)) for mode in compared),
            *([_against_record(document, name)] if is_recorded else []),
        ]
        for name, one in found.items()
        if any(value is not None for value in one["modes"].values())
    ]
    headers = [
        *("Figure", *modes),
        *(f"{mode} against pinned" for mode in compared),
        *(["systemd against record"] if is_recorded else []),
    ]
    return Table(caption="Figures of each mode", headers=headers, rows=rows, numeric=_NUMBERS)


def _mean(figure: Mapping[str, Any], mode: str) -> str:
    mean, bounds = figure["modes"].get(mode), figure.get("intervals", {}).get(mode)
    if mean is None or bounds is None:
        return _number(mean)
    return f"{_number(mean)}\n({' to '.join(map(_number, bounds))})"


def _change(change: Mapping[str, Any] | None) -> str:
    if change is None:
        return "-"
    shown = f"{change['slowdown']:+.1%}"
    return f"{shown}\n({interval(change['interval'])})" if change["interval"] else shown


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


def _against_record(document: Mapping[str, Any], figure: str) -> str:
    verdicts = document["verdicts"]
    own = [one for one in verdicts if (one["figure"], one["against"]) == (figure, "record")]
    return _change(own[0] if own else None)


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
