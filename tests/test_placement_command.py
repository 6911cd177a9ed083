"""``pytest-numa placement`` on captured trees and on live processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_numa import cli

KIB = 1024
STAT = (
    "{tid} ({name}) S {ppid} 1 1 0 -1 0 0 0 0 0 30 12 0 0 20 0 1 0 900 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
    "0 17 1 0 0 0 0 0\n"
)
STATUS = (
    "Name:\t{name}\nState:\tS (sleeping)\nTgid:\t{pid}\nPid:\t{tid}\nPPid:\t{ppid}\n"
    "Threads:\t1\nCpus_allowed_list:\t{cpus}\nMems_allowed_list:\t0-1\n"
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def add(
    root: Path, pid: int, *, numa_maps: str, cpus: str = "1", ppid: int = 1, name: str = "server"
) -> Path:
    directory = root / "proc" / str(pid)
    facts = {"pid": pid, "tid": pid, "ppid": ppid, "cpus": cpus, "name": name}
    for task in (directory, directory / f"task/{pid}"):
        write(task / "stat", STAT.format(**facts))
        write(task / "status", STATUS.format(**facts))
    write(directory / "cmdline", f"{name}\0--port\0008000\0")
    write(directory / "numa_maps", numa_maps)
    return directory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two nodes of a CPU each, and a service of two processes that share memory on node 1."""
    write(tmp_path / "sys/devices/system/cpu/online", "0-1\n")
    for number in (0, 1):
        write(tmp_path / f"sys/devices/system/cpu/cpu{number}/topology/core_id", f"{number}\n")
        node = tmp_path / f"sys/devices/system/node/node{number}"
        write(node / "cpulist", f"{number}\n")
        write(node / "meminfo", f"Node {number} MemTotal: 1048576 kB\n")
    shared = "7000 bind:1 file=/dev/shm/x dirty=50 mapmax=2 N1=50 kernelpagesize_kB=4\n"
    add(tmp_path, 70, numa_maps=f"1000 bind:1 heap anon=10 N1=10 kernelpagesize_kB=4\n{shared}")
    add(tmp_path, 71, ppid=70, numa_maps=shared, name="worker")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = cli.main(["placement", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, *words, "--json")
    return code, json.loads(out)


def test_a_captured_service_that_is_where_it_is_wanted_passes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = document(capsys, 70, "--numa-node", 1, "--root", root)

    assert (code, found["verdict"], found["findings"]) == (0, "pass", [])
    assert found["wanted"] == {"cpus": "1", "memory_nodes": "1", "roles": []}
    assert found["processes"] == [
        {
            "pid": 70,
            "comm": "server",
            "role": "default",
            "threads": 1,
            "allowed_cpus": "1",
            "bytes_by_node": {"1": 240 * KIB},
        },
        {
            "pid": 71,
            "comm": "worker",
            "role": "default",
            "threads": 1,
            "allowed_cpus": "1",
            "bytes_by_node": {"1": 200 * KIB},
        },
    ]
    assert found["bytes_by_node"] == {"1": 240 * KIB}


def test_a_stray_child_fails_with_all_that_a_reader_needs(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(root, 71, ppid=70, numa_maps="", cpus="0-1", name="worker")

    code, found = document(capsys, 70, "--numa-node", 1, "--root", root)

    (finding,) = found["findings"]
    assert (code, found["verdict"]) == (1, "fail")
    assert "process worker (71)" in finding["subject"]
    assert finding["expected"] == "allowed CPUs within 1"
    assert finding["found"] == "allowed CPUs 0-1"
    assert all(finding[key] for key in ("cause", "fix"))


def test_the_text_has_the_verdict_first_and_the_processes_in_a_table(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, 70, "--numa-node", 1, "--root", root)

    assert code == 0
    assert out.splitlines()[0] == "pass: every thread and page is where it is wanted"
    assert "70       server  default  1        1             N1 240.0 KiB" in out.splitlines()


def test_what_cannot_be_read_is_unknown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "proc/70/numa_maps").unlink()

    code, found = document(capsys, 70, "--numa-node", 1, "--root", root)

    assert (code, found["verdict"], found["findings"]) == (3, "unknown", [])
    assert "numa_maps: not there" in found["unread"][0]


def test_a_truncated_file_is_unknown_and_named_with_its_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root / "proc/71/numa_maps", "1000 bind:1 heap anon=1 N1=1 kernelpagesize_kB=4\n2000 bi")

    code, found = document(capsys, 70, "--numa-node", 1, "--root", root)

    assert code == 3
    assert "proc/71/numa_maps:2: expected ADDRESS POLICY" in found["unread"][0]


def test_a_role_has_nodes_of_its_own(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(
        root,
        72,
        ppid=70,
        numa_maps="1000 default heap anon=999 N0=999\n",
        cpus="0",
        name="EngineCore",
    )

    code, found = document(
        capsys, 70, "--numa-node", 1, "--role", "Engine=0", "--role", "absent=1@1", "--root", root
    )

    assert [one["role"] for one in found["processes"]] == ["default", "default", "Engine"]
    assert [one["subject"] for one in found["findings"]] == ["no process has the role absent"]
    assert code == 1


def test_a_stricter_budget_finds_more(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(root, 70, numa_maps="1000 bind:1 heap anon=999 N0=5 N1=994 kernelpagesize_kB=4\n")
    usual = ("placement", "70", "--numa-node", "1", "--root", str(root))

    assert cli.main([*usual]) == 0
    assert cli.main([*usual, "--max-stray", "0"]) == 1
    assert "at most 0% and 64.0 MiB elsewhere" in capsys.readouterr().out


def test_a_unit_of_a_capture_is_found_by_the_cgroup_of_its_processes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for pid in (70, 71):
        write(root / f"proc/{pid}/cgroup", "0::/system.slice/x.service\n")
        write(root / "sys/fs/cgroup/system.slice/x.service/cgroup.procs", "70\n71\n")
    add(root, 72, numa_maps="", cpus="0")

    code, found = document(capsys, "x", "--numa-node", 1, "--root", root)

    assert (code, [one["pid"] for one in found["processes"]]) == (0, [70, 71])


def test_a_capture_of_processes_alone_is_judged_by_the_options(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "sys").rename(root / "away")

    code, found = document(capsys, 70, "--numa-node", 1, "--cpus", "0", "--root", root)

    assert code == 1
    assert {one["found"] for one in found["findings"]} == {"allowed CPUs 1"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("70",), 2, "no placement is wanted: give --numa-node, --cpus or both"),
        (("70", "--numa-node", "9"), 2, "expected nodes of this host, found '9'"),
        (("70", "--cpus", "x"), 2, "--cpus: expected a list such as 0-3,8, found 'x'"),
        (("70", "--cpus", "1", "--role", "a"), 2, "--role: expected PATTERN=NODES"),
        (("70", "--cpus", "1", "--role", "(=1"), 2, "expected a regular expression, found '('"),
        (("99", "--cpus", "1"), 3, "process 99: expected a running process, found none"),
        (("x", "--cpus", "1"), 3, "the unit x.service: expected its processes in"),
    ],
)
def test_what_is_wrong_is_said_in_one_message_with_its_exit_code(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    found, out, err = run(capsys, *words, "--root", root)

    assert (found, out) == (code, "")
    assert message in err


@pytest.mark.parametrize(
    "words",
    [("--watch", "0"), ("--watch", "soon"), ("--max-stray", "101"), ("--max-stray-mib", "-1")],
)
def test_a_number_that_cannot_be_is_wrong_usage(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["placement", "70", "--cpus", "1", "--root", str(root), *words])

    assert ended.value.code == 2
    assert f"found '{words[1]}'" in capsys.readouterr().err


def test_a_program_gets_its_keys_also_where_nothing_could_be_looked_at(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = document(capsys, 99, "--cpus", 1, "--root", root)

    assert code == 3
    assert (found["verdict"], found["processes"], found["findings"]) == ("unknown", [], [])
    assert "process 99" in found["unread"][0]


@pytest.fixture
def child() -> Iterator[int]:
    """A live process on one CPU."""
    cpu = str(min(os.sched_getaffinity(0)))
    program = "import sys; print(flush=True); sys.stdin.read()"
    argv = ["taskset", "--cpu-list", cpu, sys.executable, "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started.pid
        started.kill()


def test_a_live_process_is_looked_at_and_watched(
    child: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu = min(os.sched_getaffinity(0))

    code, found = document(
        capsys, child, "--cpus", cpu, "--max-stray", 100, "--max-stray-mib", 9999, "--watch", 0.6
    )

    assert (code, found["verdict"]) == (0, "pass")
    assert [one["pid"] for one in found["processes"]] == [child]
    assert found["processes"][0]["allowed_cpus"] == str(cpu)
    assert any(note.startswith("watched for 0.") for note in found["notes"])


def test_a_live_process_can_be_looked_at_by_a_sample(
    child: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu = min(os.sched_getaffinity(0))

    _, found = document(capsys, child, "--cpus", cpu, "--pages", "sample")

    assert sum(found["processes"][0]["bytes_by_node"].values()) > 2**20
    assert any(" pages off node" in note for note in found["notes"])
