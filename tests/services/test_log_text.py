"""What is shown of the log of a service that died."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.services import log_text

# As vLLM 0.32 writes it, shortened: three processes tell of one cause, the last of none.
VLLM = """\
(VllmWorker-0 pid=1345) ERROR 11-23 23:42:55 [exec.py:953] Traceback (most recent call last):
(VllmWorker-0 pid=1345) ERROR 11-23 23:42:55 [exec.py:953]     raise ValueError(
(VllmWorker-0 pid=1345) ERROR 11-23 23:42:55 [exec.py:953] ValueError: Available memory on node 0
(EngineCore pid=1340) ERROR 11-23 23:42:57 [core.py:712] ValueError: Available memory on node 0
  File "vllm/v1/engine/utils.py", line 1431, in wait_for_engine_startup
    raise RuntimeError(
RuntimeError: Engine core initialization failed. See root cause above.
"""


def test_an_error_before_the_last_lines_stands_above_them() -> None:
    shown = log_text.ending(VLLM, 2)

    assert shown.splitlines() == [
        "(earlier) ValueError: Available memory on node 0",
        "    raise RuntimeError(",
        "RuntimeError: Engine core initialization failed. See root cause above.",
    ]


def test_an_error_among_the_last_lines_is_not_told_twice() -> None:
    text = "error: no model\nerror: no model\nbye\n"

    assert log_text.ending(text, 2).splitlines() == ["error: no model", "bye"]


def test_a_log_without_an_error_is_its_last_lines() -> None:
    assert log_text.ending("one\ntwo\nthree\n", 2) == "two\nthree"


def test_no_more_than_the_last_three_errors_are_told() -> None:
    text = "".join(f"Error: number {number}\n" for number in range(9)) + "end\n"

    assert log_text.ending(text, 1).splitlines() == [
        "(earlier) Error: number 6",
        "(earlier) Error: number 7",
        "(earlier) Error: number 8",
        "end",
    ]


@given(st.text(), st.integers(0, 5))
def test_the_last_lines_are_always_there(text: str, lines: int) -> None:
    shown = log_text.ending(text, lines)

    assert shown.endswith("\n".join(text.splitlines()[-lines:] if lines else []))
