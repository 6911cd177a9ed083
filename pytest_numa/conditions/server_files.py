"""Which files a server reads: those that its command names, and those that it was seen to map."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pytest_numa import process
from pytest_numa.errors import ParseError
from pytest_numa.kernel import maps

# A folder of weights has some hundred files; one with more is the root of something else.
_MOST_FILES = 10_000


def of_command(argv: Sequence[str], directory: str | None) -> frozenset[str]:
    """The real paths of all files that a command names, also after ``=`` and in folders."""
    base = Path(directory or "/")
    words = {text for word in argv for text in (word, word.partition("=")[2]) if text}
    return frozenset(path for word in words for path in _at(base / word))


def _at(path: Path) -> Iterable[str]:
    try:
        if path.is_file():
            return [os.path.realpath(path)]
        if path.is_dir():
            return _below(path)
    except (OSError, ValueError):
        # Not every word can be a path: a prompt may be too long for one.
        pass
    return []


def _below(folder: Path) -> Iterable[str]:
    """The files of a folder, also behind links; none where it is too large to be one of weights."""
    found: set[str] = set()
    for count, path in enumerate(_walked(folder)):
        if count == _MOST_FILES:
            return []
        if path.is_file():
            found.add(os.path.realpath(path))
    return found


def _walked(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def mapped_by(pids: Iterable[int], root: Path = Path("/")) -> frozenset[str]:
    """The files that processes map now; nothing of those that may not be looked into."""
    paths = {path for pid in pids for path in _mapped_by(root / f"proc/{pid}/maps")}
    return frozenset(path for path in paths if Path(path).is_file())


def holders(path: str, root: Path = Path("/")) -> tuple[int, ...]:
    """The processes that map a file, as far as we may look into them."""
    return tuple(
        pid
        for pid in sorted(process.all_pids(root))
        if path in _mapped_by(root / f"proc/{pid}/maps")
    )


def _mapped_by(source: Path) -> frozenset[str]:
    try:
        # Bytes: the text mode would turn a carriage return inside a name into a line end.
        text = source.read_bytes().decode(errors="surrogateescape")
        return frozenset(one.path for one in maps.parse(text, source=str(source)) if one.is_file)
    except (OSError, ParseError):
        return frozenset()
