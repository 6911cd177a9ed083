"""The workflows that ``pytest-numa init`` writes: linted, their comments made with stand-ins."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pytest_numa import cli

GITHUB = ".github/workflows/numa-acceptance.yml"
GITLAB = ".gitlab/numa-acceptance.yml"
DOCS = Path(__file__).parents[2] / "docs" / "ci.md"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    for ci in ("github", "gitlab"):
        cli.main(["init", str(tmp_path), "--numa-node", "0", "--cpus", "0-15", "--ci", ci])
    return tmp_path


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def loaded(path: Path) -> Any:  # noqa: ANN401 - YAML
    return YAML(typ="safe").load(path)


def test_zizmor_finds_nothing_unsafe_in_the_workflow(written: Path) -> None:
    done = subprocess.run(
        [tool("zizmor"), "--offline", "--no-progress", "--color=never", str(written / GITHUB)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("schema", "path", "more"), [
    ("vendor.github-workflows", GITHUB, []),
    ("vendor.gitlab-ci", GITLAB, ["--data-transform", "gitlab-ci"]),
])  # fmt: skip
def test_the_files_follow_the_schemas(
    written: Path, schema: str, path: str, more: list[str]
) -> None:
    done = subprocess.run(
        [tool("check-jsonschema"), "--builtin-schema", schema, *more, str(written / path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


def test_the_options_of_pytest_are_those_of_the_plugin(written: Path) -> None:
    steps = loaded(written / GITHUB)["jobs"]["accept"]["steps"]
    command = next(step["run"] for step in steps if "flock" in step.get("run", ""))
    words = command.replace('"$RECORD"', "--numa-record").replace("$HOME", str(written)).split()
    # This host may have fewer.
    words[words.index("--cpus=0-15")] = "--numa-set=model=/m"
    place = words.index("pytest")

    done = subprocess.run(
        [sys.executable, "-m", *(word.strip('"') for word in words[place:]), "--help"],
        capture_output=True, text=True, check=False, cwd=written,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", [GITHUB, GITLAB])
def test_the_documentation_shows_the_file_as_it_is_written(written: Path, path: str) -> None:
    text = (written / path).read_text(encoding="utf-8").replace("inference-vllm", "UNIT")

    assert f"```yaml\n{text}```\n" in DOCS.read_text(encoding="utf-8")


def _stand_in(folder: Path, name: str, answer: str) -> None:
    """A program that notes how it was called, and answers where it is asked for what is there."""
    folder.mkdir(exist_ok=True)
    script = (
        f"#!{sys.executable}\nimport json, os, sys\n"
        "with open(os.environ['CALLS'], 'a') as calls:\n"
        "    print(json.dumps(sys.argv[1:]), file=calls)\n"
        "if not {'--method', '--request'} & set(sys.argv):\n"
        f"    print({answer!r})\n"
    )
    (folder / name).write_text(script, encoding="utf-8")
    (folder / name).chmod(0o755)


def _commented(folder: Path, script: str, name: str, answer: str) -> list[str]:
    """The last call of a stand-in after the script has run."""
    _stand_in(folder / "bin", name, answer)
    (folder / "numa").mkdir(exist_ok=True)
    (folder / "numa/report.md").write_text("# Report\n", encoding="utf-8")
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "COMMENTS": "repos/o/r/issues/7/comments",
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
        "NUMA_COMMENT_TOKEN": "secret-token",
    }
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=environment, check=True
    )
    calls = (folder / "calls").read_text(encoding="utf-8").splitlines()
    assert "secret-token" not in "".join(calls)
    assert (folder / "body.md").read_text().startswith("<!-- numa-acceptance -->\n# Report")
    last: list[str] = json.loads(calls[-1])
    return last


@pytest.mark.parametrize(("there", "method", "place"), [
    ("", "POST", "repos/o/r/issues/7/comments"),
    ("99\n101", "PATCH", "repos/o/r/issues/comments/99"),
])  # fmt: skip
def test_the_comment_on_github_is_made_once_and_then_updated(
    written: Path, there: str, method: str, place: str
) -> None:
    script = loaded(written / GITHUB)["jobs"]["comment"]["steps"][1]["run"]

    call = _commented(written, script, "gh", there)

    assert call[call.index("--method") + 1] == method
    assert place in call


@pytest.mark.parametrize(("there", "method", "place"), [
    ([{"id": 5, "body": "another"}], "POST", "merge_requests/7/notes"),
    ([{"id": 6, "body": "<!-- numa-acceptance -->\nold"}], "PUT", "merge_requests/7/notes/6"),
])  # fmt: skip
def test_the_comment_on_gitlab_is_made_once_and_then_updated(
    written: Path, there: list[dict[str, object]], method: str, place: str
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("needs jq: apt-get install jq")
    script = loaded(written / GITLAB)["numa-comment"]["script"][0]

    call = _commented(written, script, "curl", json.dumps(there))

    assert call[call.index("--request") + 1] == method
    assert call[-1].endswith(place)
    assert not (written / "header").exists()
