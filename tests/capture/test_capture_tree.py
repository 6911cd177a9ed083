"""Files below a root are found by patterns, and read whole or up to a bound."""

import os
from pathlib import Path

import pytest

from pytest_numa.capture import tree


def test_a_pattern_finds_what_is_there(tmp_path: Path) -> None:
    for name in ("a/cpu0/x", "a/cpu1/x", "a/cpuidle/x", "a/cpu2/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    found = [path for path in tree.find(tmp_path, "a/cpu[0-9]*/*") if path.is_file()]

    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "a/cpu0/x",
        "a/cpu1/x",
        "a/cpu2/y",
    ]


def test_a_link_to_a_folder_above_is_no_trap(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "f").write_text("x")

    found = list(tree.find(tmp_path, "*/*"))

    assert found == [tmp_path / "f/*", tmp_path / "loop/f", tmp_path / "loop/loop"] or found == [
        tmp_path / "loop/f",
        tmp_path / "loop/loop",
    ]


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert list(tree.find(tmp_path / "gone", "*")) == []


def test_only_regular_files_that_can_be_read_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "write-only").write_text("x")
    (tmp_path / "write-only").chmod(0o200)
    (tmp_path / "null").symlink_to("/dev/null")

    names = ["fifo", "write-only", "null", "gone", ".", "write-only/below"]

    assert [tree.read(tmp_path / name) for name in names] == [None] * 6


def test_what_is_too_large_is_cut_at_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MOST_BYTES", 100_000)
    (tmp_path / "large").write_bytes(b"0123456\n" * 20_000)
    (tmp_path / "fits").write_bytes(b"0123456\n" * 12_500)

    large, fits = tree.read(tmp_path / "large"), tree.read(tmp_path / "fits")

    assert large == (b"0123456\n" * 12_500, True)
    assert fits == (b"0123456\n" * 12_500, False)
