"""What the host says of a unit besides its topology: files, slices, controllers."""

import contextlib
import grp
import pwd
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pytest_numa.errors import ParseError, UnitError
from pytest_numa.kernel import cpulist
from pytest_numa.lint import sight
from pytest_numa.lint.around import Surroundings
from pytest_numa.lint.exposure import is_secret
from pytest_numa.lint.subject import Subject
from pytest_numa.services import cgroups, quoting

_WEIGHTS = ("*.safetensors", "*.gguf", "*.bin")
_MODEL = ("--model", "--model-path", "-m")


def read(subject: Subject, root: Path) -> Surroundings:
    """Look around; what is not there, or may not be read, is None or is named."""
    files = list(_files(subject))
    texts = {path: _text(root, path) for path, _ in files}
    found = Surroundings(
        has_cpuset=cgroups.has_cpuset(subject.manager, root),
        variables={
            name: value for text in texts.values() for name, value in _assignments(text or "")
        },
        absent_files=tuple(path for path, is_needed in files if is_needed and texts[path] is None),
        has_absent_variables=any(
            not is_needed and texts[path] is None for path, is_needed in files
        ),
        open_files=tuple(path for path, _ in files if _is_open(root, path, texts[path])),
        first_free_port=_first_free_port(root),
        slice_cpus=_of_slice(subject, root, "cpuset.cpus"),
        slice_nodes=_of_slice(subject, root, "cpuset.mems"),
    )
    # The command line is whole only with the variables.
    known = replace(subject, around=found)
    if root != Path("/"):
        return found
    paths = list(_read_paths(known))
    return replace(
        found,
        strangers=tuple(_strangers(subject)),
        missing=tuple(path for path in paths if _exists(path) is False),
        unreachable=tuple(path for path in paths if _is_closed(known, path)),
    )


def weights_bytes(subject: Subject, root: Path) -> int | None:
    """The size of the model's files, where they come to lie in the host's memory."""
    model = sight.place(subject, _model(subject) or "/")
    has_gpus = subject.engine.uses_gpus and subject.topology.accelerators
    if has_gpus or _model(subject) is None or model is None:
        return None
    path = _below(root, model)
    with contextlib.suppress(OSError, ValueError):
        found = [path] if path.is_file() else [one for name in _WEIGHTS for one in path.glob(name)]
        return sum(one.stat().st_size for one in found) + _cache_bytes(subject) or None
    return None


def _cache_bytes(subject: Subject) -> int:
    """What vLLM on CPUs adds for its KV cache, for each rank."""
    space = subject.engine.number(variable="VLLM_CPU_KVCACHE_SPACE") or 0
    ranks = subject.engine.number("--tensor-parallel-size", "-tp") or 1
    return space * ranks * 1024**3


def drop_ins(folder: Path, unit: str) -> Iterator[tuple[str, str]]:
    """The drop-ins of a unit and of its template, by their place below ``folder``."""
    prefix, at, _ = unit.partition("@")
    names = [f"{prefix}@.service.d", f"{unit}.d"] if at else [f"{unit}.d"]
    for name in names:
        for path in sorted((folder / name).glob("*.conf")):
            try:
                yield f"{name}/{path.name}", path.read_text(encoding="utf-8", errors="replace")
            except (OSError, ValueError):
                continue


def _files(subject: Subject) -> Iterator[tuple[str, bool]]:
    """Files that the unit takes values from, and whether it cannot start without them."""
    for line in subject.texts("EnvironmentFile"):
        yield line.removeprefix("-").strip(), not line.startswith("-")
    for line in subject.texts("LoadCredential"):
        path = line.partition(":")[2]
        if path.startswith("/"):
            yield path, True


def _text(root: Path, path: str) -> str | None:
    try:
        return _below(root, path).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """The variables of an environment file, systemd.exec(5)."""
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith(("#", ";")):
            continue
        try:
            words = quoting.split(value, source=name)
        except UnitError:
            words = [value]
        yield name.strip(), " ".join(words)


def _is_open(root: Path, path: str, text: str | None) -> bool:
    """Whether everybody may read a file that holds a secret."""
    try:
        mode = _below(root, path).stat().st_mode
    except (OSError, ValueError):
        return False
    names: Mapping[str, str] = dict(_assignments(text or ""))
    is_all_secret = not names
    return bool(mode & stat.S_IROTH) and (is_all_secret or any(map(is_secret, names)))


def _first_free_port(root: Path) -> int | None:
    text = _text(root, "/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return int(text) if text and text.strip().isdecimal() else None


def _of_slice(subject: Subject, root: Path, name: str) -> frozenset[int] | None:
    if subject.manager != "system":
        return None
    own = subject.text("Slice") or "system.slice"
    parts = own.removesuffix(".slice").split("-")
    folders = ["-".join(parts[: number + 1]) + ".slice" for number in range(len(parts))]
    path = root.joinpath("sys/fs/cgroup", *folders, name)
    try:
        return cpulist.parse(path.read_text(encoding="utf-8"), source=str(path)) or None
    except (OSError, ValueError, ParseError):
        return None


def _read_paths(subject: Subject) -> Iterator[str]:
    """The programs and the model. Of a program that comes first systemd-analyze says more."""
    if subject.engine.is_contained:
        return
    program = subject.argv[0] if subject.argv else ""
    programs = dict.fromkeys([*subject.words[:1], program] if is_elsewhere(subject) else [program])
    if not subject.wrappers and not is_elsewhere(subject) and not _exists(program):
        programs = {}
    for path in (*programs, _model(subject) or ""):
        found = sight.place(subject, path) if path.startswith("/") else None
        if found is not None and not set(found) & set("%$"):
            yield found


def is_elsewhere(subject: Subject) -> bool:
    """Whether the service finds its program where the host has another, or none."""
    path = "".join(subject.words[:1])
    return path.startswith("/") and sight.place(subject, path) != path


def _exists(path: str) -> bool | None:
    """Whether it is there; None where that cannot be seen."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return None
    return True


def _strangers(subject: Subject) -> Iterator[str]:
    if subject.is_on("DynamicUser") or subject.manager != "system":
        return
    looks: dict[str, Callable[[str], object]] = {
        "User": pwd.getpwnam,
        "Group": grp.getgrnam,
        "SupplementaryGroups": grp.getgrnam,
    }
    for key, look in looks.items():
        for name in " ".join(subject.texts(key)[-1:]).split():
            try:
                if not name.isdigit() and not set(name) & set("%$"):
                    look(name)
            except (KeyError, ValueError):
                yield f"{key}={name}"


def _is_closed(subject: Subject, path: str) -> bool:
    user = subject.text("User")
    if user in ("root", "0") or (user is None and not subject.is_on("DynamicUser")):
        return False
    try:
        return not _may_read(Path(path).resolve(), _uid(user))
    except (OSError, ValueError, RuntimeError):
        return False


def _model(subject: Subject) -> str | None:
    names = _MODEL if subject.engine.name == "llama.cpp" else _MODEL[:2]
    found = subject.engine.option(*names) or subject.engine.environment.get("LLAMA_ARG_MODEL")
    if found is None and "serve" in subject.argv[:-1]:
        found = subject.argv[subject.argv.index("serve") + 1]
    return found if found is not None and found.startswith("/") else None


def _uid(user: str | None) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid if user else None
    except KeyError:
        return None


def _may_read(path: Path, uid: int | None) -> bool:
    """Whether a user may enter all folders and read the file; groups are taken to be fitting."""
    for one in (path, *path.parents):
        found = one.stat()
        needed = stat.S_IXUSR if stat.S_ISDIR(found.st_mode) else stat.S_IRUSR
        shift = 0 if found.st_uid == uid else 6
        if not found.st_mode & ((needed >> shift) | (needed >> 3)):
            return False
    return True
