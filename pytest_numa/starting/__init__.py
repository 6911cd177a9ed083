"""A starting set for a user's repository: an acceptance test, a unit, a workflow of CI."""

from pytest_numa.starting.files import Written, lay_out

__all__ = ["Written", "lay_out"]
