"""``pytest-numa history`` on files that were damaged, or are no history."""

from pathlib import Path

import pytest

from pytest_numa import cli, history
from pytest_numa.history import Entry


@pytest.mark.parametrize("verdict", [{"outcome": ["pass"]}, {}])
def test_a_verdict_that_was_changed_by_hand_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: dict[str, object]
) -> None:
    path = tmp_path / "h.jsonl"
    entry = Entry(
        when="2026-01-01T12:00:00+00:00",
        host="a",
        subject={},
        versions={},
        figures={"systemd": {"tokens_per_s": [100.0]}},
        verdicts=({"figure": "tokens_per_s", **verdict},),
    )
    history.append(path, entry)

    assert cli.main(["history", "--no-changes", str(path)]) == 0
    assert "2026-01-01 12:00" in capsys.readouterr().out


def test_a_file_of_another_kind_is_told_of_in_a_few_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session.json"
    path.write_text("{\n" * 1000)

    assert cli.main(["history", str(path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-2] == "pytest-numa: 995 more like these"
    assert len(said) == 7
