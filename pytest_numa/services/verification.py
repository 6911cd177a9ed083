"""What systemd itself says of a unit that is not installed: ``systemd-analyze verify``."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pytest_numa.errors import HostError
from pytest_numa.services.bundle import Bundle

_TIMEOUT_S = 60.0
_SYSTEMD = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")


def verify_argv(path: Path, *, is_user: bool) -> list[str]:
    """The command line; pure."""
    flags = ["--user"] if is_user else []
    return ["systemd-analyze", *flags, "verify", "--man=no", "--", str(path)]


def directives() -> dict[str, tuple[str, ...]]:
    """All that this host's systemd knows, by section; empty where it does not say."""
    program = next((path for path in _SYSTEMD if Path(path).exists()), None)
    found: dict[str, list[str]] = {}
    if program is None:
        return {}
    with contextlib.suppress(HostError):
        for line in _output([program, "--dump-configuration-items"], Path("/")).splitlines():
            if line.startswith("["):
                keys = found.setdefault(line.strip("[]"), [])
            elif "=" in line and found:
                keys.append(line.partition("=")[0])
    return {section: tuple(keys) for section, keys in found.items()}


def verify(bundle: Bundle, drop_ins: Iterable[tuple[str, str]], *, is_user: bool) -> str:
    """Its output; HostError where it cannot be asked. ``drop_ins`` are those that stand already."""
    with tempfile.TemporaryDirectory(prefix="pytest-numa-") as name:
        folder = Path(name)
        texts = {**dict(drop_ins), **{file.path: file.text for file in bundle.files}}
        for place, text in texts.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8", errors="surrogateescape")
        path = folder / bundle.name
        if not path.exists():
            path.symlink_to(f"{bundle.name.partition('@')[0]}@.service")
        return _output(verify_argv(path, is_user=is_user), folder)


def _output(argv: list[str], folder: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    # A user's manager is not needed, only a folder for it.
    environment.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        done = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise HostError("systemd-analyze is not installed: install the package systemd") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"{' '.join(argv)} did not end within {_TIMEOUT_S:.0f} s") from None
    return done.stdout + done.stderr
