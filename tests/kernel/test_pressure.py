from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import pressure
from pytest_numa.kernel.pressure import Pressure

# Linux 6.18.
MEMORY = """\
some avg10=39.15 avg60=23.58 avg300=100.00 total=1805958013
full avg10=0.00 avg60=0.06 avg300=0.10 total=132400137
"""


def test_the_totals_are_read() -> None:
    found = pressure.parse(MEMORY, source="memory")

    assert found == Pressure(some_us=1805958013, full_us=132400137)


def test_old_kernels_have_no_full_line_for_the_cpu() -> None:
    text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=44\n"

    assert pressure.parse(text, source="cpu") == Pressure(some_us=44, full_us=None)


def test_the_running_kernel_is_understood() -> None:
    path = Path("/proc/pressure/cpu")
    if not path.exists():
        pytest.skip("a kernel without CONFIG_PSI, or with psi=0")

    assert pressure.parse(path.read_text(), source=str(path)).some_us >= 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("some", "most", "p:1: expected some|full avg10="),
        ("total=132400137", "total=", "p:2: expected some|full avg10="),
        (MEMORY.splitlines()[0] + "\n", "", "p: expected a line some"),
    ],
)
def test_a_damaged_text_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        pressure.parse(MEMORY.replace(old, new), source="p")

    assert str(caught.value).startswith(message)


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        pressure.parse(f"{text}\n?", source="p")
