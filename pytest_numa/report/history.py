"""The history of sessions, as text and as JSON."""

import json
import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from pytest_numa import formatting, trend
from pytest_numa.history import Entry
from pytest_numa.trend import Change, Trend

_WIDTH = 80
_PLOT = 24


def as_text(series: Sequence[Sequence[Trend]]) -> str:
    """For a person: of each series a table with a plot for each figure, then what changed."""
    return "\n\n".join(_series(trends) for trends in series)


def _series(trends: Sequence[Trend]) -> str:
    first = trends[0].entries[0]
    about = [f"host {first.host}", *(f"{name}: {text}" for name, text in first.subject.items())]
    # What a file says is text, whatever stands in it, and no command to the terminal.
    shown = [formatting.printable(text) for text in about]
    lines = [line for text in shown for line in textwrap.wrap(text, _WIDTH, subsequent_indent="  ")]
    return "\n\n".join(["\n".join(lines), *map(_trend, trends)])


def _trend(one: Trend) -> str:
    low, high = min(one.values), max(one.values)
    starts = {change.index for change in one.changes}
    rows = [
        (
            entry.when[:16].replace("T", " "),
            formatting.number(value),
            _plotted(value, low, high),
            _outcome(entry, one),
            "change" if number in starts else "",
        )
        for number, (entry, value) in enumerate(zip(one.entries, one.values, strict=True))
    ]
    span = f"{formatting.number(low)} to {formatting.number(high)}"
    headers = ("Session", one.metric.unit, span, "Verdict", "")
    table = tabulate(rows, headers=headers, disable_numparse=True)
    title = f"{one.metric.label}, {one.mode}, {len(one.values)} sessions"
    return "\n".join([title, "", table, "", *_sentences(one)])


def _plotted(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.0
    return f"{'.' * round(share * (_PLOT - 1))}o"


def _outcome(entry: Entry, one: Trend) -> str:
    """What the session itself decided of this figure, the worst of its comparisons."""
    # A list: a line that was changed by hand may have what is no key of a set.
    own = [each.get("outcome") for each in entry.verdicts if each.get("figure") == one.metric.name]
    ranked = ("fail", "inconclusive", "pass", "advisory")
    return next((outcome for outcome in ranked if outcome in own), "")


def _sentences(one: Trend) -> list[str]:
    if not one.changes:
        few = len(one.values) < trend.FEWEST
        text = (
            f"fewer than {trend.FEWEST} sessions: too few to look for changes"
            if few
            else "no change point"
        )
        return [text]
    texts = [formatting.printable(sentence(one, change)) for change in one.changes]
    return [line for text in texts for line in textwrap.wrap(text, _WIDTH, subsequent_indent="  ")]


def sentence(one: Trend, change: Change) -> str:
    """How much, since when, and what became what there."""
    when = one.entries[change.index].when[:16].replace("T", " ")
    worse = (change.change < 0) == (one.metric.better == "higher")
    became = (
        f", in which {' and '.join(change.versions)}"
        if change.versions
        else "; no recorded version changed there"
    )
    return (
        f"{one.metric.label} {change.change:+.1%} ({'worse' if worse else 'better'}, "
        f"p = {change.p_value:.1g}) since the session of {when}{became}"
    )


def as_json(series: Sequence[Sequence[Trend]]) -> str:
    """For programs."""
    return json.dumps([[_document(one) for one in trends] for trends in series], indent=1)


def _document(one: Trend) -> dict[str, object]:
    return {
        "host": one.entries[0].host,
        "subject": dict(one.entries[0].subject),
        "figure": one.metric.name,
        "unit": one.metric.unit,
        "mode": one.mode,
        "sessions": [
            {"when": entry.when, "value": value, "versions": dict(entry.versions)}
            for entry, value in zip(one.entries, one.values, strict=True)
        ],
        "changes": [
            {
                "when": one.entries[change.index].when,
                "change": change.change,
                "p_value": change.p_value,
                "versions": list(change.versions),
                "sentence": sentence(one, change),
            }
            for change in one.changes
        ],
    }
