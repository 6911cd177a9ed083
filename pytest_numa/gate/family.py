"""Several comparisons of one session: a false alarm in any of them is one of the session.

Failures take Holm's step-down procedure (Holm 1979): of k comparisons that have not failed, the
next must be sure at a k-th of the error rate. Passes need no such care: a session is accepted when
all of its comparisons pass, and then each of them was sure by itself (the intersection-union test,
Berger 1982).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pytest_numa.gate.verdict import Verdict

# Takes the share of the error rate that a failure may take.
Comparison = Callable[[float], Verdict]


def judge_together(comparisons: Sequence[Comparison]) -> list[Verdict]:
    """The verdict of each, such that the error rate of a failure holds for all of them together."""
    alone = [comparison(1.0) for comparison in comparisons]
    suspected = {number for number, one in enumerate(alone) if one.outcome == "fail"}
    failed: dict[int, Verdict] = {}
    while True:
        left = sorted(suspected - failed.keys())
        share = 1 / max(1, len(comparisons) - len(failed))
        found = {number: comparisons[number](share) for number in left}
        new = {number: one for number, one in found.items() if one.outcome == "fail"}
        if not new:
            break
        failed |= new
    return [
        failed.get(number) or (_held(found[number], len(comparisons)) if number in found else one)
        for number, one in enumerate(alone)
    ]


def _held(one: Verdict, count: int) -> Verdict:
    """Alone it were a failure."""
    if one.outcome != "inconclusive":
        return one
    return replace(one, sentence=f"{one.sentence}; {count} comparisons are judged together")
