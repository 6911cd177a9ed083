"""The verdict on a service, and what never passes."""

from dataclasses import replace

import pytest
from facts import (
    CLUES,
    GIB,
    MIB,
    POLICY,
    PROCESS,
    THREAD,
    WANTED,
    WITHOUT_CPU_3,
    memory,
    process,
    region,
    unit,
)

from pytest_numa.errors import PolicyError
from pytest_numa.placement import Budget, Proof, Role, Wanted, over_time, prove
from pytest_numa.policy import Policy
from pytest_numa.process import Cgroup, Cgroups, Process, Watched

STRAY = process(threads=(replace(THREAD, cpus_allowed=frozenset({0})),))
UNREAD = process(memory=None, unreadable=("/proc/70/numa_maps: Permission denied",))
ROLE = Role(
    name="engine",
    pattern="EngineCore",
    policy=Policy(cpus=frozenset({0}), memory_nodes=frozenset({0})),
)


def proof(*processes: Process, wanted: Wanted = WANTED, watched: Watched | None = None) -> Proof:
    return prove(wanted, processes, CLUES, watched)


def cgroups(anon_bytes: int, *pids: int) -> Cgroups:
    one = Cgroup(
        path="/system.slice/x.service",
        pids=frozenset(pids),
        cpus_effective=frozenset({2, 3}),
        nodes_effective=frozenset({1}),
        bytes_by_node={"anon": {1: anon_bytes}},
    )
    return Cgroups(all=(one,), is_unified=True)


def watched(most_by_node: dict[int, int] | None, *unreadable: str) -> Watched:
    return Watched(
        looks=9,
        duration_s=9.0,
        longest_look_ms=1.0,
        threads=(),
        comms={},
        most_by_node=most_by_node,
        unreadable=unreadable,
    )


def test_a_service_that_is_where_it_should_be_passes() -> None:
    found = proof(PROCESS)

    assert (found.verdict, found.findings) == ("pass", ())
    assert found.bytes_by_node == {1: 4 * GIB}


def test_a_finding_fails() -> None:
    assert proof(STRAY).verdict == "fail"


def test_what_could_not_be_read_is_unknown_and_no_pass() -> None:
    found = proof(UNREAD)

    assert found.verdict == "unknown"
    assert found.findings[0].found == "/proc/70/numa_maps: Permission denied"


def test_a_finding_fails_whatever_could_not_be_read_besides() -> None:
    assert proof(STRAY, replace(UNREAD, pid=80)).verdict == "fail"


def test_no_process_at_all_is_unknown() -> None:
    found = proof()

    assert found.verdict == "unknown"
    assert found.findings[0].expected == "at least its main process"


def test_a_role_that_no_process_has_is_a_finding() -> None:
    found = proof(PROCESS, wanted=Wanted(policy=POLICY, roles=(ROLE,)))

    (finding,) = found.findings
    assert finding.subject == "no process has the role engine"
    assert finding.found == "llama-server (70)"


def test_processes_tell_their_role() -> None:
    engine = process(argv=("VLLM::EngineCore",))

    found = proof(PROCESS, engine, wanted=Wanted(policy=POLICY, roles=(ROLE,)))

    assert [found.role_of(one) for one in found.processes] == ["default", "engine"]


def test_a_role_whose_pattern_is_no_expression_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"expected a regular expression, found '\('"):
        replace(ROLE, pattern="(")


@pytest.mark.parametrize("changes", [{"fraction": 1.5}, {"size_bytes": -1}])
def test_a_budget_that_cannot_be_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(PolicyError, match="expected a fraction from 0 to 1"):
        Budget(**changes)  # type: ignore[arg-type]


def test_memory_that_lay_elsewhere_for_a_while_is_found() -> None:
    found = proof(PROCESS, watched=watched({0: 200 * MIB, 1: 4 * GIB}))

    (finding,) = found.findings
    assert "lay off the policy's nodes for a while" in finding.subject
    assert "200.0 MiB on node 0" in finding.found


def test_memory_that_still_lies_elsewhere_is_told_once() -> None:
    stray = process(memory=memory(region(bytes_by_node={0: GIB})))

    found = proof(stray, watched=watched({0: GIB}))

    assert len(found.findings) == 1


def test_a_watch_that_could_not_see_all_is_unknown() -> None:
    found = proof(PROCESS, watched=watched(None, "/proc/70/task: Permission denied"))

    assert found.verdict == "unknown"


def test_memory_of_a_cgroup_that_belongs_to_no_process_seen_is_unknown() -> None:
    clues = replace(CLUES, cgroups=cgroups(6 * GIB, 70))

    found = prove(WANTED, [PROCESS], clues)

    assert found.verdict == "unknown"
    assert "belongs to no process that was seen" in found.findings[0].subject


def test_memory_of_a_cgroup_that_agrees_with_its_processes_passes() -> None:
    clues = replace(CLUES, cgroups=cgroups(4 * GIB + 30 * MIB, 70))

    assert prove(WANTED, [PROCESS], clues).verdict == "pass"


def test_a_stranger_that_answers_for_the_service_is_a_finding() -> None:
    clues = replace(CLUES, listeners={99: "ray (PID 99)"})

    (finding,) = prove(WANTED, [PROCESS], clues).findings

    assert finding.subject == "ray (PID 99) answers the requests and is no process of the service"
    assert finding.found == "llama-server (70) do not"


@pytest.mark.parametrize("listeners", [{70: "x", 99: "y"}, {0: "another user's process"}, {}])
def test_one_of_the_service_that_listens_is_enough(listeners: dict[int, str]) -> None:
    assert prove(WANTED, [PROCESS], replace(CLUES, listeners=listeners)).verdict == "pass"


def test_the_client_of_a_container_engine_proves_nothing_of_the_container() -> None:
    found = proof(process(comm="docker"))

    assert found.verdict == "unknown"
    assert "docker inspect" in found.findings[0].fix


def test_a_cpuset_that_fell_open_is_a_finding_though_all_is_in_place_now() -> None:
    facts = unit({"AllowedMemoryNodes": "5", "EffectiveMemoryNodes": "0-2"})

    (finding,) = prove(WANTED, [PROCESS], replace(CLUES, unit=facts)).findings

    assert finding.subject == "AllowedMemoryNodes=5 of x.service is not in effect"
    assert finding.found == "cpuset.mems.effective 0-2"
    assert "fell open" in finding.cause


def test_a_wanted_cpu_that_is_offline_is_a_finding_though_no_mask_is_wrong() -> None:
    (finding,) = prove(WANTED, [PROCESS], replace(CLUES, topology=WITHOUT_CPU_3)).findings

    assert finding.found == "CPU 3 offline"
    assert finding.fix.startswith("echo 1 > /sys/devices/system/cpu/cpu3/online")


def test_a_cpuset_that_fell_open_is_told_once() -> None:
    facts = unit({"AllowedCPUs": "99", "EffectiveCPUs": "0-3"})
    wide = process(threads=(replace(THREAD, cpus_allowed=frozenset(range(4))),))

    (finding,) = prove(WANTED, [wide], replace(CLUES, unit=facts)).findings

    assert finding.subject.startswith("1 of 1 threads")


def test_a_sample_that_is_too_small_for_the_budget_is_unknown() -> None:
    sampled = region(bytes_by_node={1: 500 * GIB}, sampled_by_node={1: 4096})

    found = proof(process(memory=memory(sampled)))

    assert found.verdict == "unknown"
    assert found.findings[0].fix.endswith("--pages full")


def test_the_unit_is_shown_as_what_it_says_and_not_as_proof() -> None:
    clues = replace(
        CLUES, unit=unit({"CPUAffinity": "2-3", "NUMAPolicy": "bind", "NeedDaemonReload": "yes"})
    )

    notes = prove(WANTED, [PROCESS], clues).notes

    assert notes == (
        "x.service says CPUAffinity=2-3, NUMAPolicy=bind (no proof)",
        "x.service was changed on disk since it was loaded: systemctl daemon-reload",
    )


def test_a_unit_that_says_the_right_thing_does_not_hide_a_stray() -> None:
    clues = replace(
        CLUES, unit=unit({"CPUAffinity": "2-3", "AllowedCPUs": "2-3", "EffectiveCPUs": "2-3"})
    )

    assert prove(WANTED, [STRAY], clues).verdict == "fail"


def test_cgroup_version_1_is_said() -> None:
    clues = replace(CLUES, cgroups=replace(cgroups(4 * GIB, 70), is_unified=False))

    notes = prove(WANTED, [PROCESS], clues).notes

    assert notes[0].startswith("cgroup version 1 holds the cpuset or memory controller")


def test_the_same_facts_can_be_judged_by_another_wish() -> None:
    other = Wanted(policy=Policy(cpus=frozenset({0}), memory_nodes=frozenset({1})))

    assert proof(PROCESS).judged_by(other).verdict == "fail"


def test_a_stray_of_an_earlier_look_is_found_though_the_last_is_clean() -> None:
    assert len(over_time([proof(STRAY), proof(PROCESS)])) == 1


def test_what_only_an_earlier_look_could_not_see_is_no_finding() -> None:
    assert over_time([proof(UNREAD), proof(PROCESS)]) == ()


def test_a_finding_reads_as_five_lines() -> None:
    (finding,) = proof(process(memory=memory(region(bytes_by_node={0: GIB})))).findings

    assert str(finding).splitlines() == [
        "memory of process llama-server (70) lies off the policy's nodes, most of it heap, stacks "
        "and other anonymous memory, policy bind:1",
        "  expected  all on node 1, at most 1% and 64.0 MiB elsewhere",
        "  found     1.0 GiB on node 0",
        "  probably  it was allocated before the policy held: set_mempolicy() and mbind() leave "
        "the pages where they are",
        "  to fix    NUMAPolicy=bind, NUMAMask=1 and AllowedMemoryNodes=1 in [Service]; "
        "then restart: pages stay where they are",
    ]
