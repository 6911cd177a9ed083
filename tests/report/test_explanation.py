"""The section "Encoding NUMA policy in services"."""

import configparser
import re

from pytest_numa.report import explanation


def test_the_unit_lines_are_those_of_the_policy() -> None:
    text = explanation.explanation("0-15,64-79", "0")

    block = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)[0]
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment, method-assign] # systemd minds the case
    unit.read_string(block)
    assert dict(unit["Service"]) == {
        "Type": "exec",
        "AllowedCPUs": "0-15,64-79",
        "AllowedMemoryNodes": "0",
        "CPUAffinity": "0-15,64-79",
        "NUMAPolicy": "bind",
        "NUMAMask": "0",
    }


def test_the_acceptance_command_is_given_for_this_policy() -> None:
    text = explanation.explanation("8-11", "1")

    assert "`pytest --numa-node 1 --cpus 8-11`" in text


def test_no_placeholder_is_left() -> None:
    text = explanation.explanation("0", "0")

    assert not set("{}") & set(text)


def test_it_is_one_section_of_a_page() -> None:
    lines = explanation.explanation("0-3", "0").splitlines()

    assert [line for line in lines if line.startswith("#")] == [
        "## Encoding NUMA policy in services"
    ]
    assert len(lines) <= 60
