"""``pytest-numa unit lint PATH``: which file is meant, and what comes along with it."""

from pathlib import Path

import pytest
from unit_host import two_nodes

from pytest_numa import cli


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the unit files are, as in a checkout."""
    (tmp_path / "deploy").mkdir()
    return tmp_path / "deploy"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return two_nodes(tmp_path / "root")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = cli.main(["unit", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_an_instance_is_linted_by_the_path_that_systemd_gives_it(
    root: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "[Service]\nType=exec\nExecStart=/opt/server\nAllowedMemoryNodes=0\nCPUAffinity=%i\n"
    (directory / "one@.service").write_text(line)

    _, _, message = run(capsys, "lint", directory / "one@.service", "--root", root)
    code, out, _ = run(capsys, "lint", directory / "one@9.service", "--root", root)

    assert f"name one, such as {directory / 'one@0.service'}" in message
    assert code == 1
    assert "one@9.service: 1 finding" in out
    assert "9, which do not exist" in out


def test_drop_ins_beside_a_unit_file_count_and_those_of_the_host_win(
    root: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "x.service").write_text("[Service]\nType=exec\nExecStart=/opt/server\n")
    drop_in = directory / "x.service.d/numa.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nAllowedCPUs=0-1\nAllowedMemoryNodes=0\n")

    beside, _, _ = run(capsys, "lint", directory / "x.service", "--root", root)
    standing = root / "etc/systemd/system/x.service.d/numa.conf"
    standing.parent.mkdir(parents=True)
    standing.write_text("[Service]\nAllowedCPUs=2-3\nAllowedMemoryNodes=0\n")
    code, out, _ = run(capsys, "lint", directory / "x.service", "--root", root)

    assert (beside, code) == (0, 1)
    assert "CPUs 2-3 of node 1" in out
