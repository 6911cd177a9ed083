"""A real private systemd: units installed, started, seen to die, removed, and nothing left."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pytest_numa.errors import HostError, ServiceError, UnitError
from pytest_numa.services import (
    bundle,
    direct,
    installation,
    managers,
    private,
    systemctl,
    systemd,
    undo,
)
from pytest_numa.services.unit import Unit

pytestmark = pytest.mark.systemd


@pytest.fixture
def footprint() -> Iterator[undo.Footprint]:
    with undo.footprint() as held:
        yield held


@pytest.fixture
def scope(footprint: undo.Footprint) -> Iterator[systemctl.Scope]:
    choice = managers.Choice(name="private", reason="a test")
    with managers.running(choice, footprint) as running:
        yield running


def sleeper(service: str = "", command: str = "/bin/sleep 1000") -> bundle.Bundle:
    return bundle.of(
        Unit(
            name="sleeper.service",
            text=f"[Service]\nType=exec\nExecStart={command}\n{service}\n"
            "[Install]\nWantedBy=multi-user.target\n",
        )
    )


def cgroups() -> set[str]:
    return {str(path) for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir()}


def test_a_manager_that_somebody_stops_is_told_of(scope: systemctl.Scope) -> None:
    manager = scope.process
    assert manager is not None
    manager.kill()
    deadline = time.monotonic() + 10
    while manager.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)

    with pytest.raises(ServiceError, match="manager of this session has ended"):
        systemctl.must(scope, "daemon-reload")


def test_a_started_unit_runs_with_its_policy(
    scope: systemctl.Scope, footprint: undo.Footprint
) -> None:
    unit = sleeper("CPUAffinity=0\nNUMAPolicy=bind\nNUMAMask=0")

    with systemd.installed(unit, scope, footprint) as stands, systemd.started(stands) as service:
        numa_maps = Path(f"/proc/{service.pid}/numa_maps").read_text(encoding="utf-8")
        affinity = os.sched_getaffinity(service.pid)

    assert affinity == {0}
    assert " bind:0 " in numa_maps


def test_it_is_gone_after_the_block(scope: systemctl.Scope, footprint: undo.Footprint) -> None:
    with systemd.installed(sleeper(), scope, footprint) as stands:
        with systemd.started(stands) as service:
            pid = service.pid
        assert not psutil.pid_exists(pid)

    assert not (scope.unit_folder / "sleeper.service").exists()


def test_it_is_gone_after_an_interrupted_block(
    scope: systemctl.Scope, footprint: undo.Footprint
) -> None:
    pids = []

    with (
        contextlib.suppress(KeyboardInterrupt),
        systemd.installed(sleeper(), scope, footprint) as stands,
        systemd.started(stands) as service,
    ):
        pids.append(service.pid)
        raise KeyboardInterrupt

    assert len(pids) == 1
    assert not psutil.pid_exists(pids[0])


def test_a_start_that_fails_says_the_exit_code_by_name(
    scope: systemctl.Scope, footprint: undo.Footprint
) -> None:
    unit = sleeper(command="/nowhere/serve")

    with (
        pytest.raises(ServiceError, match="exit status 203/EXEC"),
        systemd.installed(unit, scope, footprint) as stands,
        systemd.started(stands),
    ):
        pass


def test_a_service_that_is_killed_is_told_by_signal_and_log(
    scope: systemctl.Scope, footprint: undo.Footprint
) -> None:
    unit = sleeper("Restart=always\nRestartSec=5", command="/bin/sh -c 'echo loaded; exec sleep 9'")

    with systemd.installed(unit, scope, footprint) as stands, systemd.started(stands) as service:
        before = service.trouble()
        os.kill(service.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while (trouble := service.trouble()) is None and time.monotonic() < deadline:
            time.sleep(0.05)

    assert before is None
    assert trouble is not None
    assert "killed by SIGKILL" in trouble
    assert "loaded" in trouble


def test_a_unit_file_of_somebody_else_stays(
    scope: systemctl.Scope, footprint: undo.Footprint
) -> None:
    path = scope.unit_folder / "sleeper.service"
    path.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")

    with pytest.raises(UnitError, match="was not written by pytest-numa"):
        installation.check_free(scope, sleeper())

    assert path.read_text(encoding="utf-8") == "[Service]\nExecStart=/bin/true\n"


def test_the_manager_leaves_no_process_cgroup_or_file() -> None:
    before = cgroups()

    with undo.footprint() as held:
        with private.running(held, direct.plain_environment()):
            during = cgroups()
        folder = held.folder

    assert during - before
    assert cgroups() == before
    assert not folder.exists()


def test_a_second_session_is_told_who_holds_the_host(footprint: undo.Footprint) -> None:
    with pytest.raises(HostError, match=rf"PID {os.getpid()}"), undo.footprint():
        pass


_KILLED = """
    import os, signal, sys
    from pytest_numa.services import bundle, direct, managers, systemd, undo
    from pytest_numa.services.unit import Command, Unit

    text = "[Service]\\nExecStart=/bin/sleep 1000\\n"
    unit = bundle.of(Unit(name="sleeper.service", text=text))
    command = Command(argv=("/bin/sleep", "1001"))
    with undo.footprint() as held:
        with managers.running(managers.Choice(name="private", reason=""), held) as scope:
            with systemd.installed(unit, scope, held) as stands, systemd.started(stands) as service:
                with direct.running(command, command.argv, held) as child:
                    print(service.pid, child.pid, held.folder, flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_kill_9_the_services_end_and_the_next_session_removes_the_rest() -> None:
    before = cgroups()
    argv = [sys.executable, "-c", textwrap.dedent(_KILLED)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    service_pid, child_pid, folder = done.stdout.split()

    with undo.footprint():
        pass

    assert done.returncode == -signal.SIGKILL
    assert not psutil.pid_exists(int(service_pid)) or _is_zombie(int(service_pid))
    assert not psutil.pid_exists(int(child_pid)) or _is_zombie(int(child_pid))
    assert not Path(folder).exists()
    assert {
        path for path in cgroups() - before if (Path(path) / "cgroup.procs").read_text()
    } == set()


def _is_zombie(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_manager_moves_no_process_but_its_own() -> None:
    before = Path("/proc/self/cgroup").read_text(encoding="utf-8")

    with undo.footprint() as held, private.running(held, direct.plain_environment()):
        during = Path("/proc/self/cgroup").read_text(encoding="utf-8")

    assert during == before
