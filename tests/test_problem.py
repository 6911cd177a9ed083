"""A message in the manner of findings becomes a problem and reads the same again."""

from dataclasses import replace

from pytest_numa import problem
from pytest_numa.placement import Finding

FINDING = Finding(
    subject="a thread may run off the policy's CPUs",
    expected="allowed CPUs within 2-3",
    found="allowed CPUs 0",
    cause="taskset in ExecStart=",
    fix="leave taskset out",
)


def test_a_finding_is_told_as_it_was() -> None:
    found = problem.parsed(str(FINDING), weight="fail")

    assert str(found) == str(FINDING)
    assert dict(found.rows)["to fix"] == "leave taskset out"


def test_lines_without_a_label_are_its_log() -> None:
    found = problem.parsed(
        "mode systemd: x.service ended\n  probably  memory\nits log ends:\nfirst\n  indented  so",
        weight="error",
    )

    assert (found.what, found.rows) == ("mode systemd: x.service ended", (("probably", "memory"),))
    assert found.log == ("first", "  indented  so")


def test_problems_that_differ_in_what_they_were_found_at_are_one() -> None:
    texts = [str(replace(FINDING, subject=f"thread {number}")) for number in range(3)]

    (found,) = problem.alike([problem.parsed(text, weight="fail") for text in texts])

    assert found.what == "thread 0"
    assert dict(found.rows)["found"] == (
        "allowed CPUs 0 (and 2 more of this kind, for which the same holds)"
    )


def test_problems_with_another_fix_stay_apart() -> None:
    others = (FINDING, replace(FINDING, fix="something else"))

    found = problem.alike([problem.parsed(str(one), weight="fail") for one in others])

    assert len(found) == 2
