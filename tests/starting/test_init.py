"""``pytest-numa init``: a set that works, laid beside what is there."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_numa import cli, starting
from pytest_numa.policy import Policy
from pytest_numa.services import catalogue, template

TEST = "tests/test_numa_acceptance.py"
UNIT = "units/inference-vllm.service.j2"
GITHUB = ".github/workflows/numa-acceptance.yml"


def files(directory: Path) -> set[str]:
    found = directory.rglob("*")
    return {str(path.relative_to(directory)) for path in found if path.is_file()}


def test_an_empty_repository_gets_a_test_a_unit_and_a_workflow(tmp_path: Path) -> None:
    code = cli.main(["init", str(tmp_path), "--numa-node", "0", "--cpus", "0-15"])

    workflow = (tmp_path / GITHUB).read_text(encoding="utf-8")
    assert code == 0
    assert files(tmp_path) == {TEST, UNIT, GITHUB}
    assert "--numa-node=0 --cpus=0-15 --numa-unit=inference-vllm\n" in workflow
    assert "@OPTIONS@" not in workflow


def test_the_unit_is_the_one_that_the_options_name(tmp_path: Path) -> None:
    cli.main(["init", str(tmp_path)])

    assert catalogue.find("inference-vllm", directory=tmp_path).path == tmp_path / UNIT


def test_the_unit_is_whole_and_comes_out_as_the_packaged_one(tmp_path: Path) -> None:
    packaged = catalogue.find("inference-vllm", directory=tmp_path)
    policy = Policy(cpus=frozenset({0}), memory_nodes=frozenset({0}))
    given = {"python": "/usr/bin/python3", "model": "m", "host": "h", "port": "1"}
    expected = template.render(packaged, policy=policy, variables=given)

    cli.main(["init", str(tmp_path)])

    own = catalogue.find("inference-vllm", directory=tmp_path)
    assert "{% include" not in own.text()
    assert template.render(own, policy=policy, variables=given) == expected


def test_gitlab_gets_a_file_of_its_own(tmp_path: Path) -> None:
    cli.main(["init", str(tmp_path), "--ci", "gitlab"])

    text = (tmp_path / ".gitlab/numa-acceptance.yml").read_text(encoding="utf-8")
    assert "--numa-node=auto --numa-unit=inference-vllm\n" in text
    assert not (tmp_path / ".github").exists()


def test_what_is_there_is_kept_and_the_rest_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / TEST
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")

    code = cli.main(["init", str(tmp_path)])

    assert (code, mine.read_text(encoding="utf-8")) == (0, "mine")
    assert f"kept    {mine}" in capsys.readouterr().out
    assert files(tmp_path) == {TEST, UNIT, GITHUB}


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / TEST).symlink_to(tmp_path / "elsewhere.py")

    cli.main(["init", str(tmp_path)])

    assert not (tmp_path / "elsewhere.py").exists()


def test_of_several_that_write_at_once_one_writes_each_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(
                lambda: list(
                    starting.lay_out(
                        tmp_path, unit="inference-generic", workflow="gitlab", options=[]
                    )
                )
            )
            for _ in range(8)
        ]
        found = [one for future in futures for one in future.result()]

    assert sorted(one.path.name for one in found if one.is_new) == [
        "inference-generic.service.j2",
        "numa-acceptance.yml",
        "test_numa_acceptance.py",
    ]


def test_what_was_written_before_a_failure_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "units").write_text("mine", encoding="utf-8")

    code = cli.main(["init", str(tmp_path)])

    told = capsys.readouterr()
    assert (code, told.out) == (1, f"written {tmp_path / TEST}\n")
    assert "expected a folder above it, found a file" in told.err
    assert (tmp_path / "units").read_text(encoding="utf-8") == "mine"


def test_what_cannot_be_written_in_full_is_not_written_at_all(tmp_path: Path) -> None:
    # No file may become larger than nothing: as on a full disk.
    script = f"ulimit -f 0; exec {sys.executable} -m pytest_numa.cli init {tmp_path}"

    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, files(tmp_path)) == (1, "", set())
    assert done.stderr.endswith("cannot be written: File too large\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["/proc/nowhere"], "/proc/nowhere/tests/test_numa_acceptance.py cannot be written"),
        (["/proc/version"], "cannot be written: Not a directory"),
        (["--unit", "nope"], "no unit template is called 'nope'; there are: "),
        (["--unit", "a\nb"], "--unit: expected the name of a template"),
        (["--cpus", '"""'], "--cpus"),
        (["--numa-node", "$(id)"], "--numa-node"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    code = cli.main(["init", *options])

    told = capsys.readouterr()
    assert (code, told.out, files(tmp_path)) == (1, "", set())
    assert said in told.err
    assert "Traceback" not in told.err
