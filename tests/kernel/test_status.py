from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import status

WORKER = """\
Name:\tVLLM::Worker_TP
Umask:\t0022
State:\tS (sleeping)
Tgid:\t710
Ngid:\t1
Pid:\t733
PPid:\t609
VmRSS:\t    1624 kB
RssAnon:\t     116 kB
RssFile:\t    1500 kB
RssShmem:\t       8 kB
VmSwap:\t       0 kB
HugetlbPages:\t    2048 kB
Threads:\t210
Cpus_allowed:\tff00ff
Cpus_allowed_list:\t0-7,16-23
Mems_allowed:\t00000000,00000003
Mems_allowed_list:\t0-1
voluntary_ctxt_switches:\t7
nonvoluntary_ctxt_switches:\t1
"""
# As Linux 6.18 prints it for a child that has ended and was not waited for, shortened.
ZOMBIE = """\
Name:\ttrue
State:\tZ (zombie)
Tgid:\t9278
Pid:\t9278
PPid:\t9277
Threads:\t1
Cpus_allowed_list:\t
"""


def test_masks_and_sizes_of_a_thread_are_read() -> None:
    facts = status.parse(WORKER, source="/proc/710/task/733/status")

    assert facts == status.Status(
        name="VLLM::Worker_TP",
        state="S",
        pid=733,
        tgid=710,
        ppid=609,
        threads=210,
        cpus_allowed=frozenset({*range(8), *range(16, 24)}),
        mems_allowed=frozenset({0, 1}),
        vm_rss_bytes=1624 * 1024,
        rss_anon_bytes=116 * 1024,
        rss_file_bytes=1500 * 1024,
        rss_shmem_bytes=8 * 1024,
        vm_swap_bytes=0,
        hugetlb_bytes=2048 * 1024,
        voluntary_switches=7,
        involuntary_switches=1,
    )


def test_a_zombie_has_neither_masks_nor_memory() -> None:
    facts = status.parse(ZOMBIE, source="/proc/9278/status")

    assert (facts.cpus_allowed, facts.mems_allowed, facts.vm_rss_bytes) == (None, None, None)


def test_the_running_kernel_is_understood() -> None:
    facts = status.parse(Path("/proc/self/status").read_text(), source="/proc/self/status")

    assert facts.cpus_allowed
    assert facts.vm_rss_bytes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Pid:\t733\n", "", "s: expected a line Pid"),
        ("0-7,16-23", "0-7,x", "s, Cpus_allowed_list: expected a list such as 0-3,8"),
        ("1624 kB", "1624", "s, VmRSS: expected SIZE kB, found '1624'"),
        ("210", "many", "s, Threads: expected a number, found 'many'"),
        ("Umask:\t0022", "Umask", "s:2: expected NAME: VALUE, found 'Umask'"),
    ],
)
def test_a_damaged_line_is_refused_by_its_name(old: str, new: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        status.parse(WORKER.replace(old, new), source="s")

    assert str(caught.value).startswith(message)


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        status.parse(f"{text}\nno colon here", source="s")
