"""The level of risk, by rules that the report states."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_numa.report.client.facts import Facts

Level = Literal["high", "medium", "low"]

RULES = (
    "High: some of the service was not where it is meant to be, or it was slower than is "
    "accepted, or a request failed.",
    "Medium: none of these, but something was not decided or not looked at, or the examination of "
    "the machine found a fault.",
    "Low: all was looked at, and all of it is as it should be.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The level, and each fact that makes it so."""

    level: Level
    reasons: tuple[str, ...]


def assess(facts: Facts) -> Risk:
    """The highest level that any fact calls for."""
    if high := tuple(_high(facts)):
        return Risk(level="high", reasons=high)
    if medium := tuple(_medium(facts)):
        return Risk(level="medium", reasons=medium)
    return Risk(level="low", reasons=("nothing was found that calls for a higher one",))


def _high(facts: Facts) -> Iterator[str]:
    if facts.findings:
        yield f"{count(len(facts.findings), 'part')} of the service not where it is meant to be"
    if slower := facts.verdicts("fail"):
        yield f"slower than is accepted in {count(len(slower), 'comparison')}"
    failed, of = facts.requests
    if failed:
        yield f"{failed} of {of} requests failed"


def _medium(facts: Facts) -> Iterator[str]:
    if not facts.is_placement_proven:
        yield "it is not proven that all of the service is where it is meant to be"
    if open_ones := facts.verdicts("inconclusive"):
        yield f"not decided in {count(len(open_ones), 'comparison')}"
    if not facts.verdicts("pass", "inconclusive"):
        yield "nothing was asked of the speed"
    elif not any(one["against"] == "record" for one in facts.verdicts("pass", "inconclusive")):
        yield "the speed was not held against an earlier record"
    drifts = (facts.session.get("host_drift") or {}).values()
    if any(one["outcome"] == "fail" for one in drifts):
        yield "the machine itself is slower than it was"
    if facts.audit is None:
        yield "the machine was not examined"
    if faults := facts.checks("fail"):
        yield f"{count(len(faults), 'fault')} found in the examination of the machine"


def count(number: int, noun: str) -> str:
    """``1 part``, ``2 parts``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
