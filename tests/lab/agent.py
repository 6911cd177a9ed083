"""What acts and looks in the guest: runs pytest and pytest-numa, kills them, says how things stand.

One process for all: the imports of a command take ten seconds under emulation. It reads a JSON list
from each line, the name of what it is to do and the arguments, and answers with a line of JSON. A
command runs in a child that is forked from here, and is killed as any other process is.
"""

import hashlib
import http.client
import importlib
import json
import os
import pwd
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_numa import cli

# For the children, which would each import them anew.
for needed in ("httpcore", "pytest_numa.active", "pytest_numa.unit_command"):
    importlib.import_module(needed)

_CGROUPS = Path("/sys/fs/cgroup")
# Compared whole, and by the names in them alone: caches of others change.
_WHOLE = (
    "/etc/systemd",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/var/lib/pytest-numa",
    "/home",
)
_NAMES = ("/run/pytest-numa", "/var/cache", "/var/lib/private", "/run/user")
# They come and go by themselves, with us who log in.
_OTHERS = re.compile(
    r"session-|user-|user@|run-u|systemd-tmpfiles-clean|\.device|systemd-hostnamed"
)
_CPUSET = ("cpuset.cpus", "cpuset.mems", "cpuset.cpus.effective", "cpuset.mems.effective")
_READY_LIMIT_S = 180.0
_STARTED = re.compile(rb"stand_in|llamacpp_server")


def run(words: list[str], folder: str, kill_after_s: float | None, user: str) -> dict[str, Any]:
    """Run ``pytest …`` or ``pytest-numa …`` to its end, or kill it before."""
    with tempfile.TemporaryFile("w+") as out:
        begun_s = time.monotonic()
        child = os.fork()
        if child == 0:
            _become(words, folder, out.fileno(), user)
        status = _ended(child, begun_s, kill_after_s)
        took_s = time.monotonic() - begun_s
        out.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": out.read(),
            "took_s": round(took_s, 2),
        }


def _become(words: list[str], folder: str, output: int, user: str) -> None:
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if user:
            _be(pwd.getpwnam(user))
        program, *arguments = words
        sys.argv = words
        sys.path.insert(0, folder)
        code = int(pytest.main(arguments) if program == "pytest" else cli.main(arguments))
        sys.stdout.flush()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os._exit(code)


def _be(user: pwd.struct_passwd) -> None:
    """As a process of the user's own manager: in a cgroup below its, which is the user's."""
    manager = f"user.slice/user-{user.pw_uid}.slice/user@{user.pw_uid}.service"
    group = _CGROUPS / manager / "lab"
    group.mkdir(exist_ok=True)
    for path in (group, group / "cgroup.procs", group / "cgroup.subtree_control"):
        os.chown(path, user.pw_uid, user.pw_gid)
    (group / "cgroup.procs").write_text("0")
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    own = {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
    os.environ |= own | {"XDG_RUNTIME_DIR": f"/run/user/{user.pw_uid}"}


def _ended(child: int, begun_s: float, kill_after_s: float | None) -> int:
    while kill_after_s is not None:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() - begun_s >= kill_after_s:
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.005)
    return os.waitpid(child, 0)[1]


def standing() -> dict[str, Any]:
    """All that an installation could change, as the kernel and systemd say it."""
    units = _said("list-units", "--all", "--plain", "--no-legend", "--full").splitlines()
    return {
        "files": {path: _content(Path(path)) for root in _WHOLE for path in _below(root)},
        "names": sorted(path for root in _NAMES for path in _below(root, depth=2)),
        "cgroups": {str(path): _cpuset(path) for path in _groups()},
        "units": sorted(" ".join(one.split()[:4]) for one in units if not _OTHERS.search(one)),
        "processes": sorted(_processes()),
    }


def unit_files() -> list[str]:
    """Whether each is enabled; takes seconds."""
    return _said("list-unit-files", "--no-legend", "--full").splitlines()


def look(unit: str, port: int) -> dict[str, Any]:
    """What the kernel says of a running unit, read without pytest-numa, and whether it answers."""
    status = _answered(port)
    shown = _said("show", "--property=MainPID,ControlGroup,User,DropInPaths,UnitFileState", unit)
    facts = dict(line.split("=", 1) for line in shown.splitlines())
    group = _CGROUPS / facts["ControlGroup"].lstrip("/")
    pids = (group / "cgroup.procs").read_text().split()
    numa = next(
        line for line in (group / "memory.numa_stat").read_text().splitlines()
        if line.startswith("anon ")
    )  # fmt: skip
    anonymous = {node: int(size) for node, size in (one.split("=") for one in numa.split()[1:])}
    return {
        "cgroup": facts["ControlGroup"],
        "enabled": facts["UnitFileState"],
        "processes": len(pids),
        "users": sorted({str(Path("/proc", pid).stat().st_uid) for pid in pids}),
        "allowed_cpus": _threads(pids, "Cpus_allowed_list"),
        "allowed_nodes": _threads(pids, "Mems_allowed_list"),
        "anonymous_bytes": anonymous,
        "drop_ins": facts["DropInPaths"].split(),
        "answers": status,
    }


def _answered(port: int) -> int:
    """The status, once it is well: a model is loaded first."""
    until_s = time.monotonic() + _READY_LIMIT_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/v1/models")
            status = connection.getresponse().status
        except OSError:
            status = 0
        finally:
            connection.close()
        if status == http.HTTPStatus.OK or time.monotonic() > until_s:
            return status
        time.sleep(0.2)


def _threads(pids: list[str], key: str) -> list[str]:
    texts = (path.read_text() for pid in pids for path in Path("/proc", pid).glob("task/*/status"))
    return sorted({one for text in texts for one in re.findall(rf"(?m)^{key}:\s*(.*)$", text)})


def _said(*words: str) -> str:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    return done.stdout


def _below(root: str, depth: int = 9) -> Iterator[str]:
    path = Path(root)
    if not os.path.lexists(path):
        return
    yield root
    if depth and path.is_dir() and not path.is_symlink():
        for child in sorted(path.iterdir()):
            yield from _below(str(child), depth - 1)


def _content(path: Path) -> str:
    found = path.lstat()
    rights = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"
    if stat.S_ISREG(found.st_mode):
        return f"{rights} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return f"{rights} -> {path.readlink()}" if path.is_symlink() else rights


def _groups() -> Iterator[Path]:
    for path in (_CGROUPS, *_CGROUPS.rglob("*")):
        if path.is_dir() and "user.slice/" not in f"{path}":
            yield path


def _cpuset(group: Path) -> dict[str, str]:
    names = [*_CPUSET, "cgroup.subtree_control"] if group.parent == _CGROUPS else _CPUSET[:2]
    found = ((name, group / name) for name in names)
    return {name: path.read_text().strip() for name, path in found if path.exists()}


def _processes() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
            marked = b"PYTEST_NUMA_SESSION=" in (path.parent / "environ").read_bytes()
        except OSError:
            continue
        if marked or _STARTED.search(line):
            yield line.replace(b"\0", b" ").decode(errors="replace")


ACTS: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (run, standing, unit_files, look)
}
for request in sys.stdin:
    name, *given = json.loads(request)
    try:
        answer = ACTS[name](*given)
    except (OSError, LookupError, ValueError):
        answer = {"failed": traceback.format_exc()}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
