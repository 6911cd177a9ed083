"""Where on the host the paths of a service lie: it may have a root of its own, or bound folders.

Source: systemd.exec(5), "Paths".
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from pytest_numa.errors import UnitError
from pytest_numa.lint.subject import Subject
from pytest_numa.services import quoting


def bound(subject: Subject) -> Mapping[str, str]:
    """What is bound into its sight: the host's path by the service's own."""
    found = {}
    for key in ("BindPaths", "BindReadOnlyPaths"):
        for text in subject.texts(key):
            for word in _words(text):
                source, _, rest = word.lstrip("-").partition(":")
                destination = rest.partition(":")[0]
                found[destination if destination.startswith("/") else source] = source
    return found


def place(subject: Subject, path: str) -> str | None:
    """Where a path of the service lies on the host; None where only a disk image has it."""
    held = bound(subject)
    for destination in sorted(held, key=len, reverse=True):
        if is_below(path, destination):
            inside = PurePosixPath(path).relative_to(destination)
            return str(PurePosixPath(held[destination], inside))
    if subject.text("RootImage"):
        return None
    root = (subject.text("RootDirectory") or "").lstrip("-").rstrip("/")
    return f"{root}{path}"


def is_below(path: str, folder: str) -> bool:
    """Whether a path is the folder, or in it."""
    return PurePosixPath(path).is_relative_to(folder)


def _words(text: str) -> list[str]:
    try:
        return quoting.split(text, source="a list of paths")
    except UnitError:
        return text.split()
