"""The values of an audit: what was looked at, what came out, and what would mend it."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_numa.audit.machine import Machine

STATUSES = ("pass", "fail", "skip", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """``commands`` for a root shell and what undoes them; both empty where words must do."""

    text: str
    commands: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One of STATUSES, what was found, and why it counts as that.

    ``facts`` can be held against those of an earlier audit.
    """

    status: str
    found: str
    fix: Fix | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at; ``risk`` is what comes of it where it is wrong."""

    id: str
    name: str
    wanted: str
    risk: str
    look: Callable[[Machine], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a check."""

    check: Check
    outcome: Outcome

    @property
    def status(self) -> str:
        """One of STATUSES."""
        return self.outcome.status

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        fix = self.outcome.fix
        return {
            "id": self.check.id,
            "name": self.check.name,
            "status": self.status,
            "wanted": self.check.wanted,
            "found": self.outcome.found,
            "risk": self.check.risk,
            "fix": None if fix is None else fix.text,
            "commands": [] if fix is None else list(fix.commands),
            "undo": [] if fix is None else list(fix.undo),
            "facts": dict(self.outcome.facts),
        }


def write(name: str, value: str) -> str:
    """The command that writes ``value`` to a file of /proc or /sys."""
    # What echo makes of a backslash, shells do not agree on.
    is_plain = re.fullmatch(r"[\w+.-]+", value, re.ASCII) and not value.startswith("-")
    shown = f"echo {value}" if is_plain else f"printf '%s\\n' {shlex.quote(value)}"
    return f"{shown} > {shlex.quote(f'/{name}')}"


def passed(found: str, **facts: Any) -> Outcome:  # noqa: ANN401 - JSON
    """As it should be."""
    return Outcome(status="pass", found=found, facts=facts)


def failed(found: str, fix: Fix | None, **facts: Any) -> Outcome:  # noqa: ANN401 - JSON
    """Not as it should be."""
    return Outcome(status="fail", found=found, fix=fix, facts=facts)


def skipped(reason: str, **facts: Any) -> Outcome:  # noqa: ANN401 - JSON
    """Does not apply to this host, or was not asked for."""
    return Outcome(status="skip", found=reason, facts=facts)


def unknown(reason: str, fix: Fix | None = None) -> Outcome:
    """Cannot be told, and is no pass."""
    return Outcome(status="unknown", found=reason, fix=fix)
