"""Options, ini keys, and which tests are collected; nothing is started."""

import pytest

# See test_refusals.py.
import pytest_numa.active  # noqa: F401
from pytest_numa import options

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.server

OWN = "import pytest\n@pytest.mark.numa_throughput\ndef test_own(): ...\n"


def collected(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    result = pytester.runpytest_inprocess(
        "-p", "no:benchmark", "--collect-only", "--numa-manager", "private", *args
    )
    assert result.ret == pytest.ExitCode.OK
    return result


def test_without_a_test_named_the_packaged_suite_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine=OWN)

    result = collected(pytester, "--numa-node", "0")

    result.stdout.fnmatch_lines(["*<Module *test_acceptance.py>", "*5 tests collected*"])


def test_testpaths_name_no_test_on_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntestpaths = .")
    pytester.makepyfile(test_mine=OWN)

    result = collected(pytester, "--numa-node", "0")

    result.stdout.fnmatch_lines(["*<Module *test_acceptance.py>", "*5 tests collected*"])


def test_a_test_that_is_named_runs_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine=OWN)

    result = collected(pytester, "--numa-node", "0", "test_mine.py")

    result.stdout.fnmatch_lines(["*test_own*", "*1 test collected*"])


def test_the_packaged_suite_has_a_name_of_its_own(pytester: pytest.Pytester) -> None:
    result = collected(pytester, "--numa-node", "0", "-q")

    result.stdout.fnmatch_lines(
        ["pytest_numa/acceptance/test_acceptance.py::test_the_service_runs_as_the_unit_says"]
    )


@pytest.mark.parametrize("name", ["--cpus", "--numa-cpus"])
def test_the_cpus_alone_ask_for_their_node(pytester: pytest.Pytester, name: str) -> None:
    result = collected(pytester, name, "0")

    result.stdout.fnmatch_lines(
        ["numa: policy: CPUs 0, memory of node 0; unit inference-llamacpp.service"]
    )


def test_ini_keys_are_read(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\nnuma_margin = 7\nnuma_modes = pinned,systemd\n"
        "numa_set =\n  port=8123\n  parallel=2"
    )

    result = collected(pytester, "--numa-node", "0")

    assert "each of pinned, systemd; margin 7%" in " ".join(str(result.stdout).split())


def test_the_command_line_wins_over_ini_keys(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nnuma_margin = 7")

    result = collected(pytester, "--numa-node", "0", "--numa-margin", "9%")

    assert "margin 9%" in " ".join(str(result.stdout).split())


def test_the_header_says_what_cannot_be_shown_here(pytester: pytest.Pytester) -> None:
    result = collected(pytester, "--numa-node", "0")

    text = " ".join(str(result.stdout).split())
    assert "manager: private (asked for)" in text
    assert "AllowedCPUs= and AllowedMemoryNodes= have no effect under the manager private" in text


def test_every_option_has_an_ini_key_and_stands_in_the_help(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("-p", "no:benchmark", "--help")

    text = str(result.stdout)
    for option in options.OPTIONS:
        assert option.flag in text
        assert f"{option.dest} (" in text
