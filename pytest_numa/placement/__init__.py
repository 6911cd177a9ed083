"""Wanted placement against found: which thread may run elsewhere, which memory lies elsewhere.

Pure. The threads' allowed CPUs are the proof for CPUs: where a thread ran last says nothing of
where it will run. Pages are judged by where they are: neither Mems_allowed_list nor the policy of
a mapping says that.
"""

from pytest_numa.placement.bounds import pages_needed
from pytest_numa.placement.clues import Clues
from pytest_numa.placement.finding import Finding
from pytest_numa.placement.proof import Proof, Verdict, over_time, prove
from pytest_numa.placement.wanted import Budget, Budgets, Role, Wanted

__all__ = [
    "Budget",
    "Budgets",
    "Clues",
    "Finding",
    "Proof",
    "Role",
    "Verdict",
    "Wanted",
    "over_time",
    "pages_needed",
    "prove",
]
