"""A manager that units are installed under for good, as under a user's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_numa.services import direct, private, systemctl, undo


@pytest.fixture
def lasting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[systemctl.Scope]:
    """A private manager that commands find as the manager ``user``; it holds no lock."""
    folder = tmp_path / "manager"
    folder.mkdir()
    footprint = undo.Footprint(folder=folder)
    with private.running(footprint, direct.plain_environment()) as scope:
        for name, value in scope.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield systemctl.scope_of("user")
    footprint.undo()
