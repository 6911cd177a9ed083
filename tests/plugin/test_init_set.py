"""What ``pytest-numa init`` has written is collected, and run, by pytest as it stands."""

import pytest

import pytest_numa.active  # noqa: F401 - so that pytester leaves one copy of it
from pytest_numa import cli

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.server


def test_the_tests_are_collected_and_the_hosts_are_run_without_a_service(
    pytester: pytest.Pytester,
) -> None:
    cli.main(["init", str(pytester.path), "--unit", "inference-llamacpp"])
    path = "tests/test_numa_acceptance.py"

    collected = pytester.runpytest_inprocess(
        "-p", "no:benchmark", "--numa-node", "0", "--collect-only", "-q", path
    )

    assert collected.ret == 0
    collected.stdout.fnmatch_lines(
        [
            f"{path}::test_the_service_runs_as_the_unit_says",
            f"{path}::test_every_thread_and_page_is_where_the_policy_says",
            f"{path}::test_the_host_does_not_undo_the_policy",
        ]
    )
