"""Look at everything, once."""

from collections.abc import Collection

from pytest_numa.audit.check import Check, Outcome, Result, unknown
from pytest_numa.audit.checks import CHECKS
from pytest_numa.audit.machine import Machine, UnreadableError


def run(machine: Machine, ids: Collection[str] = ()) -> list[Result]:
    """The results of the named checks, of all where none is named, in the order of CHECKS."""
    wanted = [one for one in CHECKS if not ids or one.id in ids]
    return [Result(check=one, outcome=_outcome(one, machine)) for one in wanted]


def _outcome(check: Check, machine: Machine) -> Outcome:
    try:
        return check.look(machine)
    except UnreadableError as error:
        return unknown(str(error))
    except ValueError as error:
        # A number of thousands of digits, say: nothing that a kernel writes.
        return unknown(f"a file holds what no kernel writes: {error}")
