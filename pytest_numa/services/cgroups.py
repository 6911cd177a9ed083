"""Which cgroups a private manager will make, so that they can be removed after it."""

from pathlib import Path

_MADE = ("init.scope", "app.slice")


def made_by_manager(root: Path = Path("/")) -> list[Path]:
    """Cgroups that do not exist yet and that ``systemd --user`` makes below our own."""
    own = _own_paths(root)
    found: list[Path] = []
    for mount_point, controllers in _mounts(root):
        path = next((own[name] for name in controllers if name in own), None)
        if path is not None:
            folder = mount_point / path.lstrip("/")
            found += [folder / name for name in _MADE if not (folder / name).exists()]
    return found


def _own_paths(root: Path) -> dict[str, str]:
    """Our cgroup by controller; the unified hierarchy under the empty name (cgroups(7))."""
    paths: dict[str, str] = {}
    for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, names, path = line.split(":", 2)
        paths |= dict.fromkeys(names.split(","), path)
    return paths


def _mounts(root: Path) -> list[tuple[Path, set[str]]]:
    """Where each hierarchy is mounted, with the names it has in /proc/self/cgroup."""
    found: list[tuple[Path, set[str]]] = []
    for line in (root / "proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount_point, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found.append((Path(mount_point), {""}))
        elif kind == "cgroup":
            found.append((Path(mount_point), set(options.split(","))))
    return found
