"""What systemd says of a unit, as ``systemctl show`` prints it."""

import subprocess
from pathlib import Path

import pytest

from pytest_numa.services import systemctl, unit_facts
from pytest_numa.services.systemctl import Scope

SCOPE = Scope(manager="system", unit_folder=Path("/etc/systemd/system"))
JOURNAL = (
    "Started x.service.\n"
    "x.service: Failed to set 'cpuset.cpus' attribute on '/system.slice/x.service' to '99': "
    "Numerical result out of range\n"
    "loading model\n"
)


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answers of systemctl and journalctl, captured from systemd 252; returns a drop-in's path."""
    drop_in = tmp_path / "50-AllowedCPUs.conf"
    drop_in.write_text("[Service]\nAllowedCPUs=99\n")
    text = (
        "Id=x.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=4711\n"
        f"DropInPaths={drop_in} /run/gone.conf\nCPUAffinity=2 3\nAllowedCPUs=99\nNUMAMask=\n"
        "ExecStart={ path=/usr/bin/taskset ; argv[]=/usr/bin/taskset -c 0 /srv/server ; "
        "ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n"
        "InvocationID=abc\n"
    )

    def answer(argv: list[str], _: Scope) -> subprocess.CompletedProcess[str]:
        said = JOURNAL if argv[0] == "journalctl" else text
        return subprocess.CompletedProcess(argv, 0, stdout=said, stderr="")

    monkeypatch.setattr(systemctl, "_run", answer)
    return drop_in


def test_properties_drop_ins_and_the_telling_lines_of_the_journal_are_read(shown: Path) -> None:
    found = unit_facts.read(SCOPE, "x")

    assert (found.name, found.manager, found.main_pid) == ("x.service", "system", 4711)
    assert found.drop_ins == {
        str(shown): "[Service]\nAllowedCPUs=99\n",
        "/run/gone.conf": "",
    }
    assert found.journal == (JOURNAL.splitlines()[1],)


def test_lists_and_the_command_line_are_values(shown: Path) -> None:
    found = unit_facts.read(SCOPE, "x")

    assert found.cpus("CPUAffinity") == {2, 3}
    assert found.cpus("NUMAMask") == frozenset()
    assert found.exec_start == "/usr/bin/taskset -c 0 /srv/server"
    assert shown.exists()
