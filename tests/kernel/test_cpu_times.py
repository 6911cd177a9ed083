from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpu_times
from pytest_numa.kernel.cpu_times import CpuTimes

# Linux 6.18, a virtual machine; CPU 1 is offline.
HOST = """\
cpu  1097937 229572 105979 2849888 16771 0 15797 14062 0 0
cpu0 489444 123248 49956 1485187 2800 0 7739 6860 0 0
cpu2 608493 106323 56022 1364701 13971 5 8058 7202 100 50
intr 12533039 0 0 0
ctxt 1990473
"""


def test_busy_and_stolen_time_of_each_cpu_is_read_and_guests_count_once() -> None:
    found = cpu_times.parse(HOST, source="/proc/stat")

    assert found == {
        0: CpuTimes(busy_ticks=489444 + 123248 + 49956 + 7739, steal_ticks=6860),
        2: CpuTimes(busy_ticks=608493 + 106323 + 56022 + 5 + 8058, steal_ticks=7202),
    }


def test_a_kernel_before_steal_was_counted_is_read() -> None:
    found = cpu_times.parse("cpu  1 2 3 4\ncpu0 1 2 3 4\n", source="/proc/stat")

    assert found == {0: CpuTimes(busy_ticks=6, steal_ticks=0)}


def test_the_running_kernel_is_understood() -> None:
    path = Path("/proc/stat")

    assert sum(one.busy_ticks for one in cpu_times.parse(path.read_text(), source="s").values()) > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s: expected a line cpu0"),
        ("intr 1 2\ncpu0 1 2 3 4\n", "s: expected a line cpu0"),
        ("cpu  1 2 3 4\ncpu0 1 2 x 4\n", "s:2: expected cpuN and four or more"),
        ("cpu0 1 2 3\n", "s:1: expected cpuN and four or more"),
    ],
)
def test_a_damaged_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        cpu_times.parse(text, source="s")

    assert str(caught.value).startswith(message)


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        cpu_times.parse(f"cpu?{text}", source="s")
