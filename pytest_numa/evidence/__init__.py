"""What the scheduler and the memory manager counted around a run, so that a change is explained.

Two readings of plain counters, one before and one after; nothing is read while the run lasts.
"""

from pytest_numa.evidence.change import Change, between
from pytest_numa.evidence.counted import Counted
from pytest_numa.evidence.snapshot import Evidence, ThreadTexts, read

__all__ = ["Change", "Counted", "Evidence", "ThreadTexts", "between", "read"]
