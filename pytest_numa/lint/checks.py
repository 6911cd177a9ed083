"""All checks of a unit, in the order in which their findings are shown."""

from collections.abc import Callable, Iterator

from pytest_numa.lint import (
    conflicts,
    container,
    engines,
    exposure,
    limits,
    lists,
    openmp,
    placing,
    sandbox,
    service,
    shell,
    threads,
)
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    lists.check,
    placing.check,
    conflicts.check,
    engines.check,
    threads.check,
    openmp.check,
    shell.check,
    service.check,
    container.check,
    limits.check,
    sandbox.check,
    exposure.check,
)


def run(subject: Subject) -> list[Finding]:
    """What all of them find; what two say alike is said once."""
    found = [one for check in CHECKS for one in check(subject)]
    return list(dict.fromkeys(found))
