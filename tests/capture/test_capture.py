"""A capture of this machine reads like this machine, without what is private."""

import errno
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_numa import __version__, capture, cli, host, process
from pytest_numa.errors import HostError
from pytest_numa.host import Topology

SAMPLES = Path(__file__).parents[3] / "shared/samples/sysfs"
SECRET = "aVerySecretWord"  # noqa: S105 - what must not survive
LEAF = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
# ctypes: mmap.mmap() would take a file descriptor for each.
MAPPER = """
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None)
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
fd = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(int(sys.argv[2])):
    libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, fd, 0)
print(flush=True)
sys.stdin.read()
"""
PROGRAM = (
    "import sys, threading; threading.Thread(target=sys.stdin.read, daemon=True).start();"
    "print(flush=True); threading.Event().wait()"
)


@pytest.fixture(scope="module")
def child() -> Iterator[int]:
    """A process of two threads with a secret on its command line."""
    argv = [sys.executable, "-c", PROGRAM, f"TOKEN={SECRET}", "--api-key", SECRET]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started.pid
        started.kill()


@pytest.fixture(scope="module")
def captured(child: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captured") / "here"
    capture.write(folder, pids=[child])
    return folder


def without_free_memory(topology: Topology) -> Topology:
    nodes = tuple(
        replace(node, memory_bytes=0, memory_free_bytes=None, memory_available_bytes=None)
        for node in topology.nodes
    )
    return replace(topology, nodes=nodes)


def test_the_topology_is_that_of_the_machine(captured: Path) -> None:
    found = without_free_memory(host.read_topology(captured))

    assert found == without_free_memory(host.read_topology())


def test_a_process_is_read_as_it_is(captured: Path, child: int) -> None:
    (live,) = process.read_processes([child])
    (found,) = process.read_processes([child], captured)

    assert len(found.threads) == 2
    assert found.unreadable == ()
    assert (found.comm, found.start_time_ticks, found.ppid) == (
        live.comm,
        live.start_time_ticks,
        live.ppid,
    )
    assert [one.cpus_allowed for one in found.threads] == [one.cpus_allowed for one in live.threads]
    assert found.bytes_by_node == pytest.approx(live.bytes_by_node, rel=0.05)


def test_secrets_are_nowhere_in_it(captured: Path) -> None:
    files = [path for path in captured.rglob("*") if path.is_file()]
    everything = b"\n".join(path.read_bytes() for path in files)

    assert len(everything) > 10_000
    assert SECRET.encode() not in everything
    assert (captured / "proc/sys/kernel/hostname").read_text() == "host\n"


def test_descendants_come_along(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-c",
        f"import subprocess; subprocess.run({[sys.executable, '-c', LEAF]!r})",
    ]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        leaf = int(started.stdout.readline())
        capture.write(tmp_path / "new", pids=[started.pid])
        assert started.stdin is not None
        started.stdin.close()

    assert process.descendants(started.pid, tmp_path / "new") == {leaf}


def test_a_process_of_very_many_ranges_is_captured_whole(tmp_path: Path) -> None:
    # 6 MiB of maps, of which the kernel gives a page at a time.
    path = tmp_path / ("f" * 240)
    path.write_bytes(b"x" * 4096)
    argv = [sys.executable, "-c", MAPPER, str(path), "20000"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        found = capture.write(tmp_path / "new", pids=[started.pid])
        live = Path(f"/proc/{started.pid}/maps").read_bytes()
        assert started.stdin is not None
        started.stdin.close()

    copied = tmp_path / "new" / f"proc/{started.pid}"
    assert (copied / "maps").read_bytes().count(b"\n") == live.count(b"\n") > 20_000
    assert (copied / "numa_maps").read_bytes().count(b"\n") > 20_000
    assert found.unreadable == ()


def test_what_was_blanked_is_told(captured: Path, child: int) -> None:
    told = (captured / "CAPTURE.md").read_text()

    assert f"- /proc/{child}/cmdline: the argument after --api-key" in told
    assert f"- /proc/{child}/cmdline: the value of TOKEN" in told


def test_no_environment_and_no_memory_is_in_it(captured: Path) -> None:
    names = {path.name for path in captured.rglob("*")}

    assert names & {"environ", "mem", "pagemap", "kcore", "auxv"} == set()


def test_only_its_owner_can_open_it(captured: Path) -> None:
    assert captured.stat().st_mode & 0o777 == 0o700


def test_the_command_says_what_it_wrote_and_placement_reads_it(
    child: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cpus = "0-9999"

    assert cli.main(["capture", str(tmp_path / "new"), str(child)]) == 0
    assert f"blanked: /proc/{child}/cmdline: the value of TOKEN" in capsys.readouterr().out
    words = [str(child), "--numa-node", "0", "--cpus", cpus, "--root", str(tmp_path / "new")]
    assert cli.main(["placement", *words]) in {0, 2}


def test_a_capture_of_a_capture_is_the_same_machine(captured: Path, tmp_path: Path) -> None:
    capture.write(tmp_path / "again", root=captured)

    assert host.read_topology(tmp_path / "again") == host.read_topology(captured)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
@pytest.mark.parametrize("name", ["48amd64-4pa2n6c-sparse", "40intel64-2g2n4c+pcilocality"])
def test_a_capture_of_a_captured_machine_has_its_topology(name: str, tmp_path: Path) -> None:
    with tarfile.open(SAMPLES / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")

    capture.write(tmp_path / "copy", root=tmp_path / name)

    assert host.read_topology(tmp_path / "copy") == host.read_topology(tmp_path / name)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")

    with pytest.raises(HostError, match="expected a new or an empty folder"):
        capture.write(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert capture.write(tmp_path / "empty").files > 20


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(HostError, match=r"the capture cannot be written: .*Not a directory"):
        capture.write(tmp_path / "file/below")


def test_a_process_that_does_not_run_is_said_so(tmp_path: Path) -> None:
    found = capture.write(tmp_path / "new", pids=[4_194_000])

    assert "process 4194000: it ended while it was read" in found.unreadable
    assert not (tmp_path / "new/proc/4194000").exists()


def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(HostError, match=r"new: the capture cannot be written: .*No space left"):
        capture.write(tmp_path / "new")

    assert list(tmp_path.iterdir()) == []


def test_the_note_says_when_what_and_by_what(captured: Path, child: int) -> None:
    told = (captured / "CAPTURE.md").read_text()

    assert f"by pytest-numa {__version__}" in told
    assert f"- Kernel: {os.uname().release}" in told
    assert f"processes: {child}" in told


def test_an_interrupted_capture_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    monkeypatch.setattr(Path, "rename", interrupted)

    with pytest.raises(KeyboardInterrupt):
        capture.write(tmp_path / "new")

    assert list(tmp_path.iterdir()) == []


def test_a_root_of_nothing_is_refused_and_leaves_no_capture(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="expected a folder with sys/ or proc/, found neither"):
        capture.write(tmp_path / "capture", root=tmp_path / "nothing")

    assert list(tmp_path.iterdir()) == []
