"""What is installed together: the unit's file and those that go with it."""

import hashlib
from dataclasses import dataclass

from pytest_numa.services.unit import Unit

_MARK = "# Installed by pytest-numa, which removes it; sha256 of what follows: "


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFile:
    """One file; ``path`` is relative to the folder that units are installed in."""

    path: str
    text: str

    @property
    def marked(self) -> str:
        """As it is installed: our mark with the hash of the rest, then the text."""
        return f"{_MARK}{_hash(self.text)}\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """``unit`` is what comes of the files once systemd has read them all."""

    unit: Unit
    files: tuple[UnitFile, ...]

    @property
    def name(self) -> str:
        """The unit's name."""
        return self.unit.name


def of(unit: Unit) -> Bundle:
    """A unit that is one file."""
    return Bundle(unit=unit, files=(UnitFile(path=unit.name, text=unit.text),))


def is_ours(text: str) -> bool:
    """Whether we wrote the file and nobody changed it since."""
    first, _, rest = text.partition("\n")
    return first == f"{_MARK}{_hash(rest)}"


def _hash(text: str) -> str:
    # A file of others may hold what is no UTF-8.
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
