"""The house in order: imports run downwards, and an idle plugin costs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_numa"

FLOORS = (
    {"documents", "errors", "formatting", "option", "problem", "sealing"},
    {"condition_options"},
    {"kernel"},
    {"host", "process"},
    {"policy"},
    {"services", "load", "evidence", "llamacpp_server", "capture", "client_place"},
    {"experiment", "baseline", "history", "load_options", "unfinished", "session_file"},
    {"placement", "stats", "audit", "reasons", "lint", "conditions"},
    {"gate", "metrics", "attach"},
    {"judgement", "launch", "comparison", "rendering", "measurement"},
    {"planning", "subject", "trend", "history_sql"},
    {"settings", "linting"},
    {"session", "versions"},
    {"outcome", "condition_effects", "mode_figures"},
    {"recording", "shortage"},
    {"explained"},
    {"report"},
    {"options", "marks", "progress", "benchmark_entries", "finishing", "junit"},
    {
        "bench_command",
        "placement_command",
        "capture_command",
        "topology_command",
        "audit_command",
        "gate_command",
        "history_command",
        "report_command",
        "unit_command",
    },
    {"acceptance"},
    {"packaged_suite", "telling"},
    {"active", "starting", "annotations"},
    {"plugin", "cli", "init_command"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "pytest_numa":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pytest_numa."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {name[1] for name in names if name[0] == "pytest_numa" and len(name) > 1}
    return found - {"__version__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    own = room(path)

    upward = {name for name in imported_rooms(path) - {own} if FLOOR_OF[name] >= FLOOR_OF[own]}

    assert upward == set(), f"{own} is on floor {FLOOR_OF[own]} and must not import these"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_pytest_is_known_on_the_top_floors_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }

    assert "pytest" not in names or FLOOR_OF[room(path)] >= FLOOR_OF["options"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_the_idle_plugin_imports_nothing_heavy() -> None:
    script = (
        "import sys, pytest_numa.plugin\n"
        "heavy = {'httpx', 'jinja2', 'psutil', 'tabulate', 'xllamacpp'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
