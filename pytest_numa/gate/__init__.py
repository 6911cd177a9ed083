"""Samples to a verdict: whether the candidate is slower than its control by more than a margin.

Pure. The unit of replication is the block: in each, control and candidate were measured side by
side. docs/gate.md has the error rates of the whole procedure, measured by simulation.
"""

from pytest_numa.gate.effects import Effect, effect
from pytest_numa.gate.family import Comparison, judge_together
from pytest_numa.gate.limit import judge_limit
from pytest_numa.gate.paired import judge
from pytest_numa.gate.record import judge_against_record
from pytest_numa.gate.values import Better, Runs
from pytest_numa.gate.verdict import FIRST_LOOK, Outcome, Verdict

__all__ = [
    "FIRST_LOOK",
    "Better",
    "Comparison",
    "Effect",
    "Outcome",
    "Runs",
    "Verdict",
    "effect",
    "judge",
    "judge_against_record",
    "judge_limit",
    "judge_together",
]
