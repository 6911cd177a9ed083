"""The packaged acceptance suite, which runs where a policy is asked for and no test is named."""

from pathlib import Path

import pytest

from pytest_numa import acceptance, benchmark_entries

_SUITE = Path(acceptance.__file__).with_name("test_acceptance.py")
_LATENCIES = _SUITE.with_name("test_latencies.py")


class PackagedSuite:
    """Names the suite's modules, wherever they lie."""

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        if module_path not in (_SUITE, _LATENCIES):
            return None
        # It lies outside the user's root directory, where pytest would call it by no name at all.
        name = "/".join(("pytest_numa", *module_path.parts[-2:]))
        return pytest.Module.from_parent(parent, path=module_path, nodeid=name)


def choose(config: pytest.Config) -> None:
    """Let the suite run, unless the command line names tests."""
    config.pluginmanager.register(PackagedSuite(), "numa-suite")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        has_entries = benchmark_entries.has_pytest_benchmark(config)
        config.args = [str(_SUITE), *([str(_LATENCIES)] if has_entries else [])]
