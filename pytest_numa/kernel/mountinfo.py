"""What is mounted where: /proc/PID/mountinfo. Format: proc_pid_mountinfo(5)."""

from dataclasses import dataclass

from pytest_numa.errors import ParseError
from pytest_numa.kernel import escapes

_FIELDS_BEFORE = 6
_FIELDS_AFTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount. ``root`` is the directory of the file system that is seen at ``mount_point``."""

    root: str
    mount_point: str
    kind: str
    super_options: frozenset[str]


def parse(text: str, *, source: str) -> tuple[Mount, ...]:
    """Read the file, in the kernel's order."""
    stripped = text.strip("\0\n")
    lines = stripped.split("\n") if stripped else []
    return tuple(
        _mount(line, source=f"{source}:{number}") for number, line in enumerate(lines, start=1)
    )


def _mount(line: str, *, source: str) -> Mount:
    # Optional fields of any number end at a single dash.
    before, _, after = line.partition(" - ")
    words, rest = before.split(" "), after.split(" ")
    if len(words) < _FIELDS_BEFORE or len(rest) < _FIELDS_AFTER:
        raise ParseError(
            source,
            expected="ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE SOURCE OPTIONS",
            found=line,
        )
    return Mount(
        root=escapes.decode(words[3]),
        mount_point=escapes.decode(words[4]),
        kind=rest[0],
        super_options=frozenset(rest[-1].split(",")),
    )
