"""Templates: found, rendered with the policy, and checked by a real systemd."""

import shutil
from pathlib import Path

import pytest

from pytest_numa.errors import UnitError
from pytest_numa.policy import Policy
from pytest_numa.services import catalogue, template, verification
from pytest_numa.services.unit import Unit

POLICY = Policy(cpus=frozenset({0, 1}), memory_nodes=frozenset({0}))
PYTHON = "/usr/bin/python3"
VARIABLES = {
    "python": PYTHON,
    "model": "m",
    "host": "127.0.0.1",
    "port": "8000",
    "program": PYTHON,
    "command": f"{PYTHON} -m x",
    "model_repository": "/srv/m",
}
NAMES = [
    *("inference-generic", "inference-llama-server", "inference-llamacpp", "inference-sglang"),
    *("inference-tensorrt-llm", "inference-triton", "inference-vllm", "inference-vllm@0"),
]
FULL = {
    "config": "/srv/c.yaml",
    "max_model_len": "1024",
    "dtype": "float32",
    "threads": "2",
    "gpus": "0,1",
    "numa_bind_nodes": "0 0",
    "groups": "render video",
    "tp": "2",
    "device": "cpu",
    "kv_cache_gib": "4",
    "environment_file": "/etc/llm.env",
    "user": "root",
    "environment": "A=1 B='x y'",
    "options_file": "/srv/o.yaml",
    "gpu_layers": "99",
}


def rendered(name: str, directory: Path, **variables: str) -> Unit:
    source = catalogue.find(name, directory=directory)
    return template.render(source, policy=POLICY, variables=VARIABLES | variables).unit


def write(directory: Path, text: str, name: str = "mine") -> catalogue.Source:
    path = directory / "units" / f"{name}.service.j2"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return catalogue.find(name, directory=directory)


@pytest.mark.parametrize("manager", ["system", "user"])
@pytest.mark.parametrize("style", template.STYLES)
@pytest.mark.parametrize("more", [{}, FULL, {"user": "", "gpus": "none"}], ids=["", "full", "root"])
@pytest.mark.parametrize("name", NAMES)
def test_systemd_has_no_complaint(
    name: str, more: dict[str, str], style: str, manager: str, tmp_path: Path
) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: install the package systemd")
    source = catalogue.find(name, directory=tmp_path)
    variables = {**VARIABLES, **more, "policy_style": style, "manager": manager}
    wanted = template.render(source, policy=POLICY, variables=variables)

    output = verification.verify(wanted, (), is_user=False)

    assert output == ""


def test_the_slice_leaves_the_rest_of_the_host_the_other_cpus(tmp_path: Path) -> None:
    source = catalogue.find("inference.slice", directory=tmp_path)

    wanted = template.render(source, policy=POLICY, variables={"other_cpus": "2-7"})

    texts = {file.path: file.text for file in wanted.files}
    assert "\nAllowedCPUs=0-1\n" in texts.pop("inference.slice")
    assert sorted(texts) == [
        f"{name}.d/50-pytest-numa.conf" for name in ("init.scope", "system.slice", "user.slice")
    ]
    assert all("\nAllowedCPUs=2-7\n" in text for text in texts.values())
    assert verification.verify(wanted, (), is_user=False) == ""


def test_instances_share_their_file_and_differ_in_their_drop_in(tmp_path: Path) -> None:
    bundles = [
        template.render(
            catalogue.find(f"inference-vllm@{number}", directory=tmp_path),
            policy=Policy(cpus=frozenset({number}), memory_nodes=frozenset({0})),
            variables=VARIABLES | {"port": f"800{number}"},
        )
        for number in (0, 1)
    ]

    shared, own = zip(*(bundle.files for bundle in bundles), strict=True)

    assert shared[0] == shared[1]
    assert own[0].path == "inference-vllm@0.service.d/50-pytest-numa.conf"
    assert own[1].path == "inference-vllm@1.service.d/50-pytest-numa.conf"
    assert [bundle.unit.values("NUMAMask") for bundle in bundles] == [["0"], ["0"]]
    assert [bundle.unit.values("CPUAffinity") for bundle in bundles] == [["0"], ["1"]]
    assert "8001" in bundles[1].unit.command().argv


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_that_a_template_sets_itself_is_none_of_the_users(
    name: str, tmp_path: Path
) -> None:
    source = catalogue.find(name, directory=tmp_path)

    used = template.names(source)

    assert {"cpus", "memory_nodes", "manager"} <= used
    assert ("gpus" in used) is ("llama" not in name)


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_of_a_template_is_told_in_its_comment(name: str, tmp_path: Path) -> None:
    source = catalogue.find(name, directory=tmp_path)
    ours = {"manager", "wrapper", "cpu_count", "unit_name", "instance"}

    untold = {one for one in template.names(source) - ours if one not in source.comment}

    assert untold == set()


@pytest.mark.parametrize("name", NAMES)
def test_under_a_users_manager_there_is_no_sandbox_that_it_cannot_make(
    name: str, tmp_path: Path
) -> None:
    unit = rendered(name, tmp_path, manager="user")

    keys = ("User", "DynamicUser", "ProtectSystem", "PrivateTmp", "CapabilityBoundingSet")
    assert [unit.values(key) for key in keys] == [[]] * len(keys)
    assert "WantedBy=default.target" in unit.text


def test_the_home_that_systemd_makes_is_none_for_a_launch_by_hand(tmp_path: Path) -> None:
    unit = rendered("inference-vllm", tmp_path)

    assert unit.values("CacheDirectory") == ["%N"]
    assert "HOME" not in dict(unit.command().environment)


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
    with pytest.raises(UnitError, match="inference-llamacpp, inference-sglang"):
        catalogue.find("inference-nosuch", directory=tmp_path)


def test_an_unknown_style_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="native or numactl, found 'hard'"):
        rendered("inference-vllm", tmp_path, policy_style="hard")


@pytest.mark.parametrize("user", [" ", "%i", "a b", "-x", "x\nUser=root"])
def test_a_user_that_is_none_is_refused(user: str, tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="expected the name of a user or group"):
        rendered("inference-vllm", tmp_path, user=user)


def test_a_line_that_systemd_would_not_read_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, "[Service]\nExecStart=/bin/x {% for one in many %}{{ one | arg }} \\\n"
                   "{% endfor %}\n")  # fmt: skip

    with pytest.raises(UnitError, match="expected lines of less than 1048576 bytes"):
        template.render(source, policy=POLICY, variables={"many": ["x" * 100_000] * 11})
