"""What was found of a unit: for the terminal and for programs."""

from collections.abc import Sequence
from dataclasses import asdict

from pytest_numa.lint.finding import Finding


def text(unit: str, findings: Sequence[Finding]) -> str:
    """Each finding, with what mends it; then how many there are."""
    n_unknown = sum(one.is_unknown for one in findings)
    n_wrong = len(findings) - n_unknown
    blocks = [str(one) for one in findings]
    counted = "1 finding" if n_wrong == 1 else f"{n_wrong} findings"
    more = f", {n_unknown} unknown" if n_unknown else ""
    return "\n\n".join([*blocks, f"{unit}: {counted}{more}"])


def document(unit: str, findings: Sequence[Finding]) -> dict[str, object]:
    """Build what ``pytest-numa unit lint --json`` prints."""
    return {"unit": unit, "findings": [asdict(one) for one in findings]}
