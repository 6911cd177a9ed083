"""Why threads may run elsewhere: each case as systemd 252 and Linux 6.1 show it."""

from dataclasses import replace

import pytest
from facts import CLUES, POLICY, WITHOUT_CPU_3, exec_start, unit

from pytest_numa.placement import Clues, cpu_causes

ALL = frozenset({0, 1, 2, 3})
DROP_IN = "/etc/systemd/system.control/x.service.d/50-AllowedCPUs.conf"


def of_service(
    mask: frozenset[int] = ALL, clues: Clues = CLUES, **properties: str
) -> tuple[str, str]:
    facts = unit(properties) if properties else clues.unit
    return cpu_causes.explain("service", mask, POLICY, replace(clues, unit=facts))


def test_an_impossible_cpuset_falls_open_and_the_journal_says_so() -> None:
    line = "Failed to set 'cpuset.cpus' attribute on '/x' to '99': Numerical result out of range"
    facts = unit({"AllowedCPUs": "99", "EffectiveCPUs": "0-3"}, journal=(line,))

    cause, fix = of_service(clues=replace(CLUES, unit=facts))

    assert "AllowedCPUs=99 could not be applied (cpuset.cpus)" in cause
    assert "fell open" in cause
    assert "AllowedCPUs=2-3" in fix


def test_an_impossible_cpuset_is_seen_without_a_journal_too() -> None:
    cause, _ = of_service(AllowedCPUs="99", EffectiveCPUs="0-3")

    assert "fell open" in cause


@pytest.mark.parametrize("program", ["taskset -c 0-1", "numactl --physcpubind=0"])
def test_a_program_that_binds_again_in_exec_start_is_named(program: str) -> None:
    line = exec_start(*f"/usr/bin/{program} /srv/server".split())

    cause, fix = of_service(frozenset({0, 1}), CPUAffinity="2-3", ExecStart=line)

    name = program.partition(" ")[0]
    assert cause.startswith(f"{name} in ExecStart= sets another mask")
    assert program in cause
    assert fix.startswith(f"leave {name} out of ExecStart=")


def test_a_server_that_has_such_a_name_in_its_arguments_is_not_blamed() -> None:
    line = exec_start("/srv/server", "--numa=numactl")

    cause, _ = of_service(CPUAffinity="2-3", ExecStart=line)

    assert "ExecStart=" not in cause


def test_a_drop_in_of_a_former_set_property_is_named_with_the_commands_that_remove_it() -> None:
    facts = unit({"AllowedCPUs": "0-1"}, drop_ins={DROP_IN: "[Service]\nAllowedCPUs=0-1\n"})

    cause, fix = of_service(frozenset({0, 1}), replace(CLUES, unit=facts))

    assert f"set-property leaves it: {DROP_IN}" in cause
    assert fix == f"rm {DROP_IN} && systemctl daemon-reload && systemctl restart x.service"


def test_a_drop_in_that_sets_no_cpus_is_not_blamed() -> None:
    facts = unit(drop_ins={DROP_IN: "[Service]\nMemoryMax=1G\n"})

    cause, _ = of_service(clues=replace(CLUES, unit=facts))

    assert cause == "the unit has neither AllowedCPUs= nor CPUAffinity="


def test_a_unit_that_names_other_cpus_is_said_so() -> None:
    cause, _ = of_service(frozenset({0, 1}), CPUAffinity="0 1")

    assert cause == "the unit itself says CPUAffinity=0-1"


def test_a_cpu_that_is_offline_now_widened_the_mask() -> None:
    clues = replace(CLUES, topology=WITHOUT_CPU_3)

    cause, fix = of_service(frozenset({0, 1, 2}), clues, CPUAffinity="2-3")

    assert cause.startswith("CPU 3 is offline")
    assert fix.startswith("echo 1 > /sys/devices/system/cpu/cpu3/online && systemctl restart x")


def test_a_cpu_that_was_offline_is_suspected_where_the_mask_is_wider_than_the_unit_s() -> None:
    cause, fix = of_service(CPUAffinity="2-3")

    assert "was offline for a while" in cause
    assert fix.startswith("systemctl restart x.service")


def test_a_manager_without_a_cpuset_controller_is_said_so() -> None:
    clues = replace(CLUES, has_cpuset=False)

    cause, fix = of_service(ALL, clues, AllowedCPUs="2-3")

    assert "has no cpuset controller" in cause
    assert fix == "CPUAffinity=2-3 in [Service]"


def test_without_a_unit_the_command_is_what_can_be_mended() -> None:
    cause, fix = of_service()

    assert "started without these CPUs" in cause
    assert "taskset --cpu-list 2-3" in fix
