"""How long single requests took: the modes' distributions, one over the other."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from pytest_numa import formatting
from pytest_numa.load.results import percentile
from pytest_numa.report.html import drawing
from pytest_numa.report.html.parts import Part, Plot, Section, Table, Text

_FIGURES = (
    ("latencies_ms", "Latency", "latency"),
    ("first_tokens_ms", "Time to first token", "first-token"),
)
_SHARES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


def section(document: Mapping[str, Any]) -> Section | None:
    """Of latency and of the time to the first token; None where single requests are not known."""
    plots: list[Part] = [
        _plot(name, title, values)
        for key, title, name in _FIGURES
        if (values := _values(document, key))
    ]
    if not plots:
        return None
    told = Text(
        text="Each line goes up to the share of requests that took no longer. A line farther to "
        "the left is faster; requests of one start are alike, so only blocks decide."
    )
    return Section(name="distributions", title="Requests", parts=[told, *plots])


def _values(document: Mapping[str, Any], key: str) -> dict[str, list[float]]:
    """All requests of all runs by mode."""
    found: dict[str, list[float]] = {}
    for run in document.get("runs", ()):
        known = [value for value in run[key] if value is not None]
        if known:
            found.setdefault(run["mode"], []).extend(known)
    return found


def _plot(name: str, title: str, values: Mapping[str, Sequence[float]]) -> Plot:
    medians = ", ".join(
        f"{mode} {formatting.number(percentile(own, 0.5))} ms" for mode, own in values.items()
    )
    told = f"The median request of all runs together: {medians}."
    return Plot(
        caption=f"{title} of the requests",
        told=told,
        svg=drawing.svg(
            f"ecdf-{name}", f"{title} of the requests. {told}", partial(_draw, title, values)
        ),
        table=Table(
            caption=f"{title} by share of requests (ms, nearest rank)",
            headers=("Requests", *values),
            rows=[
                (
                    f"{share:.0%}",
                    *(formatting.number(percentile(own, share)) for own in values.values()),
                )
                for share in _SHARES
            ],
            numeric=frozenset({1, 2, 3}),
        ),
    )


def _draw(title: str, values: Mapping[str, Sequence[float]], axes: Axes) -> None:
    for mode, own in values.items():
        axes.ecdf(own, label=mode, color=drawing.colour(mode), linestyle=drawing.line(mode))
    axes.set_xlabel(f"{title} (ms)")
    axes.set_ylabel("Share of requests")
    # A line of the height 1 is as thick as the others.
    axes.set_ylim(0, 1.02)
