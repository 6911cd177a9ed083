"""Words of everyday for the words of the trade."""

from collections.abc import Mapping
from typing import Any

FIGURES = {
    "tokens_per_s": "amount of text a second",
    "requests_per_s": "number of answers a second",
    "mean": "time to a whole answer",
    "p50": "time to a whole answer, in half of the cases",
    "p95": "time to a whole answer, in 95 of 100 cases",
    "p99": "time to a whole answer, in 99 of 100 cases",
    "ttft_p50": "time to the first word, in half of the cases",
    "ttft_p95": "time to the first word, in 95 of 100 cases",
    "itl_p50": "time between words, in half of the cases",
    "itl_p99": "time between words, in 99 of 100 cases",
    "tpot_mean": "time for each word",
}
AGAINST = {
    "pinned": "compared with the same program set up by hand",
    "record": "compared with what was accepted before",
    "limit": "compared with the limit that was agreed",
}
NEIGHBOURS = {
    "neighbour same": "with other work in the same part of the machine",
    "neighbour other": "with other work in another part of the machine",
}
_FAULTS = {
    "N1": "its parts are no longer what they were",
    "N2": "some of the processors that the service is to have are switched off",
    "N3": "parts of the service have to share a processor while others have one alone",
    "N4": "processors save power, and speed up only after work has come",
    "N5": "processors fall asleep so deep that they wake too late",
    "N6": "memory is handed out in a way that slows work down",
    "N7": "the operating system moves memory about while the service works",
    "N8": "memory is thrown away that is needed again",
    "N9": "memory may be moved to a disk, which is slow",
    "N10": "memory may be moved to a slower kind",
    "N11": "work is not spread over the processors that the service is to have",
    "N12": "other work may use the processors of the service",
    "N13": "the processors of the service also attend to devices",
    "N14": "the service is far from its accelerator",
    "N15": "an accelerator is far from its network",
    "N16": "a device is connected by less than it could be",
    "N17": "memory that was set aside is not where the service needs it",
    "N18": "there is not enough free memory where the service needs it",
    "N19": "the speed of memory differs",
    "N20": "the parts of the machine have unlike amounts of memory",
    "N21": "it has had errors, or grown hot, or ended programs for want of memory",
    "N22": "others take time from it, so that what is measured varies",
    "N23": "limits are set so low that the service may fail to start",
    "N24": "a program is running that moves or ends others",
    "N25": "its software has changed since it was last examined",
    "N26": "the fixed part of the machine cannot be enforced",
}


def fault(check: str) -> str:
    """What a check that fails means."""
    return _FAULTS.get(check, f"check {check} found a fault")


def is_known(one: Mapping[str, Any]) -> bool:
    """Whether it was measured often enough for an interval."""
    return one["interval"] is not None and None not in one["interval"]


def is_shown(one: Mapping[str, Any]) -> bool:
    """Whether the interval leaves no doubt about the direction."""
    return is_known(one) and (one["interval"][0] > 0 or one["interval"][1] < 0)


def change(one: Mapping[str, Any]) -> str:
    """``3.1% slower, likely between 1.0% slower and 5.2% slower``: as the session's file has it."""
    if not is_known(one):
        return "too few measurements to say how much"
    low, high = one["interval"]
    likely = f"likely between {_direction(low)} and {_direction(high)}"
    doubt = "" if is_shown(one) else "; no difference is shown"
    return f"{_direction(one['slowdown'])}, {likely}{doubt}"


def _direction(slowdown: float) -> str:
    return f"{abs(slowdown):.1%} {'slower' if slowdown > 0 else 'faster'}"
