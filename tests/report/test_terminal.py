"""The end of a session on a terminal: failures first, no wider and no longer than is read."""

from dataclasses import replace

import measured
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import NOISE, SETTINGS, block, measurement, text

from pytest_numa.experiment import Position
from pytest_numa.load.workload import Workload
from pytest_numa.policy import Policy
from pytest_numa.problem import Problem
from pytest_numa.report import header, lines, terminal

GOOD = measurement(*(block(unpinned=1.3 * one, pinned=one, systemd=one) for one in NOISE * 2))
SLOWER = measurement(*(block(pinned=one, systemd=1.3 * one) for one in NOISE * 2))
PROBLEM = Problem(
    weight="fail",
    what="a thread may run off the policy's CPUs",
    rows=(("found", "CPU 0"), ("to fix", "AllowedCPUs=2-3")),
)


def fits(line: str, width: int) -> bool:
    """Within the width, but for a word that is wider: a path must stay in one piece."""
    last = line.rpartition(" ")[0].rstrip()
    return len(line) <= max(40, min(80, width)) or len(last) <= 16


def test_an_accepted_session_is_a_table_and_its_verdicts() -> None:
    shown = text(terminal.summary(measured.end(GOOD)))

    assert shown.startswith("Mode        Runs")
    assert "pass          throughput against pinned: 0.0% faster (" in shown
    assert "pass          placement: threads and pages are as the policy says, in 8 runs" in shown
    assert shown.endswith("report: benchmarks/numa_baseline.md")


def test_failures_come_first_with_what_why_and_what_to_do() -> None:
    shown = text(terminal.summary(measured.end(SLOWER)))

    assert shown.startswith("FAILED  the service under systemd is slower than ")
    assert shown.index("  to fix    ") < shown.index("Mode ")
    assert "throughput 30.0% slower (" in " ".join(shown.split())


def test_quiet_leaves_out_all_but_the_problems() -> None:
    end = measured.end(SLOWER)

    quiet = text(terminal.summary(end, verbosity=-1))
    quieter = terminal.summary(end, verbosity=-2)

    assert "Mode " not in quiet
    assert "  to fix    " in quiet
    assert len(quieter) == len(end.problems)


def test_an_accepted_session_is_silent_where_quiet_is_asked_for() -> None:
    assert terminal.summary(measured.end(GOOD), verbosity=-1) == []


def test_verbose_tells_each_verdict_in_words() -> None:
    shown = " ".join(text(terminal.summary(measured.end(GOOD), verbosity=1)).split())

    assert "throughput, systemd against the same command pinned by hand, this session: " in shown
    assert "surely less than the accepted 5.0% slower" in shown


@given(
    texts=st.lists(st.text(max_size=300), max_size=30),
    width=st.integers(1, 300),
    verbosity=st.integers(-3, 2),
)
def test_no_text_is_too_wide_or_obeyed_by_the_terminal(
    texts: list[str], width: int, verbosity: int
) -> None:
    problems = [
        Problem(weight="error", what=one, rows=(("found", one),), log=tuple(one.splitlines()))
        for one in texts
    ]
    end = measured.end(GOOD, problems=problems, troubles=texts, told=texts)

    shown = [str(line) for line in terminal.summary(end, verbosity=verbosity, width=width)]

    assert all(fits(line, width) for line in shown)
    assert all(line.isprintable() for line in shown)


@pytest.mark.parametrize("count", [1, 3, 40])
def test_the_end_is_never_longer_than_the_last_thirty_lines(count: int) -> None:
    rows = (*PROBLEM.rows, ("probably", "word " * 200))
    problems = [replace(PROBLEM, what=f"number {number}", rows=rows) for number in range(count)]

    shown = terminal.summary(measured.end(SLOWER, problems=problems))

    assert len(shown) <= terminal.MOST_LINES
    assert str(shown[0]) == "FAILED  number 0"
    assert str(shown[-1]) == "report: benchmarks/numa_baseline.md"


@pytest.mark.parametrize("count", range(1, 8))
def test_what_follows_the_problems_is_whole_or_not_there(count: int) -> None:
    problems = [replace(PROBLEM, what=f"number {number}") for number in range(count)]

    shown = text(terminal.summary(measured.end(SLOWER, problems=problems)))

    assert ("Mode " in shown) == ("systemd   " in shown) == ("pinned   " in shown)


def test_problems_that_do_not_fit_are_counted() -> None:
    problems = [replace(PROBLEM, what=f"number {number}") for number in range(40)]

    shown = text(terminal.summary(measured.end(GOOD, problems=problems)))

    assert "more problems, in full further up" in shown


def test_a_narrow_terminal_gets_fewer_columns() -> None:
    shown = [str(line) for line in terminal.table(GOOD, 40)]

    assert shown[0].split() == ["Mode", "Avg", "ms", "tokens/s"] or len(shown[0]) <= 40
    assert {"unpinned", "pinned", "systemd"} <= {line.split()[0] for line in shown}


def test_the_last_of_a_log_is_shown_and_its_errors_are_whole() -> None:
    error = f"RuntimeError: cannot allocate {'memory ' * 15}for the cache"
    log = (*(f"line {number} {'x' * 100}" for number in range(30)), error)
    died = replace(PROBLEM, weight="error", log=log)

    shown = text(terminal.summary(measured.end(GOOD, problems=[died])))

    assert "line 24" not in shown
    assert "    line 29 xxx" in shown
    assert "for the cache" in shown


def test_the_header_has_host_policy_manager_control_and_budget() -> None:
    shown = header.header(SETTINGS, verbosity=0, width=80)

    assert shown[:4] == [
        "numa: host db1: AMD EPYC 9654, 1 socket, 2 nodes, 4 CPUs",
        "numa: policy: CPUs 2-3, memory of node 1; unit inference-vllm.service",
        "numa: manager: system (systemd is process 1 and we are root)",
        "numa: control: pinned by hand; baseline: 1 session recorded",
    ]
    assert "budget: at most 16 blocks" in " ".join(shown)


def test_a_verbose_header_says_more() -> None:
    plain = header.header(SETTINGS, verbosity=0, width=80)
    more = header.header(SETTINGS, verbosity=1, width=80)

    assert more[: len(plain)] == plain
    assert "/opt/venv/bin/vllm serve /srv/model" in " ".join(" ".join(more).split())


@given(name=st.text(max_size=200), width=st.integers(1, 200))
def test_no_host_name_breaks_the_header(name: str, width: int) -> None:
    named = replace(SETTINGS, identity=replace(SETTINGS.identity, hostname=name))

    shown = header.header(named, verbosity=0, width=width)

    assert all(fits(line, width) for line in shown)
    assert all(line.isprintable() for line in shown)


def test_the_live_line_says_that_a_server_starts() -> None:
    position = Position(block=1, mode="pinned", plan=SETTINGS.plan, elapsed_s=10.0)

    assert terminal.starting(position) == "numa: block 2 of at most 16, pinned: the server starts"


def test_a_line_that_is_cut_says_so() -> None:
    assert lines.cut("abcdefghij", 8) == "abcde..."


def test_without_a_second_cpu_the_header_says_that_the_client_shares() -> None:
    everything = Policy(cpus=frozenset(range(4)), memory_nodes=frozenset({0, 1}))
    sharing = replace(SETTINGS, policy=everything, workload=Workload())

    shown = " ".join(header.header(sharing, verbosity=0, width=80))

    assert "the policy has all online CPUs" in shown
