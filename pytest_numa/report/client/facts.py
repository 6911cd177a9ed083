"""What a report for a client rests on: a session, an audit of its host, the history of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_numa import trend
from pytest_numa.errors import HistoryError
from pytest_numa.history import Entry
from pytest_numa.metrics import METRICS
from pytest_numa.trend import Trend

# The service as it will run; the other modes are there to be compared with.
_SERVICE = "systemd"
FIGURE = "tokens_per_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``session`` is the document of --numa-json; ``audit`` that of ``audit --json``, if any."""

    session: Mapping[str, Any]
    audit: Mapping[str, Any] | None = None
    trend: Trend | None = None
    """Throughput of the same subject on the same host, this session included."""

    @property
    def findings(self) -> list[Mapping[str, str]] | None:
        """What was not where it should be, each once; None where the file does not say."""
        runs = self._runs()
        if runs is None:
            return None
        unique = {tuple(sorted(one.items())): one for run in runs for one in run["findings"]}
        return list(unique.values())

    @property
    def is_placement_proven(self) -> bool:
        """Whether all of the service was looked at, and was where it should be."""
        runs = self._runs()
        placements = [run["placement"] for run in runs or ()]
        return bool(placements) and all(one and one["verdict"] == "pass" for one in placements)

    @property
    def requests(self) -> tuple[int, int]:
        """How many requests of the service failed, of how many."""
        runs = [run for block in self.session["modes"].get(_SERVICE, ()) for run in block]
        failed = sum(run["failed"] for run in runs)
        return failed, failed + sum(run["completed"] for run in runs)

    def verdicts(self, *outcomes: str) -> list[Mapping[str, Any]]:
        """The comparisons with one of these outcomes."""
        return [one for one in self.session.get("verdicts", ()) if one["outcome"] in outcomes]

    def checks(self, status: str) -> list[Mapping[str, Any]]:
        """The checks of the host with this status."""
        checks = self.audit["checks"] if self.audit else ()
        return [one for one in checks if one["status"] == status]

    def conditions(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """What conditions of a kind did to the service's throughput."""
        for one in (self.session.get("conditions") or {}).get("changes", ()):
            is_asked = one["mode"] == _SERVICE and one["figure"] == FIGURE
            if is_asked and one["condition"].startswith(f"{kind} "):
                yield one

    def _runs(self) -> list[Mapping[str, Any]] | None:
        if "runs" not in self.session:
            return None
        return [run for run in self.session["runs"] if run["mode"] == _SERVICE]


def of(
    session: Mapping[str, Any], audit: Mapping[str, Any] | None, entries: Sequence[Entry]
) -> Facts:
    """The facts, with the history of what the session measured."""
    own = [
        one
        for one in entries
        if one.host == session.get("host") and dict(one.subject) == session.get("subject")
    ]
    return Facts(session=session, audit=audit, trend=_trend(own) if own else None)


def _trend(entries: Sequence[Entry]) -> Trend:
    ordered = sorted(entries, key=lambda one: one.when)
    metric = METRICS[FIGURE]
    try:
        return trend.of(ordered, metric, _SERVICE)
    except HistoryError:
        # Without the extra `history` there are no change points.
        return trend.of(ordered, metric, _SERVICE, has_changes=False)
