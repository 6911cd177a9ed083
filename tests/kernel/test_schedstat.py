from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import schedstat
from pytest_numa.kernel.schedstat import Schedstat


def test_time_on_a_cpu_and_time_in_the_queue_are_read() -> None:
    found = schedstat.parse("14313482 119554 17\n", source="schedstat")

    assert found == Schedstat(run_ns=14313482, wait_ns=119554, timeslices=17)


def test_the_running_kernel_is_understood() -> None:
    path = Path("/proc/self/schedstat")
    if not path.exists():
        pytest.skip("a kernel without CONFIG_SCHED_INFO")

    schedstat.parse(path.read_text(), source=str(path))


@pytest.mark.parametrize("text", ["", "1 2\n", "1 2 3 4\n", "1 -2 3\n", "a b c\n", "1 2 ٣"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        schedstat.parse(text, source="s")

    assert str(caught.value) == f"s: expected RUN_NS WAIT_NS TIMESLICES, found {text!r}"


@given(st.integers(0, 2**63), st.integers(0, 2**63), st.integers(0, 2**63))
def test_what_is_written_is_read(run_ns: int, wait_ns: int, timeslices: int) -> None:
    found = schedstat.parse(f"{run_ns} {wait_ns} {timeslices}\n", source="s")

    assert (found.run_ns, found.wait_ns, found.timeslices) == (run_ns, wait_ns, timeslices)


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        schedstat.parse(f"{text}?", source="s")
