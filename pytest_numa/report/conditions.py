"""What CPU governors and noisy neighbours did: tables and sentences, where they were measured."""

import math
from typing import Any

from tabulate import tabulate

from pytest_numa import condition_effects, formatting, gate
from pytest_numa.condition_effects import FIGURES, ConditionEffect
from pytest_numa.measurement import Measurement

# Three times as slow: of an interval that wide nobody learns anything. Two blocks give wider ones.
_WIDEST = 2.0
_HEADERS = (
    "Condition",
    "Mode",
    "Blocks",
    *(
        f"{metric.label.capitalize()}: {what}"
        for metric in FIGURES
        for what in (f"as it is ({metric.unit})", f"under it ({metric.unit})", "change (interval)")
    ),
)


def section(measurement: Measurement, kind: str) -> str:
    """The section on conditions of one kind, ``governor`` or ``neighbour``; empty without any."""
    found = measurement.conditions
    if found is None:
        return ""
    names = [name for name in found.names if name.startswith(f"{kind} ")]
    # What is said of all stands once: in the first section, also where there is nothing else.
    is_first = found.names[:1] == tuple(names[:1]) and (bool(names) or kind == "governor")
    rows = [row for name in names for row in _rows(measurement, name)]
    table = tabulate(rows, headers=_HEADERS, tablefmt="pipe", disable_numparse=True)
    told = [text for name in names for text in _sentences(measurement, name)]
    notes = "\n".join(
        f"- {formatting.markdown_line(text)}"
        for text in (*told, *(found.notes if is_first else ()))
    )
    return f"{table}\n\n{notes}" if rows else notes


def sentences(measurement: Measurement) -> list[str]:
    """All of it in sentences, for the terminal."""
    found = measurement.conditions
    if found is None:
        return []
    return [
        *(text for name in found.names for text in _sentences(measurement, name)),
        *found.notes,
    ]


def document(measurement: Measurement) -> dict[str, Any]:
    """All of it as plain values, for files: fractions, and None for an infinite bound."""
    found = measurement.conditions
    return {
        "changes": _changes(measurement),
        "notes": list(found.notes) if found else [],
    }


def _changes(measurement: Measurement) -> list[dict[str, Any]]:
    found = measurement.conditions
    return [
        {
            "condition": one.condition,
            "mode": one.mode,
            "figure": one.metric.name,
            "as_it_is": one.mean_as_it_is,
            "under": one.mean_under,
            "slowdown": one.effect.slowdown,
            "interval": [bound if math.isfinite(bound) else None for bound in one.effect.interval],
        }
        for name in (found.names if found else ())
        for one in condition_effects.effects(measurement, name)
    ]


def _rows(measurement: Measurement, name: str) -> list[list[str]]:
    effects = condition_effects.effects(measurement, name)
    blocks = str(len(condition_effects.counted(measurement, name)))
    modes = dict.fromkeys(one.mode for one in effects)
    return [
        [
            name,
            mode,
            blocks,
            *(cell for one in effects if one.mode == mode for cell in _cells(one)),
        ]
        for mode in modes
    ]


def _cells(one: ConditionEffect) -> tuple[str, str, str]:
    return (
        formatting.number(one.mean_as_it_is),
        formatting.number(one.mean_under),
        _brief(one.effect),
    )


def _brief(effect: gate.Effect) -> str:
    change = f"{abs(effect.slowdown):.1%} {'slower' if effect.slowdown >= 0 else 'faster'}"
    return f"{change} ({_interval(effect)})"


def _interval(effect: gate.Effect) -> str:
    low, high = effect.interval
    if high > _WIDEST or low < -_WIDEST / (1 + _WIDEST):
        return "too few blocks for an interval"
    return f"{low:+.1%} to {high:+.1%}"


def _sentences(measurement: Measurement, name: str) -> list[str]:
    effects = [
        one for one in condition_effects.effects(measurement, name) if one.metric is FIGURES[0]
    ]
    if not effects:
        return [_nothing(measurement, name)]
    changes = ", ".join(f"{one.mode} {_brief(one.effect)}" for one in effects)
    texts = [f"throughput under {name}, against itself without: {changes}"]
    if name.startswith("neighbour ") and (
        effect := condition_effects.protection(measurement, name)
    ):
        texts.append(_protection(name, effect))
    both = condition_effects.between_modes(measurement, name, control="pinned", candidate="systemd")
    if both:
        texts.append(f"under {name}, systemd against pinned: {_brief(both)}")
    return texts


def _protection(name: str, effect: gate.Effect) -> str:
    low, high = effect.interval
    if low < 0 < high:
        told = "not shown: unpinned and pinned lose alike, as far as these blocks tell"
    elif effect.slowdown > 0:
        told = f"unpinned falls {effect.slowdown:.1%} further behind pinned ({_interval(effect)})"
    else:
        told = (
            "nothing; pinned loses more, since unpinned can move away: beside pinned it becomes "
            f"{_brief(effect)}"
        )
    return f"what pinning protects against ({name}): {told}"


def _nothing(measurement: Measurement, name: str) -> str:
    rounds = measurement.conditions.rounds if measurement.conditions else ()
    if not rounds:
        return f"{name}: no block was measured"
    return (
        f"{name}: {len(rounds)} blocks were measured and none counts, since requests failed or "
        "the load generator was the limit"
    )
