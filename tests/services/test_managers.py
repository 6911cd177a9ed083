"""What every manager must do alike: private, the user's own, and the host's.

Where systemd is not process 1, the user's manager is a private one that commands find as his.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_numa.errors import HostError, ServiceError, UnitError
from pytest_numa.services import (
    bundle,
    installation,
    managers,
    systemctl,
    systemd,
    undo,
)
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.installed_unit import InstalledUnit
from pytest_numa.services.unit import Unit

pytestmark = pytest.mark.systemd

NAME = "pytest-numa-common.service"


@dataclass(frozen=True, slots=True)
class Host:
    """A manager that runs, and the session that holds it."""

    scope: systemctl.Scope
    footprint: undo.Footprint


@pytest.fixture(params=["private", "user", "system"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    name = str(request.param)
    if name == "user" and not Path("/run/systemd/system").is_dir():
        scope = request.getfixturevalue("lasting")
        (tmp_path / "session").mkdir()
        yield Host(scope, undo.Footprint(folder=tmp_path / "session"))
        return
    try:
        choice = managers.choose(name)
    except HostError as error:
        pytest.skip(str(error))
    with undo.footprint() as footprint, managers.running(choice, footprint) as scope:
        yield Host(scope, footprint)


def unit(service: str = "", command: str = "/bin/sleep 1000") -> Bundle:
    text = (
        f"[Service]\nType=exec\nExecStart={command}\nCPUAffinity=0\nNUMAPolicy=bind\nNUMAMask=0\n"
        f"{service}\n[Install]\nWantedBy=default.target\n"
    )
    return bundle.of(Unit(name=NAME, text=text))


def files(scope: systemctl.Scope) -> set[str]:
    return {str(path) for path in scope.unit_folder.rglob("*") if "log.conf" not in path.name}


def until(stands: InstalledUnit, words: str) -> str:
    deadline = time.monotonic() + 20
    while words not in str(stands.trouble()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return str(stands.trouble())


def test_the_policy_holds_from_the_first_moment(manager: Host) -> None:
    with (
        systemd.installed(unit(), manager.scope, manager.footprint) as stands,
        systemd.started(stands),
    ):
        maps = Path(f"/proc/{stands.pid}/numa_maps").read_text(encoding="utf-8")

        assert os.sched_getaffinity(stands.pid) == {0}
        assert all(line.split()[1].startswith(("bind:0", "bind=static:0")) for line in
                   maps.splitlines())  # fmt: skip


def test_after_a_session_all_is_as_before(manager: Host) -> None:
    before = files(manager.scope)

    with (
        systemd.installed(unit(), manager.scope, manager.footprint) as stands,
        systemd.started(stands),
    ):
        pid = stands.pid

    found = systemctl.show(manager.scope, NAME, "LoadState", "ActiveState", "MainPID")
    assert found == {"LoadState": "not-found", "ActiveState": "inactive", "MainPID": "0"}
    assert files(manager.scope) - before <= {str(manager.scope.unit_folder / f"{NAME}.d")}
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (unit(command="/nonexistent"), "203/EXEC"),
        (unit("CPUAffinity=\nCPUAffinity=1000"), "215/CPUAFFINITY"),
        (unit("NUMAMask=\nNUMAMask=60"), "242/NUMA_POLICY"),
    ],
)
def test_a_failed_start_is_told_by_its_name(manager: Host, wanted: Bundle, status: str) -> None:
    with (
        systemd.installed(wanted, manager.scope, manager.footprint) as stands,
        pytest.raises(ServiceError, match=status),
    ):
        stands.start()


def test_a_service_that_was_killed_and_restarted_is_told(manager: Host) -> None:
    wanted = unit("Restart=always\nRestartSec=100ms")

    with (
        systemd.installed(wanted, manager.scope, manager.footprint) as stands,
        systemd.started(stands),
    ):
        os.kill(stands.pid, signal.SIGKILL)
        told = until(stands, "restarted 1 times")

    assert "restarted 1 times" in told


def test_a_unit_is_installed_for_good_and_removed(manager: Host) -> None:
    before = files(manager.scope)
    stands = InstalledUnit(scope=manager.scope, unit=unit().unit)

    installation.install(manager.scope, unit(), finish=stands.enable)
    stands.start()
    between = systemctl.show(manager.scope, NAME, "ActiveState", "UnitFileState")
    installation.remove(manager.scope, NAME)

    assert between == {"ActiveState": "active", "UnitFileState": "enabled"}
    assert files(manager.scope) == before


def test_a_unit_of_others_is_left_alone(manager: Host) -> None:
    path = manager.scope.unit_folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")

    with pytest.raises(UnitError, match="was not written by pytest-numa"):
        installation.install(manager.scope, unit())

    assert path.read_text(encoding="utf-8") == "[Service]\nExecStart=/bin/true\n"
    path.unlink()


def test_what_a_users_manager_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = " ".join(managers.notes(systemctl.scope_of("user")))

    assert "loginctl enable-linger" in found
    assert "CPUAffinity=, NUMAPolicy= and NUMAMask= hold the policy" in found
    assert managers.notes(systemctl.scope_of("system")) == []


def test_a_unit_that_systemd_answers_nothing_about_is_taken_away_again(manager: Host) -> None:
    before = files(manager.scope)
    wanted = unit("CPUAffinity=\nCPUAffinity=numa\nNUMAMask=\nNUMAMask=0,60")

    with (
        systemd.installed(wanted, manager.scope, manager.footprint) as stands,
        pytest.raises(ServiceError, match="did not start: how its main process ended"),
    ):
        stands.start()

    assert files(manager.scope) - before <= {str(manager.scope.unit_folder / f"{NAME}.d")}
