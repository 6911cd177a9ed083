"""What is read beside the unit: files, slices, controllers, drop-ins."""

from pathlib import Path

import pytest
from lint_sample import LLAMA, NAME, VLLM, host, text

from pytest_numa.lint import surroundings
from pytest_numa.lint.subject import Subject
from pytest_numa.services.unit import Unit


def subject(unit_text: str, manager: str = "system") -> Subject:
    return Subject(unit=Unit(name=NAME, text=unit_text), topology=host(), manager=manager)


def write(root: Path, path: str, content: str, mode: int = 0o600) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content, encoding="utf-8")
    place.chmod(mode)


def test_variables_come_from_the_units_environment_files(tmp_path: Path) -> None:
    write(tmp_path, "/etc/llm.env", "# a comment\nA=1\n B = 'x y' \nodd\n")

    found = surroundings.read(subject(text("EnvironmentFile=/etc/llm.env")), tmp_path)

    assert found.variables == {"A": "1", "B": "x y"}
    assert (found.absent_files, found.open_files) == ((), ())


@pytest.mark.parametrize(
    ("line", "content", "is_open"),
    [
        ("EnvironmentFile=/etc/f", "VLLM_API_KEY=x\n", True),
        ("EnvironmentFile=/etc/f", "OMP_NUM_THREADS=4\n", False),
        ("LoadCredential=key:/etc/f", "s3cret", True),
    ],
)
def test_a_secret_that_everybody_may_read_is_named(
    line: str, content: str, *, is_open: bool, tmp_path: Path
) -> None:
    write(tmp_path, "/etc/f", content, mode=0o644)

    found = surroundings.read(subject(text(line)), tmp_path)

    assert found.open_files == (("/etc/f",) if is_open else ())


def test_a_needed_file_that_is_not_there_is_named_and_an_optional_one_is_not(
    tmp_path: Path,
) -> None:
    unit_text = text("EnvironmentFile=-/etc/a", "EnvironmentFile=/etc/b")

    assert surroundings.read(subject(unit_text), tmp_path).absent_files == ("/etc/b",)


@pytest.mark.parametrize(
    ("manager", "controllers", "has_cpuset"),
    [
        ("system", "cpuset cpu io", True),
        ("system", "cpu io", False),
        ("system", None, None),
        ("private", "cpuset", False),
    ],
)
def test_a_controller_is_looked_for(
    manager: str, controllers: str | None, *, has_cpuset: bool | None, tmp_path: Path
) -> None:
    write(tmp_path, "/sys/fs/cgroup/other", "")
    for words in filter(None, [controllers]):
        write(tmp_path, "/sys/fs/cgroup/cgroup.controllers", words)

    assert surroundings.read(subject(text(), manager), tmp_path).has_cpuset is has_cpuset


@pytest.mark.parametrize(("content", "port"), [("1024\n", 1024), ("0\n", 0), ("", None)])
def test_the_first_port_for_everybody_is_the_hosts(
    content: str, port: int | None, tmp_path: Path
) -> None:
    write(tmp_path, "/proc/sys/net/ipv4/ip_unprivileged_port_start", content)

    assert surroundings.read(subject(text()), tmp_path).first_free_port == port


def test_the_slice_is_found_below_its_parents(tmp_path: Path) -> None:
    write(tmp_path, "/sys/fs/cgroup/a.slice/a-b.slice/cpuset.cpus", "0-1\n")

    found = surroundings.read(subject(text("Slice=a-b.slice")), tmp_path)

    assert (found.slice_cpus, found.slice_nodes) == (frozenset({0, 1}), None)


def test_weights_count_where_the_server_reads_them_into_memory(tmp_path: Path) -> None:
    write(tmp_path, "/srv/m.gguf", "x" * 10)
    write(tmp_path, "/srv/m/a.safetensors", "x" * 20)
    write(tmp_path, "/srv/m/b.safetensors", "x" * 30)

    assert surroundings.weights_bytes(subject(text(command=LLAMA)), tmp_path) == 10
    assert surroundings.weights_bytes(subject(text(command=VLLM)), tmp_path) == 50


def test_drop_ins_of_the_template_come_before_those_of_the_instance(tmp_path: Path) -> None:
    write(tmp_path, "x@0.service.d/a.conf", "second")
    write(tmp_path, "x@.service.d/z.conf", "first")

    found = list(surroundings.drop_ins(tmp_path, "x@0.service"))

    assert found == [("x@.service.d/z.conf", "first"), ("x@0.service.d/a.conf", "second")]


def test_a_model_that_the_user_cannot_reach_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    model = closed / "m.gguf"
    model.touch()
    unit_text = text("DynamicUser=yes", command=f"/bin/true --model {model}")

    found = surroundings.read(subject(unit_text), Path("/"))

    assert found.unreachable == (str(model),)


def test_a_model_that_is_not_there_is_named() -> None:
    unit_text = text(command="/bin/true --model /nonexistent/m.gguf")

    assert surroundings.read(subject(unit_text), Path("/")).missing == ("/nonexistent/m.gguf",)


@pytest.mark.parametrize(
    "line", ["User=no_such_user", "Group=no_such_group", "SupplementaryGroups=root no_such_group"]
)
def test_a_user_or_group_that_the_host_does_not_have_is_named(line: str) -> None:
    found = surroundings.read(subject(text(line)), Path("/"))

    assert [one.rpartition("_")[2] for one in found.strangers] == [line.rpartition("_")[2]]


@pytest.mark.parametrize("line", ["User=root", "User=4711", "User=%i", "DynamicUser=yes"])
def test_a_user_that_the_host_has_or_will_have_is_not_named(line: str) -> None:
    assert surroundings.read(subject(text(line)), Path("/")).strangers == ()


@pytest.mark.parametrize("path", ["/srv/\0", f"/{'m' * 300}", "/srv/%S/m"])
def test_a_path_that_cannot_be_looked_at_is_neither_missing_nor_an_error(path: str) -> None:
    unit_text = text(f"EnvironmentFile=-{path}", command=f"/bin/true --model {path}")

    found = surroundings.read(subject(unit_text), Path("/"))

    assert found.missing == ()


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        (("RootDirectory={0}",), ("{0}/bin/true", "{0}/m.gguf")),
        (("RootDirectory=-{0}/",), ("{0}/bin/true", "{0}/m.gguf")),
        (("RootDirectory={0}", "BindReadOnlyPaths=/bin {0}/models:/m.gguf"), ("{0}/models",)),
        (("BindReadOnlyPaths=-{0}:/bin",), ("{0}/true", "/m.gguf")),
        (("RootImage=/srv/llm.raw",), ()),
    ],
)
def test_what_the_service_has_in_a_place_of_its_own_is_looked_for_there(
    lines: tuple[str, ...], missing: tuple[str, ...], tmp_path: Path
) -> None:
    unit_text = text(
        *(line.format(tmp_path) for line in lines), command="/bin/true --model /m.gguf"
    )

    found = surroundings.read(subject(unit_text), Path("/"))

    assert found.missing == tuple(path.format(tmp_path) for path in missing)
