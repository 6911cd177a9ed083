"""What a session adds to what is remembered."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import measured as made
import pytest

from pytest_numa import recording
from pytest_numa.baseline import Baseline, RecordedSession, Subject
from pytest_numa.errors import BaselineError
from pytest_numa.load import results

if TYPE_CHECKING:
    from pytest_numa.settings import Settings


@dataclass(frozen=True)
class Recorded:
    """Settings of a session with a record."""

    baseline: Baseline
    margin: float = 0.05


def recorded(latency_s: float) -> "Settings":
    session = RecordedSession(
        when="then",
        host="a",
        versions={},
        blocks=[[made.result(latency_s * noise)] for noise in made.NOISE],
    )
    known = Baseline(subject=Subject(facts={}), sessions=(session,))
    return cast("Settings", Recorded(baseline=known))


def test_a_host_that_is_slower_than_its_record_does_not_become_the_measure() -> None:
    now = made.measurement(
        *[made.block(pinned=1.2 * noise, systemd=1.2) for noise in made.NOISE * 2]
    )

    with pytest.raises(BaselineError, match="--numa-record=replace begins anew"):
        recording._refuse_slower(recorded(1.0), now)


@pytest.mark.parametrize("then_s", [1.0, 1.2], ids=["as it was", "faster than it was"])
def test_a_host_that_is_no_slower_is_recorded(then_s: float) -> None:
    now = made.measurement(*[made.block(pinned=noise, systemd=1.5) for noise in made.NOISE * 2])

    recording._refuse_slower(recorded(then_s), now)


def test_a_session_with_failed_requests_has_no_line_in_the_history() -> None:
    failed = made.run("systemd", made.result(1.0, failure="http_500"))
    broken = {**made.block(pinned=1.0), "systemd": [failed]}

    found = recording.entry(recorded(1.0), made.measurement(broken), [])

    assert found is None


def test_a_figure_that_a_run_lacks_is_left_out_of_the_history() -> None:
    short = replace(made.result(1.0), itl_ms=results.spread([]))
    blocks = [[made.run("pinned", made.result(1.0))], [made.run("pinned", short)]]

    figures = recording._figures(blocks)

    assert figures["mean"] == [1000.0, 1000.0]
    assert "itl_p50" not in figures
