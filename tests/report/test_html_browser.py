"""The page in a real browser: accessible, nothing cut, nothing overlapping, nothing asked for."""

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import session_values as made

from pytest_numa import audit, host
from pytest_numa.audit.machine import Machine
from pytest_numa.history import Entry
from pytest_numa.policy import Policy
from pytest_numa.report import audit as audit_report
from pytest_numa.report.client import facts, report
from pytest_numa.report.html import page

webdriver = pytest.importorskip("selenium.webdriver", reason="make test installs selenium")
# Selenium has types, and may not be there.
Driver = Any

pytestmark = pytest.mark.browser

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # The shared memory of a container may be too small for a page.
    "--disable-dev-shm-usage",
)
_SMALL = [
    (name, width, scheme)
    for name in ("failed", "client")
    for width in (1280, 390)
    for scheme in ("light", "dark")
]
# Its colours are the same, and axe takes long to look at all its CPUs.
_LARGE = [("large", width, "light") for width in (1280, 390)]
# Of texts in a plot; a label may touch its neighbour's box by a hair.
_TEXTS = """
const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1
    || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
const found = [];
for (const plot of document.querySelectorAll("svg")) {
    const frame = plot.getBoundingClientRect();
    const texts = [...plot.querySelectorAll("text")].map(
        one => [one.textContent, one.getBoundingClientRect()]);
    texts.forEach(([text, box], number) => {
        if (box.left < frame.left - 1 || box.right > frame.right + 1
            || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
            found.push("outside: " + text);
        for (const [other, their] of texts.slice(number + 1))
            if (!apart(box, their)) found.push(text + " on " + other);
    });
}
return found;
"""
_CUT = """
const found = [];
for (const one of document.querySelectorAll("body, body *")) {
    if (one.closest("svg") || one.matches(".scroll")) continue;
    if (one.clientWidth && one.scrollWidth > one.clientWidth + 1)
        found.push(one.tagName + "." + one.className + ": " + one.textContent.trim().slice(0, 40));
}
return found;
"""
_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
    found => done(found.violations.map(
        one => one.id + ": " + one.help + ": " + one.nodes.map(node => node.html).slice(0, 3))),
    error => done(["axe failed: " + error]));
"""


_HIDDEN = """
return [...document.querySelectorAll("details table")].filter(one => !one.checkVisibility()).length;
"""


def failed() -> str:
    found = made.document(slower=1.2, ran_on=frozenset({0, 1, 9}), comm="<b>&|name", blocks=4)
    return page.page(found, _sessions(found))


def large() -> str:
    """Eight nodes with 384 CPUs."""
    wide = made.topology(sockets=2, nodes=4, cores=24, threads=2)
    policy = Policy(cpus=wide.nodes[2].cpus, memory_nodes=frozenset({2}))
    found = made.document(host=wide, policy=policy, blocks=8)
    return page.page(found, _sessions(found))


def client() -> str:
    found = made.document(slower=1.2, ran_on=frozenset({0, 1, 9}), comm="<b>&|name", blocks=4)
    here = Machine(root=Path("/"), topology=host.read_topology(Path("/")))
    checks = audit_report.document(audit.run(here))
    return report.as_page(facts.of(found, checks, _sessions(found)))


def _sessions(document: dict[str, Any]) -> list[Entry]:
    """Thirty of them, the last twelve slower."""
    return [
        Entry(
            when=f"2026-01-{number:02d}T03:04:05+00:00",
            host=document["host"],
            subject=document["subject"],
            versions={"kernel": "6.12.9" if number < 19 else "6.12.11"},
            figures={
                mode: {
                    "tokens_per_s": [(16.0 if number < 19 else 14.9) + number % 3 / 50],
                    "mean": [(1000.0 if number < 19 else 1070.0) + number % 3],
                }
                for mode in ("pinned", "systemd")
            },
        )
        for number in range(1, 31)
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {"failed": failed(), "large": large(), "client": client()}
    for name, text in found.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in found}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    options = webdriver.ChromeOptions()
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    # Named, so that selenium looks for none on the network.
    options.binary_location = shutil.which("chromium") or ""
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


def _named(one: tuple[str, int, str]) -> str:
    return "-".join(map(str, one))


@pytest.fixture(scope="module", params=[*_SMALL, *_LARGE], ids=_named)
def shown(request: pytest.FixtureRequest, browser: Driver, pages: dict[str, Path]) -> Driver:
    """The browser with a page, on a desktop or a phone, in light or dark."""
    name, width, scheme = request.param
    command = browser.execute_cdp_cmd
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    command("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    command("Emulation.setDeviceMetricsOverride", size)
    browser.get(pages[name].as_uri())
    return browser


@pytest.mark.parametrize("shown", [*_SMALL, _LARGE[0]], ids=_named, indirect=True)
def test_axe_finds_nothing(shown: Driver) -> None:
    package = importlib.util.find_spec("axe_playwright_python")
    script = Path(str(package and package.origin)).with_name("axe.min.js")
    shown.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    shown.execute_script(script.read_text(encoding="utf-8"))

    assert shown.execute_async_script(_AXE) == []


def test_no_text_of_a_plot_is_cut_or_overlaps_another(shown: Driver) -> None:
    assert shown.execute_script(_TEXTS) == []


def test_nothing_is_wider_than_its_box(shown: Driver) -> None:
    assert shown.execute_script(_CUT) == []


def test_the_page_is_drawn_in_the_scheme_that_was_asked_for(
    shown: Driver, request: pytest.FixtureRequest
) -> None:
    colour = shown.execute_script("return getComputedStyle(document.body).backgroundColor")

    is_dark = "dark" in request.node.callspec.id
    assert colour == ("rgb(20, 23, 26)" if is_dark else "rgb(255, 255, 255)")


def test_nothing_is_asked_of_the_network(browser: Driver, pages: dict[str, Path]) -> None:
    browser.get_log("performance")
    browser.get(pages["failed"].as_uri())

    asked = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]

    assert {url for url in asked if not url.startswith("data:")} == {pages["failed"].as_uri()}


def test_a_print_has_the_tables_that_a_reader_would_have_to_open(
    browser: Driver, pages: dict[str, Path]
) -> None:
    browser.get(pages["failed"].as_uri())
    hidden = browser.execute_script(_HIDDEN)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    hidden_in_print = browser.execute_script(_HIDDEN)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    assert hidden > 0
    assert hidden_in_print == 0
