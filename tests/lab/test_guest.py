"""What the virtual machine says when it cannot be booted."""

import tempfile
from pathlib import Path

import build_image
import guest
import psutil
import pytest
from build_image import Image, LabError

pytestmark = pytest.mark.lab


def machines() -> set[int]:
    """The guest that other tests share may run too."""
    return {child.pid for child in psutil.Process().children() if "qemu" in child.name()}


def test_a_machine_that_does_not_boot_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := build_image.lacking():
        pytest.skip(reason)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "disk").write_bytes(bytes(2**20))
    others = machines()

    with (
        pytest.raises(LabError, match="could not open kernel file"),
        guest.booted(Image(folder=tmp_path)),
    ):
        pass

    assert list((tmp_path / "temporary").iterdir()) == []
    assert machines() == others
