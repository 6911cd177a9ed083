"""The blocks in their order: each mode's figures, and what the verdict makes of their ratio."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pytest_numa import formatting
from pytest_numa.report.html import drawing
from pytest_numa.report.html.parts import Part, Plot, Section, Table, Text
from pytest_numa.report.html.verdict import interval

_Run = Mapping[str, Any]
_FIGURES: tuple[tuple[str, str, str, Callable[[_Run], float | None]], ...] = (
    ("tokens_per_s", "Throughput", "tokens/s", lambda run: run["output_tokens_per_s"]),
    ("mean", "Mean latency", "ms", lambda run: run["latency_ms"]["mean"]),
)
_Series = Mapping[str, Sequence[float | None]]


def section(document: Mapping[str, Any]) -> Section | None:
    """A plot of each figure, and one of each comparison with the same session."""
    if not any(document["modes"].values()):
        return None
    parts: list[Part] = [
        Text(
            text="A block measures every mode once, each with a fresh start. What both modes share "
            "in a block (a neighbour, a clock) is not in their ratio."
        )
    ]
    for name, label, unit, value in _FIGURES:
        series = {mode: _means(blocks, value) for mode, blocks in document["modes"].items()}
        parts.append(_plot(name, label, unit, series))
        one = _verdict(document, name)
        if one and {"pinned", "systemd"} <= series.keys():
            parts.append(_compared(one, label, series))
    return Section(name="blocks", title="Blocks over time", parts=parts)


def _means(
    blocks: Sequence[Sequence[_Run]], value: Callable[[_Run], float | None]
) -> list[float | None]:
    found = [[value(run) for run in block] for block in blocks]
    known = [[one for one in block if one is not None] for block in found]
    return [fmean(block) if block else None for block in known]


def _verdict(document: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next(
        (
            one
            for one in document.get("verdicts", ())
            if (one["figure"], one["against"]) == (name, "pinned")
        ),
        None,
    )


def _plot(name: str, label: str, unit: str, series: _Series) -> Plot:
    count = max(map(len, series.values()))
    told = "; ".join(
        f"{mode} {_number(min(known))} to {_number(max(known))}"
        for mode, own in series.items()
        if (known := [one for one in own if one is not None])
    )
    caption = f"{label} by block ({unit})"
    return Plot(
        caption=caption,
        told=f"From the slowest to the fastest block: {told}." if told else "No block has it.",
        svg=drawing.svg(
            f"blocks-{name}", f"{caption}: {told}", partial(_draw, f"{label} ({unit})", series)
        ),
        table=Table(
            caption=caption,
            headers=("Block", *series),
            rows=[
                (str(number + 1), *(_number(own[number]) for own in series.values()))
                for number in range(count)
            ],
            numeric=frozenset({1, 2, 3}),
        ),
    )


def _draw(label: str, series: _Series, axes: Axes) -> None:
    for mode, own in series.items():
        axes.plot(
            range(1, len(own) + 1),
            [math.nan if one is None else one for one in own],
            label=mode,
            color=drawing.colour(mode),
            linestyle=drawing.line(mode),
            marker=drawing.MARKERS.get(mode, "D"),
        )
    axes.set_ylabel(label)
    _number_blocks(axes)


def _compared(one: Mapping[str, Any], label: str, series: _Series) -> Plot:
    slower = [
        _slower(one["figure"], before, now)
        for before, now in zip(series["pinned"], series["systemd"], strict=True)
    ]
    told = f"{one['sentence']}."
    caption = f"{label}: systemd slower than pinned"
    margin = one["margin"]
    return Plot(
        caption=caption,
        told=told,
        svg=drawing.svg(
            f"slower-{one['figure']}", f"{caption}. {told}", partial(_draw_compared, one, slower)
        ),
        table=Table(
            caption=f"{caption}, by block",
            headers=("Block", "Slower by"),
            rows=[
                *((str(number), _percent(value)) for number, value in enumerate(slower, start=1)),
                ("all together", f"{one['slowdown']:+.1%} ({interval(one['interval'])})"),
                ("accepted", "-" if margin is None else f"{margin:+.1%}"),
            ],
            numeric=frozenset({1}),
        ),
    )


def _slower(figure: str, before: float | None, now: float | None) -> float | None:
    if not before or not now:
        return None
    return before / now - 1 if figure == "tokens_per_s" else now / before - 1


def _draw_compared(one: Mapping[str, Any], slower: Sequence[float | None], axes: Axes) -> None:
    colours = drawing.COLOURS
    if one["interval"] is not None:
        axes.axhspan(
            *one["interval"], color=colours["band"], alpha=0.25, linewidth=0, label="interval"
        )
        axes.axhline(one["slowdown"], color=colours["band"], label="estimate")
    if one["margin"] is not None:
        axes.axhline(one["margin"], color=colours["mark"], linestyle="--", label="accepted")
    axes.plot(
        range(1, len(slower) + 1),
        [math.nan if value is None else value for value in slower],
        color=colours["systemd"],
        label="blocks",
        linestyle="",
        marker="o",
    )
    axes.set_ylabel("Slower by")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:+.4g}%"))
    _number_blocks(axes)


def _number_blocks(axes: Axes) -> None:
    axes.set_xlabel("Block")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _number(value: float | None) -> str:
    return "-" if value is None else formatting.number(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"
