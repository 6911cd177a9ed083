"""Numbers and foreign text as people read them: the same in every report."""

import math
import re

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MUCH_SLOWER = 10 - 1.0
_MUCH_FASTER = 1 / 10 - 1
_SIGNIFICANT = 4
_UNKNOWN = "unknown"
# What begins markup inside a line. An underscore inside a word does not, nor a bracket
# without a target; names like Q4_K_M stay readable in the source.
_MARKUP = re.compile(r"[\\|`*~]|(?<=\])\(|(?<![^\W_])_|_(?![^\W_])")
# What begins a heading, quote, list, rule or underline where a line begins with it; the number of
# a list stays before the backslash.
_BLOCK = re.compile(r"\A(\d{1,9}(?=[.)](?:\s|\Z))|(?=#{1,6}(?:\s|\Z)|>|[-+](?:\s|\Z)|[-=]+\s*\Z))")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def number(value: float) -> str:
    """Four significant digits, never an exponent; `unknown` for what is no number."""
    if not math.isfinite(value):
        return _UNKNOWN
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, _SIGNIFICANT - 1 - magnitude)}f}"


def percent(fraction: float) -> str:
    """Write a fraction of one as a percentage with one decimal: 0.031 is `3.1%`."""
    return f"{fraction:.1%}" if math.isfinite(fraction) else _UNKNOWN


def interval(low: float, high: float) -> str:
    """Write the bounds of a change: `-1.2% to +3.4%`. Beyond tenfold nobody learns from digits."""
    if low > _MUCH_SLOWER:
        return f"more than {_MUCH_SLOWER:+.0%}"
    if high < _MUCH_FASTER:
        return f"less than {_MUCH_FASTER:+.0%}"
    lower = f"{low:+.1%}" if low >= _MUCH_FASTER else f"less than {_MUCH_FASTER:+.0%}"
    upper = f"{high:+.1%}" if high <= _MUCH_SLOWER else f"more than {_MUCH_SLOWER:+.0%}"
    return f"{lower} to {upper}"


def duration(seconds: float) -> str:
    """Write seconds in the one or two units that matter: `850 ms`, `12.3 s`, `4 min 5 s`."""
    if not math.isfinite(seconds):
        return _UNKNOWN
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if round(seconds * 1000) < 1000:  # noqa: PLR2004 - a second
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest_s} s"
    hours, rest_min = divmod(minutes, 60)
    return f"{hours} h {rest_min} min"


def bytes_iec(size_bytes: float) -> str:
    """Write a size in powers of 1024: `512 B`, `24.0 GiB`."""
    size = float(size_bytes)
    units = iter(_BYTE_UNITS)
    unit = next(units)
    # What would be shown as 1024.0 belongs to the next unit.
    while round(abs(size), 1) >= 1024 and unit != _BYTE_UNITS[-1]:  # noqa: PLR2004 - IEC
        size /= 1024
        unit = next(units)
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


def printable(text: str) -> str:
    """One line for a terminal; what does not print becomes U+FFFD, as in ``markdown_cell``."""
    return without_controls(" ".join(text.split()))


def without_controls(text: str, *, keep: str = "") -> str:
    """Text of others with U+FFFD for what does not print, which a terminal might obey."""
    return "".join(char if char.isprintable() or char in keep else "\ufffd" for char in text)


def markdown_cell(text: str) -> str:
    """Make any text safe inside a markdown line or table cell, where it then reads as itself.

    It becomes one line, without markup, HTML, comments or cell borders; characters that do not
    print (control, direction, lone surrogates of undecodable names) become U+FFFD.
    """
    plain = _MARKUP.sub(lambda match: f"\\{match[0]}", _ENTITY.sub("&amp;", printable(text)))
    return plain.replace("<", "&lt;")


def markdown_line(text: str) -> str:
    """Make any text safe as a line of its own: as in a cell, and it begins no block either."""
    return _BLOCK.sub(r"\1\\", markdown_cell(text))
