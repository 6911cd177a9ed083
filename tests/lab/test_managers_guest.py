"""The managers in the guest: one suite for all, and what a user's own lacks without delegation.

PYTEST_NUMA_LAB_LONG=1 runs the whole suite; else two tests of it under each manager.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import STAND_IN, Agent

pytestmark = pytest.mark.lab

_TESTS = Path(__file__).parents[1]
_PARTS = (_TESTS / "conftest.py", _TESTS / "services/test_managers.py")
_FOLDER = "/opt/managers"
_PART = "" if os.environ.get("PYTEST_NUMA_LAB_LONG") else " and (policy_holds or for_good)"
_USER = "somebody"
# Debian's image has no pam_systemd, which would say where the run-time folder is.
_SET_UP = f"""
useradd --create-home {_USER} && UID_=$(id -u {_USER})
install -d -o {_USER} -g {_USER} $(eval echo ~{_USER})/.config/systemd/user
chown -R {_USER}: $(eval echo ~{_USER})/.config
mkdir -p /run/systemd/system/user@.service.d
printf '[Service]\\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\\n' \
>/run/systemd/system/user@.service.d/folder.conf
systemctl daemon-reload
loginctl enable-linger {_USER}
systemctl start user@$UID_
chmod -R a+rX {_FOLDER}
"""
_DELEGATE = f"""
printf '[Service]\\nDelegate=cpuset\\n' \
>/run/systemd/system/user@.service.d/cpuset.conf
systemctl daemon-reload
systemctl restart user@$(id -u {_USER})
"""
_AWAY = f"""
loginctl disable-linger {_USER}; systemctl stop user@$(id -u {_USER})
rm -r /run/systemd/system/user@.service.d; systemctl daemon-reload; userdel --remove {_USER}
true
"""
_INPUTS = f"--user --numa-node 1 --cpus 2-3 --set 'command={STAND_IN} --port 8000' --now"
_LACKS = "the cpuset controller is not delegated to this user"


@pytest.fixture(scope="module")
def somebody(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A user without rights, whose manager runs without a login."""
    folder = tmp_path_factory.mktemp("managers")
    for path in _PARTS:
        shutil.copy(path, folder)
    agent.guest.copy_in(folder, _FOLDER)
    agent.guest.must(_SET_UP, 180)
    yield _USER
    agent.guest.must(_AWAY, 180)


@pytest.mark.parametrize(
    ("is_root", "chosen"),
    [
        pytest.param(True, "not (private or user)", id="system"),
        # The one left out wants a host where nobody lingers.
        pytest.param(False, "user and not lacks", id="user"),
        pytest.param(False, "private", id="private"),
    ],
)
def test_the_common_suite_passes(
    agent: Agent, somebody: str, chosen: str, *, is_root: bool
) -> None:
    done = agent.run(
        "pytest -p no:cacheprovider -p no:benchmark -p no:anyio test_managers.py "
        f"-k '{chosen}{_PART}'",
        _FOLDER,
        user="" if is_root else somebody,
    )

    assert done.code == 0, done.out
    assert " passed" in done.out
    assert "skipped" not in done.out


def lived(agent: Agent, user: str) -> tuple[str, dict[str, Any]]:
    """What installing a user's unit says, and how its service is placed then."""
    installed = agent.run(f"pytest-numa unit install inference-generic {_INPUTS}", user=user)
    assert installed.code == 0, installed.out
    placed = agent.run("pytest-numa placement inference-generic --json", user=user)
    removed = agent.run("pytest-numa unit remove inference-generic --user", user=user)
    assert removed.code == 0, removed.out
    return installed.out, json.loads(placed.out)


def test_a_users_unit_has_no_cpuset_and_the_installation_says_so(
    agent: Agent, somebody: str
) -> None:
    before = agent.standing()

    said, placed = lived(agent, somebody)

    assert _LACKS in said
    assert "loginctl enable-linger" not in said
    assert placed["verdict"] == "pass"
    assert [one["allowed_cpus"] for one in placed["processes"]] == ["2-3", "2-3"]
    assert agent.standing() == before


def test_where_the_cpuset_is_delegated_a_users_unit_has_it(agent: Agent, somebody: str) -> None:
    agent.guest.must(_DELEGATE, 180)

    said, placed = lived(agent, somebody)

    assert _LACKS not in said
    assert placed["verdict"] == "pass"
    assert any("EffectiveCPUs=2-3" in note for note in placed["notes"])
