from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import sched
from pytest_numa.kernel.sched import Sched

# Linux 6.18, shortened.
THREAD = """\
llama-server (20163, #threads: 9)
-------------------------------------------------------------------
se.exec_start                                :      20964356.682811
se.sum_exec_runtime                          :             1.430994
se.nr_migrations                             :                   12
nr_switches                                  :                  345
nr_voluntary_switches                        :                  300
nr_involuntary_switches                      :                   45
policy                                       :                    0
mm->numa_scan_seq                            :                    0
numa_faults node=0 task_private=0 task_shared=0 group_private=0 group_shared=0
"""
ALL = Sched(migrations=12, voluntary_switches=300, involuntary_switches=45)


def test_switches_and_migrations_are_read() -> None:
    assert sched.parse(THREAD, source="sched") == ALL


def test_a_name_cannot_pass_for_a_count() -> None:
    text = THREAD.replace("llama-server", "\nse.nr_migrations : 99\nx")

    assert sched.parse(text, source="sched") == ALL


def test_what_a_kernel_does_not_count_is_unknown() -> None:
    text = THREAD.replace("se.nr_migrations", "se.other")

    assert sched.parse(text, source="sched").migrations is None


def test_the_running_kernel_is_understood() -> None:
    path = Path("/proc/self/sched")
    if not path.exists():
        pytest.skip("a kernel without CONFIG_SCHED_DEBUG")

    assert sched.parse(path.read_text(), source=str(path)).migrations is not None


@pytest.mark.parametrize("text", ["", "x (1, #threads: 1)\n---\n", "nr_voluntary_switches : 1\n"])
def test_a_text_without_counts_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        sched.parse(text, source="s")

    assert str(caught.value).startswith("s: expected a line nr_voluntary_switches")


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        sched.parse(text.replace("switches", "").replace("migrations", ""), source="s")
