"""Sessions over time: a figure of the modes, its change points, and what else changed there."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from pytest_numa import formatting, trend
from pytest_numa.errors import HistoryError
from pytest_numa.history import Entry
from pytest_numa.metrics import METRICS, Metric
from pytest_numa.report import history
from pytest_numa.report.html import drawing
from pytest_numa.report.html.parts import Bullets, Part, Plot, Section, Table, Text
from pytest_numa.trend import Trend

_FIGURES = ("tokens_per_s", "mean")
_MODES = ("pinned", "systemd")
# Later ones say more of the host as it is, and each has to be told from its neighbours.
_MOST = 100
_DATES = 4


def section(document: Mapping[str, Any], entries: Sequence[Entry]) -> Section:
    """The sessions that can be held against this one: same host, same subject."""
    own = [one for one in entries if _is_alike(one, document)]
    series = trend.series(own)
    known = series[0][-_MOST:] if series else []
    parts: list[Part] = []
    if not known:
        parts.append(Text(text="No session of this host and subject is in the history yet."))
    for name in _FIGURES if known else ():
        parts += _figure(known, METRICS[name])
    return Section(name="history", title="History", parts=parts)


def _is_alike(entry: Entry, document: Mapping[str, Any]) -> bool:
    return (entry.host, dict(entry.subject)) == (document.get("host"), document.get("subject"))


def _figure(entries: Sequence[Entry], metric: Metric) -> Iterator[Part]:
    trends, trouble = _trends(entries, metric)
    if not trends:
        return
    changes = [history.sentence(one, change) for one in trends for change in one.changes]
    count = max(len(one.values) for one in trends)
    told = f"{count} sessions; {'; '.join(changes) if changes else 'no change point'}."
    if count < trend.FEWEST:
        told = f"{count} sessions: fewer than {trend.FEWEST} are too few to look for changes."
    caption = f"{metric.label.capitalize()} over sessions ({metric.unit})"
    yield Plot(
        caption=caption,
        told=trouble or told,
        svg=drawing.svg(f"history-{metric.name}", f"{caption}. {told}", partial(_draw, trends)),
        table=_table(caption, trends),
    )
    if changes:
        yield Bullets(lines=changes)


def _trends(entries: Sequence[Entry], metric: Metric) -> tuple[list[Trend], str]:
    """Those that have the figure; without change points, and a sentence, where Otava is absent."""
    try:
        found = [trend.of(entries, metric, mode) for mode in _MODES]
        trouble = ""
    except HistoryError as error:
        found = [trend.of(entries, metric, mode, has_changes=False) for mode in _MODES]
        trouble = f"Not looked for changes: {error}."
    return [one for one in found if one.values], trouble


def _table(caption: str, trends: Sequence[Trend]) -> Table:
    rows = [
        (
            _when(entry),
            one.mode,
            formatting.number(value),
            "change" if number in {change.index for change in one.changes} else "",
        )
        for one in trends
        for number, (entry, value) in enumerate(zip(one.entries, one.values, strict=True))
    ]
    headers = ("Session", "Mode", "Median of its blocks", "Changed here")
    return Table(caption=caption, headers=headers, rows=rows, numeric=frozenset({2}))


def _draw(trends: Sequence[Trend], axes: Axes) -> None:
    for one in trends:
        axes.plot(
            range(len(one.values)),
            one.values,
            label=one.mode,
            color=drawing.colour(one.mode),
            linestyle=drawing.line(one.mode),
            marker=drawing.MARKERS[one.mode],
            markersize=5,
        )
        for number, change in enumerate(one.changes):
            axes.axvline(
                change.index - 0.5,
                color=drawing.COLOURS["mark"],
                linestyle=drawing.line(one.mode),
                label=None if number else f"change of {one.mode}",
            )
    longest = max(trends, key=lambda one: len(one.values)).entries
    places = sorted({round(n * (len(longest) - 1) / (_DATES - 1)) for n in range(_DATES)})
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.set_xticklabels([_when(longest[place]).replace(" ", "\n") for place in places])
    axes.set_ylabel(f"{trends[0].metric.label.capitalize()} ({trends[0].metric.unit})")
    axes.margins(x=0.1)


def _when(entry: Entry) -> str:
    return entry.when[:16].replace("T", " ")
