import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cgroup

HYBRID = """\
9:name=systemd:/system.slice/inference.service
7:cpu,cpuacct:/system.slice
3:cpuset:/
0::/system.slice/inference.service
"""


def test_a_hybrid_host_has_a_line_for_each_hierarchy() -> None:
    memberships = cgroup.parse(HYBRID, source="/proc/1/cgroup")

    assert [(set(m.controllers), m.path) for m in memberships] == [
        ({"name=systemd"}, "/system.slice/inference.service"),
        ({"cpu", "cpuacct"}, "/system.slice"),
        ({"cpuset"}, "/"),
        (set(), "/system.slice/inference.service"),
    ]
    assert [m.is_unified for m in memberships] == [False, False, False, True]


def test_a_path_may_hold_colons() -> None:
    (membership,) = cgroup.parse("0::/a:b@0::1.service\n", source="/proc/1/cgroup")

    assert membership.path == "/a:b@0::1.service"


def test_the_cgroup_of_a_dead_process_is_named_without_the_kernels_remark() -> None:
    (membership,) = cgroup.parse("0::/gone.service (deleted)\n", source="/proc/1/cgroup")

    assert membership.path == "/gone.service"


def test_a_kernel_without_cgroups_says_nothing() -> None:
    assert cgroup.parse("", source="/proc/1/cgroup") == ()


@pytest.mark.parametrize("line", ["0:/a", "x::/a", "0::a", "", "::/"])
def test_a_line_in_another_format_is_refused(line: str) -> None:
    with pytest.raises(ParseError, match=r"^c:2: expected ID:CONTROLLERS:/PATH, found "):
        cgroup.parse(f"0::/\n{line}\n0::/", source="c")


@given(st.text())
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        cgroup.parse(f"{text}\n?", source="c")
