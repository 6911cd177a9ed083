import errno
import os
import subprocess
from pathlib import Path

import pytest
from process_trees import add_process

from pytest_numa import process
from pytest_numa.errors import HostError
from pytest_numa.process import files

UNIFIED = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
HYBRID = (
    "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
VERSION_1 = HYBRID.rsplit("41", maxsplit=1)[0]
CONTAINER = "41 31 0:38 /docker/a1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"


def write_cgroup(root: Path, *, cgroup: str, mounts: str) -> None:
    (root / "proc/71").mkdir(parents=True)
    (root / "proc/self").mkdir()
    (root / "proc/71/cgroup").write_text(cgroup)
    (root / "proc/self/mountinfo").write_text(mounts)


@pytest.mark.parametrize(
    ("cgroup", "mounts", "directory"),
    [
        ("0::/a.service\n", UNIFIED, "sys/fs/cgroup/a.service"),
        (
            "5:name=systemd:/a.service\n4:memory:/m\n0::/a.service\n",
            HYBRID,
            "sys/fs/cgroup/unified/a.service",
        ),
        ("5:name=systemd:/a.service\n0::/\n", HYBRID, "sys/fs/cgroup/systemd/a.service"),
        ("5:name=systemd:/a.service\n0::/\n", VERSION_1, "sys/fs/cgroup/systemd/a.service"),
        ("0::/docker/a1/worker\n", CONTAINER, "sys/fs/cgroup/worker"),
        ("0::/docker/a1\n", CONTAINER, "sys/fs/cgroup"),
    ],
    ids=[
        "unified",
        "hybrid",
        "unified unused",
        "version 1",
        "below the container",
        "the container",
    ],
)
def test_the_cgroup_is_found_in_the_hierarchy_of_systemd(
    tmp_path: Path, *, cgroup: str, mounts: str, directory: str
) -> None:
    write_cgroup(tmp_path, cgroup=cgroup, mounts=mounts)

    assert process.cgroup_directory(71, tmp_path) == tmp_path / directory


@pytest.mark.parametrize(
    ("cgroup", "mounts"),
    [
        ("0::/\n", UNIFIED),
        ("0::/../other\n", UNIFIED),
        ("0::/elsewhere\n", CONTAINER),
        ("0::/a.service\n", ""),
        ("", UNIFIED),
    ],
    ids=["the root", "outside our namespace", "outside our mount", "not mounted", "no cgroups"],
)
def test_a_cgroup_that_tells_nothing_or_is_out_of_sight_is_none(
    tmp_path: Path, *, cgroup: str, mounts: str
) -> None:
    write_cgroup(tmp_path, cgroup=cgroup, mounts=mounts)

    assert process.cgroup_directory(71, tmp_path) is None


@pytest.mark.parametrize(
    ("cgroup", "mounts", "directory"),
    [
        ("4:memory:/m\n0::/a.service\n", HYBRID, "sys/fs/cgroup/memory/m"),
        ("0::/a.service\n", UNIFIED, "sys/fs/cgroup/a.service"),
    ],
)
def test_a_controller_is_found_in_its_own_hierarchy(
    tmp_path: Path, *, cgroup: str, mounts: str, directory: str
) -> None:
    write_cgroup(tmp_path, cgroup=cgroup, mounts=mounts)

    found = process.cgroup_directory(71, tmp_path, controller="memory")

    assert found == tmp_path / directory


def test_a_process_that_has_ended_has_no_cgroup(tmp_path: Path) -> None:
    assert process.cgroup_directory(71, tmp_path) is None


def test_processes_of_cgroups_below_are_found(tmp_path: Path) -> None:
    (tmp_path / "worker/inner").mkdir(parents=True)
    (tmp_path / "cgroup.procs").write_text("7\n0\n")
    (tmp_path / "worker/inner/cgroup.procs").write_text("8\n9\n")

    assert process.pids_in_cgroup(tmp_path) == {7, 8, 9}


def test_a_cgroup_that_is_gone_has_no_processes(tmp_path: Path) -> None:
    assert process.pids_in_cgroup(tmp_path / "gone.service") == frozenset()


def test_a_cgroup_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").mkdir()

    with pytest.raises(HostError, match=r"cgroup\.procs: .*found: Is a directory"):
        process.pids_in_cgroup(tmp_path)


@pytest.mark.parametrize("number", [errno.ENODEV, errno.EOPNOTSUPP])
def test_a_cgroup_that_is_being_removed_or_is_threaded_has_no_processes_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path) -> str:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(files, "read", refuse)

    assert process.pids_in_cgroup(tmp_path) == frozenset()


def test_this_process_is_in_its_own_cgroup() -> None:
    directory = process.cgroup_directory(os.getpid())
    if directory is None:
        pytest.skip("this process is in the root cgroup")

    assert os.getpid() in process.pids_in_cgroup(directory)


def test_children_of_children_are_descendants(tmp_path: Path) -> None:
    add_process(tmp_path, 71, ppid=1)
    add_process(tmp_path, 72, ppid=71)
    add_process(tmp_path, 73, ppid=72)
    add_process(tmp_path, 74, ppid=1)

    assert process.descendants(71, tmp_path) == {72, 73}


def test_a_process_that_may_not_be_read_is_no_descendant(tmp_path: Path) -> None:
    add_process(tmp_path, 72, ppid=71)
    (tmp_path / "proc/73/stat").mkdir(parents=True)

    assert process.descendants(71, tmp_path) == {72}


def test_a_living_child_is_a_descendant() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        found = process.descendants(os.getpid())
        child.kill()

    assert child.pid in found
