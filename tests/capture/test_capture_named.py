"""A machine with names everywhere is captured without them, and read the same."""

import errno
import os
import re
import shutil
from pathlib import Path

import pytest

from pytest_numa import capture, process
from pytest_numa.capture import tree

PID = os.getpid()
UUID = "3f2a9c1e-aa11-4b22-8c33-0123456789ab"
OTHER_UUID = "40000000-aa11-4b22-8c33-0123456789ab"
UNIT = "gpu-box-17.service"
MOUNTS = (
    f"27 1 254:0 / / rw - ext4 /dev/disk/by-uuid/{UUID} rw\n"
    "28 27 0:9 / /home/alice rw - tmpfs x rw\n"
)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """This machine as if it were called gpu-box-17 and alice's, and ran us as a unit."""
    root = tmp_path / "named"
    capture.write(root, pids=[PID])
    written = {
        "proc/sys/kernel/hostname": "gpu-box-17.example.com\n",
        "proc/cmdline": f"root=UUID={UUID} rd.lvm.lv=rhel_gpu-box-17/root ip=10.1.2.3\n",
        "proc/version": "Linux version 6.1.0 (alice@gpu-box-17) #1 SMP\n",
        "proc/swaps": "Filename Type\n/dev/mapper/rhel_gpu--box--17-swap partition\n",
        "proc/self/mountinfo": f"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n{MOUNTS}",
        f"proc/{PID}/mountinfo": MOUNTS,
        f"proc/{PID}/comm": "gpu-box-17\n",
        f"proc/{PID}/cmdline": f"serve\0--model\0/home/alice/m\0--master\0gpu-box-17\0{UUID}\0",
        f"proc/{PID}/cgroup": f"0::/system.slice/{UNIT}/{UUID}\n",
        f"sys/fs/cgroup/system.slice/{UNIT}/cgroup.procs": "",
        f"sys/fs/cgroup/system.slice/{UNIT}/cpuset.cpus.effective": "0-3\n",
        f"sys/fs/cgroup/system.slice/{UNIT}/{UUID}/cgroup.procs": f"{PID}\n",
        f"sys/fs/cgroup/system.slice/{UNIT}/{UUID}/memory.numa_stat": "anon N0=8192\n",
        f"sys/fs/cgroup/system.slice/{UNIT}/{OTHER_UUID}/memory.numa_stat": "anon N0=4096\n",
        "sys/class/net/enx0cc47a112233/device/numa_node": "0\n",
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def all_bytes(folder: Path) -> bytes:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [str(path.relative_to(folder)).encode() for path in files]
    return b"\n".join([*names, *(path.read_bytes() for path in files)])


def test_names_of_host_people_and_devices_are_nowhere_in_it(named: Path, tmp_path: Path) -> None:
    capture.write(tmp_path / "copy", pids=[PID], root=named)

    everything = all_bytes(tmp_path / "copy").lower()
    private = [b"gpu-box", b"gpu--box", b"box-17", b"example.com", b"alice", b"10.1.2.3"]
    private += [UUID.encode(), OTHER_UUID.encode(), b"0cc47a112233"]
    assert [word for word in private if word in everything] == []
    assert b"--model\0/home/user/m\0--master\0host\0" in everything


def test_a_service_is_read_by_its_cgroups_under_their_new_names(
    named: Path, tmp_path: Path
) -> None:
    capture.write(tmp_path / "copy", pids=[PID], root=named)

    before = process.read_cgroups(PID, named)
    found = process.read_cgroups(PID, tmp_path / "copy")
    first, second, third = (one.path for one in found.all)
    assert first == "/system.slice/host.service"
    assert re.fullmatch(f"{first}/0{{8}}-0000-0000-0000-0{{11}}.", second)
    assert second[:-1] == third[:-1]
    assert second != third
    assert found.pids == {PID}
    assert found.all[0].cpus_effective == frozenset({0, 1, 2, 3})
    assert sorted(str(one.bytes_by_node) for one in found.all) == sorted(
        str(one.bytes_by_node) for one in before.all
    )


def test_what_cannot_be_told_apart_without_its_name_is_left_out_and_said_so(
    named: Path, tmp_path: Path
) -> None:
    twin = named / f"sys/fs/cgroup/system.slice/{UNIT}/host"
    for folder in (twin, twin.with_name("gpu-box-17")):
        folder.mkdir()
        (folder / "cgroup.procs").write_text("")

    found = capture.write(tmp_path / "copy", pids=[PID], root=named)

    place = "/sys/fs/cgroup/system.slice/host.service/host/cgroup.procs"
    assert found.unreadable == (f"{place}: left out one of two that are alike but for a name",)


@pytest.mark.parametrize("ends_as", [None, "another"])
def test_a_process_that_ends_meanwhile_leaves_no_half_of_itself(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_as: str | None
) -> None:
    read = tree.read
    own = (named / f"proc/{PID}/stat").read_bytes()
    start = own.rsplit(b" ", 31)[1]

    def ending(path: Path) -> tuple[bytes, bool] | None:
        if path.name == "numa_maps" and ends_as is None:
            shutil.rmtree(path.parent)
        elif path.name == "numa_maps":
            (path.parent / "stat").write_bytes(own.replace(b" " + start + b" ", b" 1 "))
        return read(path)

    monkeypatch.setattr(tree, "read", ending)
    found = capture.write(tmp_path / "new", pids=[PID], root=named)

    assert f"process {PID}: it ended while it was read" in found.unreadable
    assert not (tmp_path / f"new/proc/{PID}").exists()
    assert [line for line in found.blanked if f"/proc/{PID}/" in line] == []


def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_there(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tree.read

    def refusing(path: Path) -> tuple[bytes, bool] | None:
        if path.name in ("numa_maps", "cpuset.cpus.effective", "possible"):
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    monkeypatch.setattr(tree, "read", refusing)
    found = capture.write(tmp_path / "new", pids=[PID], root=named)

    assert set(found.unreadable) >= {
        f"/proc/{PID}/numa_maps: Input/output error",
        "/sys/devices/system/cpu/possible: Input/output error",
        "/sys/fs/cgroup/system.slice/host.service/cpuset.cpus.effective: Input/output error",
    }
    assert (tmp_path / f"new/proc/{PID}/maps").is_file()
    assert (
        f"- /proc/{PID}/numa_maps: Input/output error" in (tmp_path / "new/CAPTURE.md").read_text()
    )
