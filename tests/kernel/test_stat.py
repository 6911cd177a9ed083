import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import stat

NUMBERS = (
    "0 0 0 0 -1 2129984 0 0 0 0 11 22 0 0 20 0 1 0 1600 0 0 18446744073709551615 0 0 0 0 0 0 0 "
    "2147483647 0 1 0 0 0 17 0 0 0 0 0"
)


def test_the_fields_of_a_kernel_thread_are_read() -> None:
    facts = stat.parse(f"2 (kthreadd) S {NUMBERS}\n", source="/proc/2/stat")

    assert facts == stat.Stat(
        pid=2,
        comm="kthreadd",
        state="S",
        ppid=0,
        flags=2129984,
        minor_faults=0,
        major_faults=0,
        utime_ticks=11,
        stime_ticks=22,
        start_time_ticks=1600,
        last_cpu=17,
    )
    assert facts.is_kernel_thread


@pytest.mark.parametrize("comm", ["tmux: server", "a) S 1 (b", ")", "", "(sd-pam)", "x\ny"])
def test_a_name_may_hold_blanks_and_parentheses(comm: str) -> None:
    facts = stat.parse(f"71 ({comm}) R {NUMBERS}", source="/proc/71/stat")

    assert (facts.comm, facts.state) == (comm, "R")


@pytest.mark.parametrize(
    "text",
    [
        *("", "2", "2 (a", "x (a) S 1", "2 (a) S", f"2 a) S {NUMBERS}", ") 2 (a S"),
        *(f"2 (a) 7 {NUMBERS}", f"2 (a) S x {NUMBERS}", "2 (a) S 0 0 0 0"),
    ],
)
def test_a_line_that_is_no_stat_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/2/stat: expected PID \(NAME\) STATE"):
        stat.parse(text, source="/proc/2/stat")


@given(st.text(max_size=16).filter(lambda name: "\0" not in name))
def test_any_name_reads_back(comm: str) -> None:
    assert stat.parse(f"1 ({comm}) S {NUMBERS}", source="").comm == comm


@given(st.text(alphabet="0123456789 ()S-x", max_size=40))
def test_garbage_raises_a_parse_error_and_nothing_else(text: str) -> None:
    with pytest.raises(ParseError):
        stat.parse(text, source="")
