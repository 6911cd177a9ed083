"""Containers: what pins them, and what everybody can read of their command line."""

import pytest
from lint_sample import findings, text

BARE = ("AllowedCPUs", "AllowedMemoryNodes", "CPUAffinity", "NUMAPolicy", "NUMAMask")
DOCKER = "/usr/bin/docker run --rm"
PINNED = f"{DOCKER} --cpuset-cpus=0-3 --cpuset-mems=0"


def told(command: str) -> list[tuple[str, str]]:
    return [(one.subject, one.fix) for one in findings(text(command=command, without=BARE))]


@pytest.mark.parametrize(
    "command",
    [
        f"{PINNED} -e HF_TOKEN -e HF_HOME=/hf --env=TOKENIZERS_PARALLELISM=false image",
        "/usr/bin/podman run --cpuset-cpus 4-7 --cpuset-mems 1 image",
        f"{DOCKER} --cpuset-cpus=0-3 --cpuset-mems=2 image",
    ],
)
def test_one_that_its_own_options_pin_needs_nothing_of_the_unit(command: str) -> None:
    assert told(command) == []


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        (f"{DOCKER} image", "add --cpuset-cpus and --cpuset-mems"),
        (f"{DOCKER} --cpuset-cpus=0-3 image", "add --cpuset-cpus and --cpuset-mems"),
    ],
)
def test_one_that_nothing_pins_is_told_how_and_not_to_bind_its_client(
    command: str, fix: str
) -> None:
    ((subject, found),) = told(command)

    assert subject == "docker"
    assert found.startswith(fix)


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        ("/usr/bin/docker start -a llm", "make it anew"),
        ("/usr/bin/docker compose -f /srv/c.yml up", "write cpuset: with the CPUs"),
        ("/usr/bin/podman-compose -f /srv/c.yml up", "write cpuset: with the CPUs"),
    ],
)
def test_of_one_that_was_made_before_it_is_not_known_what_pins_it(command: str, fix: str) -> None:
    (found,) = findings(text(command=command, without=BARE))

    assert found.is_unknown
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        ("--cpuset-cpus=99 --cpuset-mems=0", "docker --cpuset-cpus"),
        ("--cpuset-cpus=0-3 --cpuset-mems=7", "docker --cpuset-mems"),
        ("--cpuset-cpus=4-7 --cpuset-mems=0", "docker --cpuset-cpus and --cpuset-mems"),
    ],
)
def test_what_it_names_is_looked_at_as_in_a_unit(options: str, subject: str) -> None:
    assert [one for one, _ in told(f"{DOCKER} {options} image")] == [subject]


@pytest.mark.parametrize("option", ["-e ", "-e", "--env ", "--env="])
def test_a_secret_among_its_variables_is_found(option: str) -> None:
    ((subject, fix),) = told(f"{PINNED} {option}HF_TOKEN=hf_x image")

    assert subject == "docker -e HF_TOKEN"
    assert fix.startswith("write -e HF_TOKEN alone")
