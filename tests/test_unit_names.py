"""Names of units that would like to be paths, as a user types them."""

import pytest

from pytest_numa import cli
from pytest_numa.services import systemctl

HOSTILE = ("../x", "/etc/passwd", "x/../../y", "", ".", "a b", "a\nb", "%i", "x" * 300, "ä", "-x;y")


@pytest.mark.systemd
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("action", ["remove", "rollback"])
def test_what_is_no_name_of_a_unit_is_refused_in_one_message(
    action: str, name: str, lasting: systemctl.Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["unit", action, "--user", "--", name])
    error = capsys.readouterr().err

    assert code == 1
    assert error.startswith("pytest-numa: ")
    assert error.count("\n") == 1
    assert not list(lasting.state_folder.rglob("*"))
