"""Where the report goes: tried beforehand, replaced in one step, nothing left behind."""

import contextlib
import multiprocessing
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from multiprocessing import synchronize
from pathlib import Path

import pytest

from pytest_numa.errors import ReportError
from pytest_numa.report import destination, markdown

SESSION = markdown.Session(
    when=datetime(2026, 11, 23, tzinfo=timezone.utc),
    host="host-a",
    rows=(
        markdown.RunRow(
            mode="pinned",
            concurrency=4,
            mean_latency_ms=1.0,
            p95_latency_ms=2.0,
            throughput_tokens_per_s=3.0,
            notes="2026-11-23 host-a",
        ),
    ),
    bullets=("It matches.",),
    topology_markdown="T",
    placement_markdown="P",
    details_markdown="D",
    explanation_markdown="E",
)


@contextlib.contextmanager
def mounted(target: Path, *arguments: str) -> Iterator[None]:
    argv = ["mount", *arguments, str(target)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{' '.join(argv)} is not possible here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(target)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        yield folder


@pytest.fixture
def read_only_disk(small_disk: Path) -> Path:
    """Mount a file system that holds one report and takes no more writes."""
    small_disk.joinpath("report.md").write_text("Mine.\n")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    return small_disk


@pytest.fixture
def read_only_file(tmp_path: Path) -> Iterator[Path]:
    """Make a file that even root cannot write, in a folder that can be written."""
    path = tmp_path / "report.md"
    path.write_text("Mine.\n")
    with mounted(path, "--bind", str(path)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        yield path


def test_the_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks" / "new" / "report.md"

    markdown.write(path, SESSION)

    assert path.read_bytes() == markdown.updated(None, SESSION, source="").encode()
    assert list(path.parent.iterdir()) == [path]


def test_bytes_outside_our_part_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_bytes("\ufeffMine \u00e9\r\n\x0cMore\t\r\n".encode())

    markdown.write(path, SESSION)

    assert path.read_bytes().startswith("\ufeffMine \u00e9\r\n\x0cMore\t\r\n\r\n## Runs".encode())


def test_mode_bits_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("Mine.\n")
    path.chmod(0o664)

    markdown.write(path, SESSION)

    assert path.stat().st_mode & 0o7777 == 0o664


def test_the_owner_is_kept_by_root(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    path = tmp_path / "report.md"
    path.write_text("Mine.\n")
    os.chown(path, 12345, 12345)

    markdown.write(path, SESSION)

    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.md"
    link = tmp_path / "report.md"
    link.symlink_to(real)

    markdown.check_writable(link)
    markdown.write(link, SESSION)

    assert link.is_symlink()
    assert real.read_text().startswith("# NUMA baseline")


def _write_often(path: Path, together: synchronize.Barrier) -> None:
    together.wait()
    for _ in range(50):
        markdown.write(path, SESSION)


def test_sessions_that_end_together_lose_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2)
    writers = [context.Process(target=_write_often, args=(path, together)) for _ in range(2)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert path.read_text().count("2026-11-23 host-a") == 100
    assert list(tmp_path.iterdir()) == [path]


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("Mine.\n")
    os.utime(path, ns=(1, 1))

    markdown.check_writable(path)
    markdown.check_writable(tmp_path / "not" / "there" / "report.md")

    assert (path.read_text(), path.stat().st_mtime_ns) == ("Mine.\n", 1)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "expected a regular file or none, found a folder"),
        ("pipe", "found a device, pipe or socket"),
        ("file/report.md", "file to be a folder, found a file"),
        ("file/deeper/report.md", "file to be a folder, found a file"),
        ("loop", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
        ("latin1.md", r"latin1.md:2: expected UTF-8, found b'\xe9'"),
        ("markers.md", "markers.md:1: expected each marker"),
        ("fence.md", "fence.md:2: expected the code or comment that begins here to end"),
    ],
)
def test_a_bad_destination_is_told_of_before_and_after(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file\n")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "latin1.md").write_bytes(b"one\nt\xe9\n")
    (tmp_path / "markers.md").write_text("<!-- pytest-numa:begin latest -->\n")
    (tmp_path / "fence.md").write_text("one\n```\ntwo\n")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(path.name for path in tmp_path.rglob("*"))

    with pytest.raises(ReportError) as checked:
        markdown.check_writable(tmp_path / name)
    with pytest.raises(ReportError):
        markdown.write(tmp_path / name, SESSION)

    assert message in str(checked.value)
    assert str(tmp_path / name) in str(checked.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(ReportError, match="found a device"):
        markdown.write(Path("/dev/null"), SESSION)

    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("make", [destination.replace, destination.check])
def test_no_report_takes_the_place_of_a_pipe_or_waits_for_its_reader(
    tmp_path: Path, make: Callable[..., None]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(ReportError, match=r"found a device, pipe or socket: .* --numa-json PATH"):
        make(pipe, "text", option="--numa-json")

    assert list(tmp_path.iterdir()) == [pipe]
    assert pipe.is_fifo()


def test_a_file_without_write_permission_is_told_of(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write to any file")
    path = tmp_path / "report.md"
    path.write_text("Mine.\n")
    path.chmod(0o444)

    with pytest.raises(ReportError, match="Permission denied"):
        markdown.check_writable(path)


def test_a_read_only_file_system_is_told_of(read_only_disk: Path) -> None:
    with pytest.raises(ReportError, match=r"new\.md cannot be written: Read-only file system"):
        markdown.check_writable(read_only_disk / "new.md")
    with pytest.raises(ReportError, match=r"report\.md cannot be written: Read-only file system"):
        markdown.check_writable(read_only_disk / "report.md")


def test_a_read_only_file_in_a_writable_folder_is_told_of(read_only_file: Path) -> None:
    with pytest.raises(ReportError, match=r"report\.md cannot be written: Read-only file system"):
        markdown.check_writable(read_only_file)


def test_a_full_disk_is_told_of_and_leaves_the_old_content(small_disk: Path) -> None:
    path = small_disk / "report.md"
    text = "Mine.\n" * 6000
    path.write_text(text)

    with pytest.raises(ReportError, match="No space left on device"):
        markdown.check_writable(path)
    with pytest.raises(ReportError, match="No space left on device"):
        markdown.write(path, SESSION)

    assert path.read_text() == text
    assert list(small_disk.iterdir()) == [path]


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "report.md"

    with pytest.raises(UnicodeEncodeError):
        destination.replace(path, "\udcff")

    assert list(tmp_path.iterdir()) == []
