"""``pytest-numa audit`` on this host and on captured machines."""

import json
from pathlib import Path

import pytest

from pytest_numa import audit, cli
from pytest_numa.audit import STATUSES


def test_this_host_is_told_by_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["audit", "--json", "--cpus", "0"])

    told = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in told["checks"]] == [one.id for one in audit.CHECKS]
    assert {one["status"] for one in told["checks"]} <= set(STATUSES)
    assert code == int(told["summary"]["fail"] > 0)


def test_the_text_says_what_fails_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["audit"])

    said = capsys.readouterr().out
    assert code in (0, 1)
    assert said.count("\nfail N") == int(said.split(" fail, ")[0].rpartition(" ")[2])


def test_an_audit_is_held_against_an_earlier_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["audit", "--json"])
    earlier = tmp_path / "earlier.json"
    earlier.write_text(capsys.readouterr().out)

    code = cli.main(["audit", "--against", str(earlier), "--only", "N1", "--only", "n25"])

    assert code == 0
    assert "2 pass, 0 fail" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "N99"], "--only: expected N1 to N26, found 'N99'"),
        (["--cpus", "9999"], "9999"),
        (["--against", "/nowhere"], "--against: "),
        (["--against", "/proc/version"], "expected what --json has written"),
    ],
)
def test_wrong_usage_is_one_message(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["audit", *options])

    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert said in told.err


def test_a_folder_that_is_no_machine_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["audit", "--root", str(tmp_path)])

    assert code == 1
    assert "expected a machine" in capsys.readouterr().err
