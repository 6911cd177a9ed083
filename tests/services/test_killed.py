"""Killed at every step of what is done to units: the next one finds all as before, or as after."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from test_installation import install, sleeper, state, tree

from pytest_numa.services import installation, journal, systemctl

pytestmark = pytest.mark.systemd

_DIES = """
    import os, signal, sys, tempfile
    from pathlib import Path
    from pytest_numa.services import installation, systemctl, systemd, undo
    from test_installation import install, sleeper

    left = int(sys.argv[1])

    def die(event, arguments):
        global left
        writes = event == "open" and (arguments[2] & os.O_ACCMODE or arguments[2] & os.O_CREAT)
        if writes or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink",
                               "subprocess.Popen"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    scope = systemctl.scope_of("user")
    sys.addaudithook(die)
    if sys.argv[2] == "remove":
        installation.remove(scope, "sleeper.service")
    elif sys.argv[2] == "session":
        nothing = undo.Footprint(folder=Path("/nonexistent"))
        with systemd.installed(sleeper(), scope, nothing) as stands, systemd.started(stands):
            pass
    else:
        install(scope, sleeper(int(sys.argv[2])))
"""


def killed(step: int, what: str) -> bool:
    """Do something in a process that kills itself at a step; whether it had such a step."""
    argv = [sys.executable, "-c", textwrap.dedent(_DIES), str(step), what]
    folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": ":".join(folders)}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def everything(scope: systemctl.Scope) -> tuple[object, ...]:
    """The units, the slice that systemd made for them, and what is noted of them."""
    notes = sorted(map(str, scope.state_folder.rglob("*")))
    return tree(scope), state(scope), state(scope, "apart.slice")[1], notes


def killed_at_every_step(scope: systemctl.Scope, what: str) -> list[str]:
    """Kill it at its first step and recover, then at its second, until what it does is done."""
    before = everything(scope)
    found: list[str] = []
    while found[-1:] in ([], ["as before"]) and killed(len(found), what):
        problems = installation.recover(scope)
        is_before = everything(scope) == before
        found += problems or ["as before" if is_before else "done"]
    return found


@pytest.mark.parametrize(
    ("what", "done"),
    [
        ("1000", ("loaded", "active")),
        ("3000", ("loaded", "active")),
        ("remove", ("not-found", "inactive")),
    ],
)
def test_wherever_it_is_killed_the_next_one_finds_all_as_before_or_as_after(
    lasting: systemctl.Scope, what: str, done: tuple[str, str]
) -> None:
    if what != "1000":
        install(lasting, sleeper(1000))

    found = killed_at_every_step(lasting, what)

    assert len(found) > 8
    # The last steps come after it is done: it then stays.
    assert set(found[:-1]) == {"as before"}
    assert found[-1] == "done"
    assert state(lasting) == done
    assert [
        one for one in map(partial(journal.change, lasting), journal.units(lasting)) if one
    ] == []


def test_wherever_a_session_is_killed_the_next_one_finds_all_as_before(
    lasting: systemctl.Scope,
) -> None:
    found = killed_at_every_step(lasting, "session")

    assert len(found) > 20
    assert set(found) == {"as before"}


_WAITS = """
    from pytest_numa.services import systemctl
    systemctl.run(systemctl.scope_of("user"), "start", "slow.service")
"""


def clients(unit: str) -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline"])
    return [one for one in found if {"systemctl", unit} <= set(one.info["cmdline"] or ())]


def until_clients(unit: str, count: int) -> int:
    deadline = time.monotonic() + 20
    while len(clients(unit)) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(clients(unit))


def test_a_client_of_systemd_does_not_outlive_who_was_killed(lasting: systemctl.Scope) -> None:
    # Otherwise it could enable or start what the next session has just taken away.
    text = "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n"
    (lasting.unit_folder / "slow.service").write_text(text)
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(_WAITS)]) as caller:
        begun = until_clients("slow.service", 1)

        caller.kill()

    assert begun == 1
    assert until_clients("slow.service", 0) == 0
