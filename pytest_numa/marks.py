"""The marks, and what each asks for. A misspelt one is refused when the tests are collected."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from pytest_numa.metrics import LATENCIES

HELP = (
    "numa_placement(): every thread and page of the service is where the policy says; the test's "
    "body may be empty (pytest-numa)",
    "numa_throughput(min_ratio=None, min_tokens_per_s=None, min_requests_per_s=None): the unit's "
    "throughput against the same command pinned by hand and the recorded baseline, or a limit; "
    "without arguments the ratio of --numa-margin (pytest-numa)",
    "numa_latency(metric='mean', max_ratio=None, max_ms=None): likewise for a latency: "
    f"{', '.join(LATENCIES)} (pytest-numa)",
)


NAMES = tuple(line.partition("(")[0] for line in HELP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One figure that a mark asks for, by name; ``margin`` is a slowdown, ``limit`` absolute."""

    metric: str
    margin: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """All that the marks of one test ask for."""

    placement: bool
    figures: tuple[Asked, ...]

    def __bool__(self) -> bool:
        return self.placement or bool(self.figures)


def is_ours(mark: pytest.Mark) -> bool:
    """Whether a mark is one of the three, rightly spelt."""
    return mark.name in NAMES


def demands(marks: Iterable[pytest.Mark], *, test: str, margin: float) -> Demands:
    """Read the marks of a test; UsageError says which test and what is wrong.

    ``margin`` is the slowdown that holds where a mark names neither ratio nor limit.
    """
    placement = False
    figures: list[Asked] = []
    for mark in marks:
        if not mark.name.startswith("numa_"):
            continue
        try:
            if mark.name == "numa_placement":
                _placement(*mark.args, **mark.kwargs)
                placement = True
            else:
                figures += _reader(mark.name)(margin, *mark.args, **mark.kwargs)
        except (TypeError, ValueError) as error:
            text = str(error).replace("_throughput()", "it").replace("_latency()", "it")
            raise pytest.UsageError(f"{test}: @pytest.mark.{mark.name}: {text}") from None
    return Demands(placement=placement, figures=tuple(dict.fromkeys(figures)))


def _reader(name: str) -> Callable[..., list[Asked]]:
    readers: dict[str, Callable[..., list[Asked]]] = {
        "numa_throughput": _throughput,
        "numa_latency": _latency,
    }
    if name not in readers:
        raise ValueError(f"no such mark; there are {', '.join(NAMES)}")
    return readers[name]


def _placement() -> None:
    """Take no arguments."""


def _throughput(
    margin: float,
    *,
    min_ratio: float | None = None,
    min_tokens_per_s: float | None = None,
    min_requests_per_s: float | None = None,
) -> list[Asked]:
    found = []
    if min_ratio is not None:
        ratio = _number("min_ratio", min_ratio)
        if ratio >= 1:
            raise ValueError(f"min_ratio: expected a number below 1, found {min_ratio!r}")
        found.append(Asked(metric="tokens_per_s", margin=1 / ratio - 1))
    if min_tokens_per_s is not None:
        limit = _number("min_tokens_per_s", min_tokens_per_s)
        found.append(Asked(metric="tokens_per_s", limit=limit))
    if min_requests_per_s is not None:
        limit = _number("min_requests_per_s", min_requests_per_s)
        found.append(Asked(metric="requests_per_s", limit=limit))
    return found or [Asked(metric="tokens_per_s", margin=margin)]


def _latency(
    margin: float,
    metric: str = "mean",
    *,
    max_ratio: float | None = None,
    max_ms: float | None = None,
) -> list[Asked]:
    if metric not in LATENCIES:
        raise ValueError(f"metric: expected one of {', '.join(LATENCIES)}, found {metric!r}")
    found = []
    if max_ratio is not None:
        ratio = _number("max_ratio", max_ratio)
        if ratio <= 1:
            raise ValueError(f"max_ratio: expected a number above 1, found {max_ratio!r}")
        found.append(Asked(metric=metric, margin=ratio - 1))
    if max_ms is not None:
        found.append(Asked(metric=metric, limit=_number("max_ms", max_ms)))
    return found or [Asked(metric=metric, margin=margin)]


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e12:  # noqa: PLR2004
        raise ValueError(f"{name}: expected a number above 0, found {value!r}")
    return float(value)
