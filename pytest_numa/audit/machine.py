"""What an audit looks at: files below a root, the topology, and what is wanted of this host."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pytest_numa.errors import ParseError
from pytest_numa.host import Topology, files
from pytest_numa.policy import Policy

Parsed = TypeVar("Parsed")


class UnreadableError(Exception):
    """A file that a check cannot do without; the text says which, and why.

    ``number`` is the errno, where the kernel refused.
    """

    def __init__(self, text: str, number: int | None = None) -> None:
        super().__init__(text)
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A host, this one or a captured one.

    ``policy`` is what a service is to have, ``needs_bytes`` the memory that it will take;
    ``earlier`` are the facts of an earlier audit by check. Each may be absent.
    """

    root: Path
    topology: Topology
    policy: Policy | None = None
    needs_bytes: int | None = None
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def read(self, name: str) -> str:
        """A file without the blanks around; UnreadableError where it cannot be read, or is empty.

        Where it has nothing to say a kernel writes at least a line end.
        """
        try:
            text = files.read_bytes(self.root / name).decode(errors="surrogateescape")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnreadableError(f"there is no /{name}", error.errno) from None
        except OSError as error:
            raise UnreadableError(f"/{name}: {error.strerror}", error.errno) from None
        if not text:
            raise UnreadableError(f"/{name} is empty")
        # Some captures end their files with zero bytes.
        return text.strip("\0\n\t ")

    def read_if_any(self, name: str) -> str | None:
        """The same; None where there is none, or it cannot be read."""
        try:
            return self.read(name)
        except UnreadableError:
            return None

    def number(self, name: str) -> int:
        """A file that holds one decimal number."""
        text = self.read(name)
        try:
            return int(text)
        except ValueError:
            raise UnreadableError(f"/{name}: expected a number, found {text[:40]!r}") from None

    def parse(self, name: str, parser: Callable[..., Parsed]) -> Parsed:
        """A file through one of the kernel's parsers."""
        try:
            return parser(self.read(name), source=f"/{name}")
        except ParseError as error:
            raise UnreadableError(str(error)) from None

    def names(self, pattern: str) -> list[str]:
        """The files and folders that match, as ``read`` takes them, sorted."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def exists(self, name: str) -> bool:
        """Whether there is such a file or folder, as far as we may look."""
        # Path.exists() raises where a folder above may not be entered.
        return os.path.exists(self.root / name)  # noqa: PTH110

    def require(self, names: Sequence[str], *, any_of: Sequence[str]) -> None:
        """UnreadableError unless each folder of ``names`` has one of the files ``any_of``."""
        for name in names:
            if not any(self.exists(f"{name}/{file}") for file in any_of):
                raise UnreadableError(f"there is no /{name}/{any_of[0]}")
