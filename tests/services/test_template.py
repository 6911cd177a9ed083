"""Templates: found, rendered with the policy, and checked by a real systemd."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_numa.errors import UnitError
from pytest_numa.policy import Policy
from pytest_numa.services import catalogue, template
from pytest_numa.services.unit import Unit

POLICY = Policy(cpus=frozenset({0, 1}), memory_nodes=frozenset({0}))
VARIABLES = {"python": "/usr/bin/python3", "model": "m", "host": "127.0.0.1", "port": "8000"}
NAMES = ["inference-llamacpp", "inference-vllm"]


def rendered(name: str, directory: Path, **variables: str) -> Unit:
    source = catalogue.find(name, directory=directory)
    return template.render(source, policy=POLICY, variables=VARIABLES | variables).unit


def write(directory: Path, text: str, name: str = "mine") -> catalogue.Source:
    path = directory / "units" / f"{name}.service.j2"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return catalogue.find(name, directory=directory)


@pytest.mark.parametrize("style", template.STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_systemd_has_no_complaint(name: str, style: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: install the package systemd")
    unit = rendered(name, tmp_path, policy_style=style)
    path = tmp_path / unit.name
    path.write_text(unit.text, encoding="utf-8")

    argv = ["systemd-analyze", "verify", "--man=no", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    # The exit status is 0 even where a line was ignored; only the text tells.
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_native_style_holds_the_policy_twice(name: str, tmp_path: Path) -> None:
    unit = rendered(name, tmp_path)

    keys = ("AllowedCPUs", "AllowedMemoryNodes", "CPUAffinity", "NUMAPolicy", "NUMAMask")
    assert [unit.values(key) for key in keys] == [["0-1"], ["0"], ["0-1"], ["bind"], ["0"]]
    assert "numactl" not in unit.values("ExecStart")[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_numactl_style_never_widens_the_mask(name: str, tmp_path: Path) -> None:
    unit = rendered(name, tmp_path, policy_style="numactl")

    command = unit.values("ExecStart")[0]
    assert command.startswith("numactl --membind=0 taskset --cpu-list 0-1 ")
    assert "--cpunodebind" not in command
    assert unit.values("CPUAffinity") == []


@pytest.mark.parametrize("name", NAMES)
def test_both_styles_run_the_same_command(name: str, tmp_path: Path) -> None:
    native = rendered(name, tmp_path, policy_style="native")
    numactl = rendered(name, tmp_path, policy_style="numactl")

    assert native.command() == numactl.command()


def test_the_vllm_unit_has_all_of_the_classic_one(tmp_path: Path) -> None:
    text = rendered("inference-vllm", tmp_path).text

    for line in (
        "Description=vLLM inference on CPUs 0-1, memory of node 0",
        "After=network.target",
        "WorkingDirectory=/",
        "Restart=always",
        "RestartSec=5",
        "WantedBy=multi-user.target",
    ):
        assert line in text.splitlines()
    assert "-m vllm.entrypoints.openai.api_server" in text


def test_a_hostile_value_stays_one_argument(tmp_path: Path) -> None:
    model = 'm"\nExecStartPre=/bin/evil %n $HOME \\'

    unit = rendered("inference-vllm", tmp_path, model=model)

    argv = unit.command().argv
    assert argv[argv.index("--model") + 1] == model
    assert unit.values("ExecStartPre") == []


def test_a_value_without_a_filter_cannot_add_a_line(tmp_path: Path) -> None:
    source = write(tmp_path, "[Service]\nExecStart={{ command }}\n")

    with pytest.raises(UnitError, match="one line of printable text"):
        template.render(source, policy=POLICY, variables={"command": "/bin/a\nExecStop=/bin/b"})


def test_the_users_template_wins_over_the_packaged_one(tmp_path: Path) -> None:
    source = write(tmp_path, "[Service]\nExecStart=/bin/true\n", name="inference-vllm")

    assert source.path == tmp_path / "units/inference-vllm.service.j2"


def test_an_undefined_variable_is_named_with_what_to_type(tmp_path: Path) -> None:
    source = write(tmp_path, "[Service]\nExecStart=/bin/serve {{ token_limit | arg }}\n")

    with pytest.raises(UnitError, match=r"--numa-set token_limit=VALUE"):
        template.render(source, policy=POLICY, variables={})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% if %}", r"mine\.service\.j2:1: "),
        ("\n{{ 1 // 0 }}", "cannot be rendered"),
        ("{{ cpus | nosuch }}", "nosuch"),
    ],
)
def test_a_template_with_a_mistake_is_refused_with_its_place(
    text: str, message: str, tmp_path: Path
) -> None:
    source = write(tmp_path, text)

    with pytest.raises(UnitError, match=message):
        template.render(source, policy=POLICY, variables={})


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="inference-llamacpp, inference-vllm"):
        catalogue.find("inference-nosuch", directory=tmp_path)


def test_an_unknown_style_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="native or numactl, found 'hard'"):
        rendered("inference-vllm", tmp_path, policy_style="hard")
