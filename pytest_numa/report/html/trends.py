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
    found = [_figure(known, METRICS[name]) for name in _FIGURES] if known else []
    parts += [plot for plot, _ in found if plot is not None]
    parts += [Bullets(lines=changes) for _, changes in found if changes]
    return Section(name="history", title="History", parts=parts)


def _is_alike(entry: Entry, document: Mapping[str, Any]) -> bool:
    return (entry.host, dict(entry.subject)) == (document.get("host"), document.get("subject"))


def _figure(entries: Sequence[Entry], metric: Metric) -> tuple[Plot | None, list[str]]:
    trends, trouble = _trends(entries, metric)
    if not trends:
        return None, []
    changes = [
        f"{one.mode}: {history.sentence(one, change)}" for one in trends for change in one.changes
    ]
    count = max(len(one.values) for one in trends)
    noun = "session" if count == 1 else "sessions"
    told = f"{count} {noun}; change points: {len(changes) or 'none'}."
    if count < trend.FEWEST:
        told = f"{count} {noun}: fewer than {trend.FEWEST} are too few to look for changes."
    caption = f"{metric.label.capitalize()} over sessions ({metric.unit})"
    plot = Plot(
        caption=caption,
        told=trouble or told,
        svg=drawing.svg(f"history-{metric.name}", f"{caption}. {told}", partial(_draw, trends)),
        table=_table(caption, trends),
    )
    return plot, changes


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
    moments = sorted({entry.when for one in trends for entry in one.entries})
    columns = [dict(_cells(one)) for one in trends]
    return Table(
        caption=f"{caption}, median of the blocks",
        headers=("Session", *(one.mode for one in trends)),
        rows=[(_shown(when), *(column.get(when, "-") for column in columns)) for when in moments],
        numeric=frozenset({1, 2}),
    )


def _cells(one: Trend) -> Iterator[tuple[str, str]]:
    starts = {change.index for change in one.changes}
    for number, (entry, value) in enumerate(zip(one.entries, one.values, strict=True)):
        mark = "changed: " if number in starts else ""
        yield entry.when, f"{mark}{formatting.number(value)}"


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
    axes.set_xticklabels([_shown(longest[place].when).replace(" ", "\n") for place in places])
    axes.set_ylabel(f"{trends[0].metric.label.capitalize()} ({trends[0].metric.unit})")
    axes.margins(x=0.1)


def _shown(when: str) -> str:
    return when[:16].replace("T", " ")
