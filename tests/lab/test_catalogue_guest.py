"""Each template of the catalogue, installed, started, looked at and removed in the guest.

Engines that cannot be had there are stood in for by `stand_in.py`: all of the unit is real but the
program. llama.cpp's packaged server is the real one.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from acting import STAND_IN, Agent, Ran

pytestmark = pytest.mark.lab

MIB = 2**20
NODES = {"0": "0-1", "1": "2-3"}
_PYTHON = f"--set model=/srv/model --set python={STAND_IN}"
_PROGRAM = f"--set model=/srv/model --set program={STAND_IN}"
_DROP_IN = "/etc/systemd/system/inference-sglang.service.d/mine.conf"
_USERS_OWN = f"""
mkdir {_DROP_IN.rpartition("/")[0]}
printf '[Service]\\nEnvironment=MINE=1\\n' >{_DROP_IN}
"""


@dataclass(frozen=True)
class Case:
    """What is said to install a unit, and what is seen of the service then."""

    options: str
    name: str = ""
    node: str = "1"
    port: int = 8000
    is_confined: bool = True
    """By a cpuset; else by its own mask and policy alone."""
    is_dynamic: bool = True
    processes: int = 2


CASES = {
    "inference-vllm": Case(_PYTHON),
    "inference-vllm, numactl": Case(
        f"{_PYTHON} --set policy_style=numactl", name="inference-vllm", is_confined=False
    ),
    "inference-sglang": Case(_PYTHON),
    "inference-llama-server": Case(_PROGRAM),
    "inference-llamacpp": Case(
        "--set ctx_size=512 --set parallel=2", is_dynamic=False, processes=1
    ),
    "inference-tensorrt-llm": Case(_PROGRAM),
    "inference-triton": Case(f"--set model_repository=/srv/models --set program={STAND_IN}"),
    "inference-generic": Case(f"--set 'command={STAND_IN} --port 8000'"),
}
INSTANCES = {
    "inference-vllm@0": Case(_PYTHON, node="0"),
    "inference-vllm@1": Case(f"{_PYTHON} --set port=8001", node="1", port=8001),
}


@dataclass(frozen=True)
class Lived:
    """What was seen of one unit from its installation to its removal."""

    case: Case
    installed: Ran
    placed: Ran
    seen: Mapping[str, Any]
    removed: Ran
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@pytest.fixture(scope="module")
def unit_files(agent: Agent) -> list[str]:
    """Which are enabled, before anything is installed, with a drop-in of the user's own."""
    agent.guest.must(_USERS_OWN, 60)
    return agent.unit_files()


def installed(agent: Agent, name: str, case: Case) -> Ran:
    policy = f"--numa-node {case.node} --cpus {NODES[case.node]}"
    return agent.run(f"pytest-numa unit install {name} {policy} {case.options} --now")


def placed(agent: Agent, name: str, case: Case) -> Ran:
    policy = f"--numa-node {case.node} --cpus {NODES[case.node]}"
    return agent.run(f"pytest-numa placement {name} {policy} --json")


@pytest.fixture(scope="module", params=CASES.keys())
def lived(request: pytest.FixtureRequest, agent: Agent, unit_files: list[str]) -> Lived:
    assert unit_files
    case = CASES[request.param]
    name = case.name or request.param
    before = agent.standing()
    try:
        done = installed(agent, name, case)
        seen = agent.look(f"{name}.service", case.port)
        found = placed(agent, name, case)
    finally:
        removed = agent.run(f"pytest-numa unit remove {name}")
    return Lived(case, done, found, seen, removed, before, agent.standing())


def test_it_is_placed_without_a_finding(lived: Lived) -> None:
    assert lived.installed.code == 0, lived.installed.out
    found = json.loads(lived.placed.out)
    assert (lived.placed.code, found["verdict"], found["findings"]) == (0, "pass", [])


def test_the_kernel_and_systemd_say_the_same(lived: Lived) -> None:
    seen, case = lived.seen, lived.case

    assert seen["cgroup"].startswith("/inference.slice/inference-")
    assert (seen["enabled"], seen["answers"]) == ("enabled", 200)
    assert seen["processes"] == case.processes
    assert seen["allowed_cpus"] == ["2-3"]
    assert seen["allowed_nodes"] == (["1"] if case.is_confined else ["0-2"])
    assert seen["anonymous_bytes"]["N1"] > 16 * MIB
    assert seen["anonymous_bytes"]["N0"] == seen["anonymous_bytes"]["N2"] == 0
    assert (seen["users"] != ["0"]) == case.is_dynamic


def test_after_its_removal_all_is_as_before(lived: Lived) -> None:
    assert lived.removed.code == 0, lived.removed.out
    assert lived.after == lived.before


def test_a_drop_in_of_the_users_own_counts_and_stays(agent: Agent, unit_files: list[str]) -> None:
    assert unit_files
    before = agent.standing()

    installed(agent, "inference-sglang", CASES["inference-sglang"])
    seen = agent.look("inference-sglang.service", 8000)
    agent.run("pytest-numa unit remove inference-sglang")

    assert seen["drop_ins"] == [_DROP_IN]
    assert _DROP_IN in before["files"]
    assert agent.standing() == before


def test_two_instances_run_each_on_a_node_of_its_own(agent: Agent) -> None:
    before = agent.standing()

    for name, case in INSTANCES.items():
        assert installed(agent, name, case).code == 0
    found = {name: placed(agent, name, case) for name, case in INSTANCES.items()}
    seen = {name: agent.look(f"{name}.service", one.port) for name, one in INSTANCES.items()}
    for name in INSTANCES:
        agent.run(f"pytest-numa unit remove {name}")

    assert {name: one.code for name, one in found.items()} == dict.fromkeys(INSTANCES, 0)
    assert [one["allowed_cpus"] for one in seen.values()] == [["0-1"], ["2-3"]]
    assert [one["allowed_nodes"] for one in seen.values()] == [["0"], ["1"]]
    assert agent.standing() == before


def test_the_slice_takes_everything_else_off_the_cpus_and_gives_them_back(agent: Agent) -> None:
    before = agent.standing()

    done = agent.run("pytest-numa unit install inference.slice --numa-node 1 --cpus 2-3 --now")
    during = agent.standing()
    agent.run("pytest-numa unit remove inference.slice")

    assert done.code == 0, done.out
    groups = ("init.scope", "system.slice", "user.slice", "inference.slice")
    cpus = {one: during["cgroups"][f"/sys/fs/cgroup/{one}"]["cpuset.cpus"] for one in groups}
    assert cpus == dict.fromkeys(groups[:3], "0-1") | {"inference.slice": "2-3"}
    assert agent.standing() == before


def test_what_is_enabled_and_not_started_runs_when_it_is_and_goes_too(agent: Agent) -> None:
    before = agent.standing()
    options = f"--numa-node 1 --cpus 2-3 --set 'command={STAND_IN} --port 8000'"

    agent.run(f"pytest-numa unit install inference-generic {options} --enable")
    between = agent.standing()["units"]
    agent.guest.must("systemctl start inference-generic", 60)
    seen = agent.look("inference-generic.service", 8000)
    agent.run("pytest-numa unit remove inference-generic")

    assert not any(re.match(r"inference-generic\S* loaded active", one) for one in between)
    assert (seen["enabled"], seen["answers"]) == ("enabled", 200)
    assert agent.standing() == before


def test_in_the_end_the_same_unit_files_are_enabled(agent: Agent, unit_files: list[str]) -> None:
    found = agent.unit_files()
    agent.guest.must(f"rm -r {_DROP_IN.rpartition('/')[0]} && systemctl daemon-reload", 60)

    assert found == unit_files
