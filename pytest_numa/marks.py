"""The marks, and what each asks for. A misspelt one is refused when the tests are collected."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_numa.metrics import LATENCIES

HELP = (
    "numa_placement(numa_node=None, cpus=None, max_stray=0.01, max_stray_bytes=64 MiB, "
    "max_stray_weights=0.05, max_stray_text_bytes=512 MiB, roles=None): every thread and page of "
    "the service is where the policy says, or where the mark does; roles={'PATTERN': '0'} or "
    "{'PATTERN': ('0', '0-7')} are the nodes and CPUs of processes whose name or command line "
    "matches; the test's body may be empty (pytest-numa)",
    "numa_throughput(min_ratio=None, min_tokens_per_s=None, min_requests_per_s=None): the unit's "
    "throughput against the same command pinned by hand and the recorded baseline, or a limit; "
    "without arguments the ratio of --numa-margin (pytest-numa)",
    "numa_latency(metric='mean', max_ratio=None, max_ms=None): likewise for a latency: "
    f"{', '.join(LATENCIES)} (pytest-numa)",
    "numa_host(*ids): the checks of the host that pytest-numa audit makes, by id ('N4', 'N7'), all "
    "of them without one; fails where one fails, and is skipped where one cannot be known "
    "(pytest-numa)",
)


NAMES = tuple(line.partition("(")[0] for line in HELP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One figure that a mark asks for, by name; ``margin`` is a slowdown, ``limit`` absolute."""

    metric: str
    margin: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPlacement:
    """A placement that a mark asks for. None is what the options say, or the usual budget."""

    numa_node: str | None = None
    cpus: str | None = None
    max_stray: float | None = None
    max_stray_bytes: int | None = None
    max_stray_weights: float | None = None
    max_stray_text_bytes: int | None = None
    roles: tuple[tuple[str, str, str | None], ...] = ()
    """Pattern, nodes and CPUs of each; without CPUs those of the nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """All that the marks of one test ask for."""

    placements: tuple[AskedPlacement, ...]
    figures: tuple[Asked, ...]
    hosts: tuple[tuple[str, ...], ...] = ()
    """The checks of each audit, by id; all of them where none is named."""

    def __bool__(self) -> bool:
        """Whether the service has to be measured."""
        return bool(self.placements) or bool(self.figures)


def is_ours(mark: pytest.Mark) -> bool:
    """Whether a mark is one of ours, rightly spelt."""
    return mark.name in NAMES


def demands(marks: Iterable[pytest.Mark], *, test: str, margin: float) -> Demands:
    """Read the marks of a test; UsageError says which test and what is wrong.

    ``margin`` is the slowdown that holds where a mark names neither ratio nor limit.
    """
    placements: list[AskedPlacement] = []
    figures: list[Asked] = []
    hosts: list[tuple[str, ...]] = []
    for mark in marks:
        if not mark.name.startswith("numa_"):
            continue
        try:
            if mark.name == "numa_placement":
                placements.append(_placement(*mark.args, **mark.kwargs))
            elif mark.name == "numa_host":
                hosts.append(_host(*mark.args, **mark.kwargs))
            else:
                figures += _reader(mark.name)(margin, *mark.args, **mark.kwargs)
        except (TypeError, ValueError) as error:
            text = (
                str(error)
                .replace("_throughput()", "it")
                .replace("_latency()", "it")
                .replace("_placement()", "it")
                .replace("_host()", "it")
            )
            raise pytest.UsageError(f"{test}: @pytest.mark.{mark.name}: {text}") from None
    return Demands(
        placements=tuple(placements), figures=tuple(dict.fromkeys(figures)), hosts=tuple(hosts)
    )


def _reader(name: str) -> Callable[..., list[Asked]]:
    readers: dict[str, Callable[..., list[Asked]]] = {
        "numa_throughput": _throughput,
        "numa_latency": _latency,
    }
    if name not in readers:
        import difflib  # noqa: PLC0415 - this module is read in every session of pytest

        meant = difflib.get_close_matches(name, NAMES, n=1)
        hint = f": did you mean {meant[0]}?" if meant else ""
        raise ValueError(f"no such mark; there are {', '.join(NAMES)}{hint}")
    return readers[name]


def _host(*ids: object) -> tuple[str, ...]:
    from pytest_numa import audit  # noqa: PLC0415 - this module is read in every session of pytest

    known = [one.id for one in audit.CHECKS]
    for one in ids:
        if one not in known:
            raise ValueError(f"expected checks from {known[0]!r} to {known[-1]!r}, found {one!r}")
    return tuple(map(str, ids))


def _placement(
    *,
    numa_node: int | str | None = None,
    cpus: str | None = None,
    max_stray: float | None = None,
    max_stray_bytes: int | None = None,
    max_stray_weights: float | None = None,
    max_stray_text_bytes: int | None = None,
    roles: Mapping[str, Any] | None = None,
) -> AskedPlacement:
    return AskedPlacement(
        numa_node=None if numa_node is None else _list("numa_node", numa_node),
        cpus=None if cpus is None else _list("cpus", cpus),
        max_stray=_fraction("max_stray", max_stray),
        max_stray_bytes=_size("max_stray_bytes", max_stray_bytes),
        max_stray_weights=_fraction("max_stray_weights", max_stray_weights),
        max_stray_text_bytes=_size("max_stray_text_bytes", max_stray_text_bytes),
        roles=tuple(_role(pattern, place) for pattern, place in _items(roles)),
    )


def _items(roles: object) -> Iterable[tuple[object, object]]:
    if roles is None:
        return ()
    if not isinstance(roles, Mapping):
        raise ValueError(f"roles: expected {{'PATTERN': '0'}}, found {roles!r}")  # noqa: TRY004
    return roles.items()


def _role(pattern: object, place: object) -> tuple[str, str, str | None]:
    both = place if isinstance(place, (tuple, list)) else (place, None)
    if not isinstance(pattern, str) or len(both) != 2:  # noqa: PLR2004 - nodes and CPUs
        raise ValueError(
            "roles: expected {'PATTERN': '0'} or {'PATTERN': ('0', '0-7')}, "
            f"found {pattern!r}: {place!r}"
        )
    nodes, cpus = both
    return pattern, _list("roles", nodes), None if cpus is None else _list("roles", cpus)


def _list(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"{name}: expected a list such as '0-3,8', found {value!r}")  # noqa: TRY004
    return str(value)


def _fraction(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{name}: expected a fraction from 0 to 1, found {value!r}")
    return float(value)


def _size(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name}: expected a size in bytes from 0 on, found {value!r}")
    return value


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
