"""Without a policy the plugin is invisible."""

import pytest

pytest_plugins = ["pytester"]

MARKED = """
    import pytest

    @pytest.mark.numa_placement
    def test_marked(): ...

    def test_other(): ...
"""


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:benchmark", *args)


def test_an_unrelated_session_passes_and_sees_nothing_of_us(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): ...")

    result = run(pytester)

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*numa:*")


def test_a_marked_test_is_skipped_with_what_to_type(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MARKED)

    result = run(pytester, "-rs", "--strict-markers")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*no NUMA policy was asked for: *--numa-node N or --cpus LIST*"])


@pytest.mark.parametrize(
    "fixture",
    ["numa_policy", "numa_unit", "numa_service", "numa_pid", "numa_load", "numa_latencies"],
)
def test_a_test_that_needs_the_service_is_skipped(pytester: pytest.Pytester, fixture: str) -> None:
    pytester.makepyfile(f"def test_it({fixture}): ...")

    result = run(pytester)

    result.assert_outcomes(skipped=1)


def test_the_topology_can_be_had_without_a_policy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(numa_topology): assert numa_topology.cpus_online")

    result = run(pytester)

    result.assert_outcomes(passed=1)


def test_the_marks_are_registered(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--markers")

    for mark in ("numa_placement(", "numa_throughput(", "numa_latency(", "numa_host("):
        result.stdout.fnmatch_lines([f"@pytest.mark.{mark}*"])


def test_the_options_stand_in_the_help_under_one_group(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--help")

    result.stdout.fnmatch_lines(
        ["placement and performance of an inference service*", "*--numa-node=*", "*--cpus=LIST*"]
    )


def test_a_conftest_keeps_a_cpus_option_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--cpus')")
    pytester.makepyfile("def test_it(pytestconfig): assert pytestconfig.option.cpus == 'mine'")

    result = run(pytester, "--cpus", "mine")

    result.assert_outcomes(passed=1)
