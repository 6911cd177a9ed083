"""Whether the host is fit for a pinned service: settings that cost latency, or undo the policy.

Each check passes, fails, does not apply (skip), or cannot be known (unknown): what cannot be read
is never a pass. Nothing is changed.
"""

from pytest_numa.audit.audit import run
from pytest_numa.audit.check import STATUSES, Check, Fix, Result
from pytest_numa.audit.checks import CHECKS

__all__ = ["CHECKS", "STATUSES", "Check", "Fix", "Result", "run"]
