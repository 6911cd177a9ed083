"""Plots by matplotlib, as SVG that takes its colours from the page's style sheet.

A colour here is a name; in the SVG it becomes a variable of the style sheet, which has one value
for light and one for dark.
"""

import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
# No two alike, and none that matplotlib would use by itself.
_NAMES = ("ink", "grid", "unpinned", "pinned", "systemd", "band", "mark", "soft")
COLOURS = {name: f"#0102{number:02x}" for number, name in enumerate(_NAMES, start=16)}
# Of lines and points; no mode is told by its colour alone.
LINES: Mapping[str, str] = {"unpinned": ":", "pinned": "--", "systemd": "-"}
MARKERS: Mapping[str, str] = {"unpinned": "^", "pinned": "s", "systemd": "o"}
_WIDTH, _HEIGHT = 360, 250
_POINTS_AN_INCH = 72
_FONT = re.compile(r"font: ([\d.]+px) [^;]*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_STYLE: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "legend.columnspacing": 1.2,
    "legend.handlelength": 1.8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.edgecolor": COLOURS["soft"],
    "axes.labelcolor": COLOURS["ink"],
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "grid.color": COLOURS["grid"],
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "lines.linewidth": 2,
}


def colour(mode: str) -> str:
    """A mode's own; what is no mode of ours is drawn in ink."""
    return COLOURS.get(mode, COLOURS["ink"])


def line(mode: str) -> str:
    """The dashes of a mode's line."""
    return LINES.get(mode, "-.")


def svg(name: str, told: str, draw: Callable[[Axes], None]) -> Markup:
    """What ``draw`` draws. ``name`` begins every id in it, and ``told`` says what is to be seen."""
    with _styled(name):
        figure = Figure(
            figsize=(_WIDTH / _POINTS_AN_INCH, _HEIGHT / _POINTS_AN_INCH), layout="constrained"
        )
        axes = figure.add_subplot()
        draw(axes)
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside upper center", ncols=3)
        written = BytesIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(_METADATA))
    return Markup(_adapted(written.getvalue(), name, told))  # noqa: S704 - ElementTree escapes


_METADATA = ("Creator", "Date", "Format", "Type")


@contextmanager
def _styled(name: str) -> Iterator[None]:
    # Neither the user's matplotlibrc nor pytest's filters of warnings are meant for this.
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": name})
        yield


def _adapted(written: bytes, name: str, told: str) -> str:
    """Without what would touch the rest of the page: styles of all elements, ids, namespaces."""
    root = ET.fromstring(written)  # noqa: S314 - matplotlib wrote it just now
    _without(root, ("metadata", "style"))
    used = set(_REFERENCE.findall(written.decode())) | {
        found[1:] for one in root.iter() if (found := one.get(_XLINK))
    }
    for one in root.iter():
        one.tag = one.tag.removeprefix(f"{{{_SVG}}}")
        known = one.attrib.pop("id", None)
        if known in used:
            one.set("id", f"{name}-{known}")
        if target := one.attrib.pop(_XLINK, None):
            one.set("href", f"#{name}-{target[1:]}")
        for key, value in one.attrib.items():
            one.set(key, _restyled(value, name))
    view = root.get("viewBox", "")
    root.attrib.clear()
    # What matplotlib sets for all elements, in a style sheet that would hold for the whole page.
    style = "stroke-linejoin:round;stroke-linecap:butt"
    root.attrib.update({"viewBox": view, "role": "img", "style": style})
    root.set("aria-label", told)
    return ET.tostring(root, encoding="unicode")


def _without(root: ET.Element, tags: tuple[str, ...]) -> None:
    names = {f"{{{_SVG}}}{tag}" for tag in tags}
    for parent in list(root.iter()):
        for child in [one for one in parent if one.tag in names]:
            parent.remove(child)
        for child in [one for one in parent if one.tag == f"{{{_SVG}}}defs" and not len(one)]:
            parent.remove(child)


def _restyled(value: str, name: str) -> str:
    value = _FONT.sub(r"font-size: \1", value)
    value = _REFERENCE.sub(lambda match: f"url(#{name}-{match[1]})", value)
    for known, code in COLOURS.items():
        value = value.replace(code, f"var(--{known})")
    return value
