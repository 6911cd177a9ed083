"""A rendered unit as a command that can be launched by hand."""

import pytest

from pytest_numa.errors import UnitError
from pytest_numa.services.unit import Command, Unit


def unit(service: str) -> Unit:
    return Unit(name="x.service", text=f"[Unit]\nDescription=x\n[Service]\n{service}\n")


def test_the_command_is_read_with_environment_and_directory() -> None:
    found = unit(
        'WorkingDirectory=/srv\nEnvironment=A=1 "B=two words"\n'
        "ExecStart=/bin/serve \\\n  --model 'a b' \\\n# why\n  --port 8000"
    ).command()

    assert found == Command(
        argv=("/bin/serve", "--model", "a b", "--port", "8000"),
        environment=(("A", "1"), ("B", "two words")),
        directory="/srv",
    )


def test_variables_and_percent_signs_are_resolved() -> None:
    found = unit("Environment=A=x\nExecStart=/bin/serve ${A} 100%% $$HOME").command()

    assert found.argv == ("/bin/serve", "x", "100%", "$HOME")


@pytest.mark.parametrize(
    "wrapper",
    [
        "numactl --membind=0 taskset --cpu-list 0-1",
        "/usr/bin/numactl -m 0 -N 0 /usr/bin/taskset -c 0-1",
        "taskset -c 0-1 numactl --physcpubind +0 --",
        "numactl --cpunodebind=0 --membind=0",
    ],
)
def test_policy_wrappers_are_no_part_of_the_command(wrapper: str) -> None:
    found = unit(f"ExecStart={wrapper} /bin/serve --port 1").command()

    assert found.argv == ("/bin/serve", "--port", "1")


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("ExecStart=/bin/serve %h", "the specifier %h"),
        ("ExecStart=/bin/serve ${NOWHERE}", "NOWHERE"),
        ("ExecStart=/bin/a\nExecStart=/bin/b", "expected one ExecStart=, found 2"),
        ("Type=exec", "expected one ExecStart=, found 0"),
        ("ExecStart=numactl --membind=0", "starts no command"),
        ('ExecStart=/bin/serve "open', "not closed"),
    ],
)
def test_a_command_that_only_systemd_understands_is_refused(service: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        unit(service).command()


def test_an_empty_value_resets_those_before_it() -> None:
    found = unit("ExecStart=/bin/a\nExecStart=\nExecStart=/bin/b").command()

    assert found.argv == ("/bin/b",)


@pytest.mark.parametrize("name", ["x", "../x.service", "a b.service", ".service/x"])
def test_a_name_that_is_no_unit_name_is_refused(name: str) -> None:
    with pytest.raises(UnitError, match="unit name"):
        Unit(name=name, text="")
