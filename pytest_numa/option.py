"""One setting, and how the text of settings is read: for pytest and the command line alike."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# In powers of 1024, as systemd and the kernel take them.
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting. ``default`` is text as a user would type it; None where there is none."""

    name: str
    help: str
    parse: Callable[[Any], Any] = str
    default: str | None = None
    metavar: str = "N"
    kind: str = "value"  # value, flag, list or word: a value that may be left out
    word: str = ""
    """What a ``word`` is where it is left out."""

    @property
    def dest(self) -> str:
        """The ini key, and the name on ``config.option``."""
        return f"numa_{self.name.replace('-', '_')}"

    @property
    def key(self) -> str:
        """The name among values."""
        return self.name.replace("-", "_")

    @property
    def flag(self) -> str:
        """The command-line flag under pytest."""
        return f"--numa-{self.name}"

    def read(self, raw: Any) -> Any:  # noqa: ANN401 - text, list, bool or None; any value
        """The value of what was given; ValueError where it is none."""
        if self.kind == "flag":
            return bool(raw)
        if self.kind == "list":
            return self.parse(raw or [])
        text = raw or self.default
        return None if text is None else self.parse(text)


def integer(low: int, high: int | None = None) -> Callable[[str], int]:
    """Read a whole number from ``low`` up; above ``high`` nobody would live to see the end."""
    expected = f"from {low} up" if high is None else f"from {low} to {high}"

    def parse(text: str) -> int:
        try:
            number = int(_plain(text))
        except ValueError:
            number = low - 1
        if number < low or (high is not None and number > high):
            raise ValueError(f"expected a whole number {expected}, found {text!r}")
        return number

    return parse


def _plain(text: str) -> str:
    """The text of a number; ValueError where only Python takes it for one: ``1_0``, ``\u0663``."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def positive(text: str) -> float:
    """Read a number above 0."""
    try:
        number = float(_plain(text))
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise ValueError(f"expected a number above 0, found {text!r}")
    return number


def not_negative(text: str) -> float:
    """Read a number from 0 up."""
    return 0.0 if text.strip() in ("0", "0.0") else positive(text)


def percent(text: str) -> float:
    """``5`` or ``5%`` as the fraction 0.05."""
    number = positive(text.removesuffix("%"))
    if number > 100:  # noqa: PLR2004
        raise ValueError(f"expected a percentage up to 100, found {text!r}")
    return number / 100


def one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    """Read one of some words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}, found {text!r}")
        return text

    return parse


def settings(lines: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE, one each, as a mapping."""
    found: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or not key.strip().isidentifier():
            raise ValueError(f"expected KEY=VALUE with a name as KEY, found {line!r}")
        found[key.strip()] = value
    return found


def size(text: str) -> int:
    """A number of bytes as a user types it, for argparse: ``200G``, ``1.5 TiB``."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a size such as 200G or 1.5T, found {text!r}")
    return int(float(found[1]) * 1024 ** (" KMGT".index(found[2].upper() or " ")))
