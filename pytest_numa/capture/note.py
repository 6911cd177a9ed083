"""CAPTURE.md: for the person who has to decide whether to give a capture away."""

from collections.abc import Iterable
from datetime import datetime

from pytest_numa import __version__

_MOST_LINES = 40


def text(
    *, files: int, kernel: str, pids: Iterable[int], blanked: list[str], unreadable: list[str]
) -> str:
    """Say what was captured, blanked, and not readable."""
    now = datetime.now().astimezone().isoformat(timespec="minutes")
    processes = ", ".join(map(str, pids)) or "none"
    return "\n".join(
        [
            "# A captured machine",
            "",
            f"- Written on {now} by pytest-numa {__version__}",
            f"- Kernel: {kernel or 'unknown'}",
            f"- {files} files of /sys and /proc; processes: {processes}",
            "- Read it with `pytest-numa topology --root DIR` and",
            "  `pytest-numa placement PID --root DIR`",
            "",
            "Names of the host and of users, addresses, serial numbers and secrets of command",
            "lines were blanked by rule. A rule cannot know a secret that looks like any other",
            "word: look through the command lines before you give the folder away.",
            "",
            "    for f in proc/cmdline proc/*/cmdline; do tr '\\0' ' ' < $f; echo; done",
            "",
            "## Blanked",
            "",
            *_lines(blanked),
            "",
            "## Not readable",
            "",
            *_lines(unreadable),
            "",
        ]
    )


def _lines(found: list[str]) -> list[str]:
    more = len(found) - _MOST_LINES
    shown = [f"- {line}" for line in found[:_MOST_LINES] or ["nothing"]]
    return [*shown, f"- and {more} more"] if more > 0 else shown
