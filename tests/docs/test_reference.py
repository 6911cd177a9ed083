"""The pages of docs/reference/ say what the code says."""

import os
import subprocess
import sys

import pytest
from doc_pages import ROOT

from pytest_numa import cli


def test_every_page_is_as_the_code_would_write_it() -> None:
    done = subprocess.run(
        [sys.executable, "docs/reference.py", "--check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_says_its_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])

    assert "Exit code: 0 " in " ".join(capsys.readouterr().out.split())
