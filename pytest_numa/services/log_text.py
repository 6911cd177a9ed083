"""The end of a service's log, and the errors before it: engines tell the cause first."""

import re

_MOST_EARLIER = 3
_MOST_CHARACTERS = 400
# Python's exceptions by name, and lines that begin by calling themselves an error.
_ERROR = re.compile(
    r"\b[A-Za-z]\w*(?:Error|Exception): \S.*|^\W*(?:error|fatal)\b.*", re.IGNORECASE
)


def is_error(line: str) -> bool:
    """Whether a line of a log tells of an error."""
    return _ERROR.search(line) is not None


def ending(text: str, lines: int) -> str:
    """The last lines; above them, marked, the last few errors that are told before."""
    told = text.splitlines()
    shown = told[-lines:] if lines else []
    tail = "\n".join(shown)
    found = (_ERROR.search(line) for line in told[: len(told) - len(shown)])
    # Each process of an engine tells the same once more, with a head of its own.
    earlier = dict.fromkeys(one[0].strip()[:_MOST_CHARACTERS] for one in found if one)
    marked = [f"(earlier) {line}" for line in earlier if line not in tail][-_MOST_EARLIER:]
    return "\n".join([*marked, *shown]) or "(the log is empty)"
