"""`kill -9` of pytest and of `pytest-numa unit` at random moments, and one more run.

The moments are spread over the whole of what is done: one in each of as many parts of equal length
as there are kills. PYTEST_NUMA_LAB_KILLS=20 takes twenty for each command.
"""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from acting import STAND_IN, Agent, Ran

pytestmark = pytest.mark.lab

KILLS = int(os.environ.get("PYTEST_NUMA_LAB_KILLS", "3"))
_SEED = 6
_FOLDER = "/root/killed"
_TESTS = """
import pytest

@pytest.mark.numa_placement
def test_placement():
    pass

def test_installed(numa_unit):
    assert numa_unit
"""
_PYTEST = (
    "pytest -p no:cacheprovider -p no:benchmark -p no:anyio --numa-manager system --numa-node 1 "
    f"--cpus 2-3 --numa-unit inference-generic --numa-set command={STAND_IN} --numa-starts 1 "
    "--numa-concurrency 1 --numa-n-requests 1 --numa-warmup 1 --numa-prompt-tokens 1 "
    "--numa-output-tokens 2 --numa-timeout 300 --numa-inconclusive pass "
    "--numa-missing-baseline record "
)
_UNIT = "pytest-numa unit {} inference-vllm"
_INPUTS = f" --numa-node 1 --cpus 2-3 --set model=/srv/model --set python={STAND_IN} --now"
INSTALL = f"{_UNIT.format('install')}{_INPUTS}"
REMOVE = _UNIT.format("remove")
SESSION = f"{_PYTEST} --numa-modes systemd test_killed.py::test_placement"
WHOLE = f"{_PYTEST} --numa-modes pinned,systemd test_killed.py"
NEXT_SESSION = f"{_PYTEST} test_killed.py::test_installed"


@dataclass(frozen=True)
class Command:
    """What is killed, what is done before it, and what comes after it."""

    killed: str
    then: str
    first: str = ""


COMMANDS = {
    "a session": Command(SESSION, NEXT_SESSION),
    "an installation": Command(INSTALL, REMOVE),
    "a removal": Command(REMOVE, REMOVE, first=INSTALL),
}


@pytest.fixture(scope="module")
def before(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How things stand before anything is killed."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "test_killed.py").write_text(_TESTS)
    agent.guest.copy_in(Path(folder), _FOLDER)
    return agent.standing()


@pytest.fixture(scope="module")
def known_s() -> dict[str, float]:
    """How long each command takes that nobody kills, once that has been tried."""
    return {}


def first(agent: Agent, command: Command) -> None:
    if command.first:
        done = agent.run(command.first, _FOLDER)
        assert done.code == 0, done.out


def lasts_s(agent: Agent, name: str, known_s: dict[str, float]) -> float:
    if name not in known_s:
        command = COMMANDS[name]
        first(agent, command)
        done = agent.run(command.killed, _FOLDER)
        assert done.code == 0, done.out
        known_s[name] = done.took_s
        agent.run(command.then, _FOLDER)
    return known_s[name]


def moment_s(name: str, number: int, count: int, lasts_s: float) -> float:
    """Somewhere in part ``number`` of ``count`` parts of what takes so long."""
    within = random.Random(f"{_SEED} {name} {number}").random()
    return lasts_s * (number + within) / count


@pytest.mark.parametrize("number", range(KILLS))
@pytest.mark.parametrize("name", COMMANDS)
def test_after_a_kill_and_one_more_run_all_is_as_before(
    agent: Agent, before: dict[str, Any], known_s: dict[str, float], name: str, number: int
) -> None:
    command = COMMANDS[name]
    after_s = moment_s(name, number, KILLS, lasts_s(agent, name, known_s))
    first(agent, command)

    killed = agent.run(command.killed, _FOLDER, after_s)
    then = agent.run(command.then, _FOLDER)

    # Where the machine had more time than before it may have ended by itself.
    assert killed.code in (-9, 0), killed.out
    assert_no_trouble(then, name)
    assert agent.standing() == before, f"killed after {after_s:.2f} s\n{killed.out}\n{then.out}"


def assert_no_trouble(then: Ran, name: str) -> None:
    if name == "a session":
        assert then.code == 0, then.out
    else:
        # Where it has been undone there is nothing to remove.
        assert then.code == 0 or "was not installed" in then.out, then.out
    assert "cannot be undone" not in then.out


@pytest.mark.parametrize("number", range(KILLS // 5))
def test_after_a_kill_of_a_whole_session_a_whole_one_passes(
    agent: Agent, before: dict[str, Any], known_s: dict[str, float], number: int
) -> None:
    # Two modes take about twice as long as one.
    after_s = moment_s("whole", number, KILLS // 5, 2 * lasts_s(agent, "a session", known_s))

    agent.run(WHOLE, _FOLDER, after_s)
    then = agent.run(WHOLE, _FOLDER)

    assert then.code == 0, then.out
    assert agent.standing() == before
