"""``pytest-numa unit`` as a user types it, on a host of two nodes that was captured."""

import json
from pathlib import Path

import pytest
from unit_host import two_nodes

from pytest_numa import cli
from pytest_numa.services import systemctl

# Not the interpreter of the tests: the sandbox hides one that lies in a home or below /tmp.
SET = ("--set", "model=m", "--set", "python=/usr/bin/python3")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return two_nodes(tmp_path / "root")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = cli.main(["unit", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_list_has_each_template_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "--json")

    found = {one["name"]: one for one in json.loads(out)["templates"]}
    assert code == 0
    assert {"inference-llamacpp", "inference-vllm"} <= found.keys()
    assert all(one["summary"] and one["is_packaged"] for one in found.values())


def test_ones_own_template_wins_and_is_said_to_be_ones_own(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = directory / "units/inference-vllm.service.j2"
    path.parent.mkdir()
    path.write_text("{# Mine.\n   x   a thing\n#}\n[Service]\nExecStart=/bin/true\n")

    _, listed, _ = run(capsys, "list")
    _, described, _ = run(capsys, "list", "inference-vllm")

    assert "inference-vllm" in listed
    assert "yours" in listed
    assert described == "Mine.\nx   a thing\n"


def test_a_unit_is_rendered_for_the_node_with_how_to_do_so_again(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, "render", "inference-vllm", "--numa-node", 1, "--set", "model=a b", "--root", root
    )

    assert code == 0
    assert out.startswith(
        "# pytest-numa unit render inference-vllm --numa-node 1 --cpus 2-3 --set 'model=a b'\n"
    )
    assert "\nAllowedCPUs=2-3\n" in out


def test_a_value_cannot_end_the_comment_that_repeats_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = "model=x\nExecStartPre=/bin/evil"

    _, out, _ = run(capsys, "render", "inference-vllm", "--cpus", 2, "--set", value, "--root", root)

    assert not [line for line in out.splitlines() if line.startswith("ExecStartPre")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("inference-vllm",), "no placement is wanted: give --numa-node, --cpus or both"),
        (("inference-vllm", "--numa-node", "7"), "expected nodes of this host, found '7'"),
        (("inference-vllm", "--cpus", "1-"), "--cpus: expected a list such as 0-3,8, found '1-'"),
        (("inference-vlm", "--cpus", "1"), "no unit template is called 'inference-vlm'; there are"),
        (("./x.service.j2", "--cpus", "1"), "'./x.service.j2' is no file"),
        (("inference-vllm", "--cpus", "1"), "'model' is undefined; set it with --numa-set model="),
        (
            ("inference-vllm", "--cpus", "1", "--set", "modle=x"),
            "has no variable 'modle', but 'model'; it has ",
        ),
        (("inference-vllm", "--cpus", "1", "--set", "model"), "expected KEY=VALUE"),
        (
            ("inference-vllm", "--cpus", "1", "--set", "cpus=0-3"),
            "cpus: expected by --cpus, found as KEY=VALUE",
        ),
        (
            ("inference-vllm", "--cpus", "1", "--set", "model=m", "--set", "policy_style=hard"),
            "policy_style: expected native or numactl, found 'hard'",
        ),
    ],
)
def test_what_cannot_be_rendered_is_wrong_usage_in_one_message(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    code, out, err = run(capsys, "render", *words, "--root", root)

    assert (code, out) == (2, "")
    assert message in err


def test_a_file_that_is_no_template_is_taken_as_it_is(
    directory: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "[Service]\nExecStart=/usr/bin/docker ps --format {{.Names}}\n"
    (directory / "mine.service").write_text(text)

    code, out, _ = run(capsys, "render", "mine.service", "--cpus", 0, "--root", root)

    assert code == 0
    assert out.endswith(text)


@pytest.mark.systemd
@pytest.mark.usefixtures("lasting")
def test_a_unit_is_installed_shown_to_differ_changed_rolled_back_and_removed(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "units").mkdir()
    (directory / "units/mine.service.j2").write_text(
        "[Service]\nType=exec\nExecStart=/bin/sleep {{ seconds | arg }}\n"
        "[Install]\nWantedBy=default.target\n"
    )
    one = ("mine", "--user", "--numa-node", 0, "--set", "seconds=1000")
    two = ("mine", "--user", "--numa-node", 0, "--set", "seconds=2000")

    installed = run(capsys, "install", *one, "--now")
    same = run(capsys, "diff", *one)
    other = run(capsys, "diff", *two)
    again = run(capsys, "install", *two)
    back = run(capsys, "rollback", "mine", "--user")
    same_again = run(capsys, "diff", *one)
    listed = run(capsys, "list", "--user")
    removed = run(capsys, "remove", "mine", "--user")
    gone = run(capsys, "remove", "mine", "--user")

    assert [one[0] for one in (installed, same, other, again, back)] == [0, 0, 1, 0, 0]
    assert "undo:  pytest-numa unit remove mine.service --user" in installed[1]
    assert same[1] == ""
    assert "-ExecStart=/bin/sleep 1000\n+ExecStart=/bin/sleep 2000" in other[1]
    assert same_again[:2] == (0, "")
    assert "installed: mine.service" in listed[1]
    assert removed[0] == 0
    assert gone[0] == 1
    assert "mine.service was not installed by `pytest-numa unit install`" in gone[2]


def test_without_a_manager_nothing_is_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    code, _, err = run(
        capsys,
        *("install", "inference-vllm", "--user", "--numa-node", 0, "--set", "model=m"),
    )

    assert code == 1
    assert "the manager `user` does not answer" in err


def test_a_right_unit_has_no_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("inference-vllm", "--numa-node", 1, *SET, "--root", root)

    code, out, _ = run(capsys, "lint", *words)

    assert (code, out) == (0, "inference-vllm.service: 0 findings\n")


def test_a_wrong_unit_file_is_told_what_mends_it(
    directory: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "mine.service").write_text(
        "[Service]\nType=exec\nCPUAfinity=2-3\nNUMAPolicy=bind\nNUMAMask=1\nExecStart=/opt/x\n"
    )

    code, out, _ = run(capsys, "lint", "mine.service", "--root", root, "--json")

    found = json.loads(out)["findings"]
    assert code == 1
    assert [one["subject"] for one in found] == ["mine.service:3", "CPUs"]
    assert found[0]["fix"] == "write CPUAffinity="


@pytest.mark.parametrize(("program", "is_named"), [("server", False), ("absent", True)])
def test_a_program_is_looked_for_where_the_service_has_its_root(
    program: str, *, is_named: bool, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = directory / "root/opt"
    inside.mkdir(parents=True)
    (inside / "server").touch(mode=0o755)
    (directory / "mine.service").write_text(
        f"[Service]\nType=exec\nRootDirectory={directory}/root\nExecStart=/opt/{program}\n"
    )

    _, out, _ = run(capsys, "lint", "mine.service", "--json")

    subjects = [one["subject"] for one in json.loads(out)["findings"]]
    assert [text for text in subjects if "opt" in text] == [f"{inside}/absent"] * is_named


def test_a_drop_in_of_the_host_is_looked_at_with_the_unit(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = root / "etc/systemd/system/inference-vllm.service.d/override.conf"
    place.parent.mkdir(parents=True)
    place.write_text("[Service]\nCPUAffinity=\nCPUAffinity=0\nNumaMask=1\n")
    words = ("inference-vllm", "--numa-node", 1, *SET, "--root", root)

    code, out, _ = run(capsys, "lint", *words)

    assert code == 1
    assert "override.conf:4" in out
    assert "write NUMAMask=" in out
    assert "0 and 2-3: the start fails (215/CPUAFFINITY)" in out


def test_what_could_not_be_looked_at_is_no_pass(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    words = ("inference-vllm", "--numa-node", 1, *SET, "--root", root)

    code, out, _ = run(capsys, "lint", *words)

    assert code == 3
    assert "systemd-analyze verify (unknown)" in out
    assert out.endswith("0 findings, 1 unknown\n")


@pytest.mark.systemd
def test_the_slice_is_installed_with_its_drop_ins_and_removed_without_a_trace(
    lasting: systemctl.Scope, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lasting.unit_folder
    before = sorted(folder.rglob("*"))

    installed = run(capsys, "install", "inference.slice", "--user", "--numa-node", 0, "--cpus", 0)
    between = [path for path in sorted(folder.rglob("*.conf")) if path not in before]
    removed = run(capsys, "remove", "inference.slice", "--user")

    assert (installed[0], removed[0]) == (0, 0)
    assert [path.parent.name for path in between] == [
        "init.scope.d",
        "system.slice.d",
        "user.slice.d",
    ]
    assert sorted(folder.rglob("*")) == before
