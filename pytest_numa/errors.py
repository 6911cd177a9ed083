"""What can go wrong with the host, the service or a file: one tree.

PytestNumaError
├── ParseError      text that is not what its format promises
├── HostError       the host lacks what was asked for: a file, a tool, a right
├── PolicyError     the wanted CPUs or nodes cannot be had on this host
├── UnitError       a template or unit file cannot be used
├── ServiceError    the service did not start, died, or could not be stopped
├── LoadError       the workload could not be run, or its figures cannot be used
├── SessionError    an interrupted session cannot be resumed
├── BaselineError   a recorded baseline cannot be used
├── HistoryError    the history of sessions cannot be read or written
└── ReportError     a report cannot be written

A service that was measured and found wanting is no error: that is a Finding or a Verdict.
"""


class PytestNumaError(Exception):
    """Base of all errors that are ours; its text is for the user."""


class ParseError(PytestNumaError):
    """A text is not in its format. Says where, what was expected, what was found."""

    def __init__(self, source: str, *, expected: str, found: str) -> None:
        shown = found if len(found) <= 200 else f"{found[:200]}…"  # noqa: PLR2004
        super().__init__(f"{source}: expected {expected}, found {shown!r}")


class HostError(PytestNumaError):
    """The host lacks a file, a tool or a right that is needed."""


class PolicyError(PytestNumaError):
    """The wanted CPUs or memory nodes do not exist here or do not fit together."""


class UnitError(PytestNumaError):
    """A unit template or unit file cannot be rendered, installed or understood."""


class ServiceError(PytestNumaError):
    """The service did not start, died, or did not stop."""


class LoadError(PytestNumaError):
    """The workload could not be run, or its figures cannot be used."""


class SessionError(PytestNumaError):
    """An interrupted session cannot be resumed."""


class BaselineError(PytestNumaError):
    """A recorded baseline is damaged, alien, or belongs to another class of host."""


class HistoryError(PytestNumaError):
    """The history of sessions cannot be read or written."""


class ReportError(PytestNumaError):
    """A report cannot be written."""
