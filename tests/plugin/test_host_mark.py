"""The mark numa_host: the audit as a test, without a service."""

from pathlib import Path

import pytest

import pytest_numa.active

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.server


def run(pytester: pytest.Pytester, mark: str) -> pytest.RunResult:
    path = pytester.makepyfile(f"import pytest\n@pytest.mark.{mark}\ndef test_it(): ...")
    return pytester.runpytest_inprocess("-p", "no:benchmark", "--numa-node", "0", "-rs", path)


def test_a_check_that_passes_passes(pytester: pytest.Pytester) -> None:
    result = run(pytester, 'numa_host("N2")')

    result.assert_outcomes(passed=1)
    assert not Path("/run/pytest-numa").exists()


def test_a_check_that_does_not_apply_is_skipped(pytester: pytest.Pytester) -> None:
    result = run(pytester, 'numa_host("N19")')

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*N19: to measure it loads the whole host*"])


def test_a_check_that_fails_says_what_is_wanted_found_risked_and_to_be_done(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest_numa.active, "_ROOT", pytester.path)
    file = pytester.path / "proc/sys/vm/zone_reclaim_mode"
    file.parent.mkdir(parents=True)
    file.write_text("1\n")

    result = run(pytester, 'numa_host("N8")')

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "fail N8 zone reclaim: wanted off",
            "  found: vm.zone_reclaim_mode = 1",
            "  risk: *",
            "  fix:   to last: vm.zone_reclaim_mode = 0 in /etc/sysctl.d/",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_check_that_cannot_be_known_is_skipped_with_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest_numa.active, "_ROOT", pytester.path)

    result = run(pytester, 'numa_host("N8")')

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*there is no /proc/sys/vm/zone_reclaim_mode*"])
