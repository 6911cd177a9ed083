"""Whether the unit's sandbox leaves the server what it needs."""

from collections.abc import Iterator

from pytest_numa.lint import sight
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import YES, Subject

# @system-service has @resources in it, and @resources has the calls below.
_GROUPS = ("@system-service", "@resources", "@known")
_CALLS = {"sched_setaffinity": "CPUs", "set_mempolicy": "memory policy"}
_HOMES = ("/home/", "/root/", "/run/user/")
_TEMPORARY = ("/tmp/", "/var/tmp/")  # noqa: S108 - looked for, not used
_WRITABLE = (
    *("CacheDirectory", "StateDirectory", "RuntimeDirectory", "ReadWritePaths", "BindPaths"),
    "TemporaryFileSystem",
)
_CACHES = {"HOME", "XDG_CACHE_HOME", "VLLM_CACHE_ROOT", "HF_HOME"}
_LIBRARIES = ("/usr/lib", "/lib", "/lib64", "/usr/lib64")
_LOOPBACK = ("localhost", "127.0.0.0/8", "127.0.0.1", "::1", "any")


def check(subject: Subject) -> Iterator[Finding]:
    """System calls, devices, network, files."""
    yield from _calls(subject)
    yield from _devices(subject)
    yield from _network(subject)
    yield from _files(subject)
    yield from _users(subject)


def _calls(subject: Subject) -> Iterator[Finding]:
    lost = [call for call in _CALLS if _is_denied(subject.texts("SystemCallFilter"), call)]
    what = " and ".join(_CALLS[call] for call in lost)
    binding = [one.name for one in subject.wrappers if one.name in ("numactl", "taskset")]
    who = binding[0] if binding else _binder(subject)
    if lost and who:
        outcome = "fails" if subject.text("SystemCallErrorNumber") else "is killed (31/SYS)"
        yield Finding(
            subject="SystemCallFilter=",
            expected=f"{' and '.join(lost)} left in: {who} sets its own {what}",
            found=f"they are denied: {who} {outcome}",
            fix="write SystemCallFilter=@system-service, and ~@privileged after it without "
            "~@resources",
        )
    if subject.is_on("MemoryDenyWriteExecute") and subject.engine.is_torch:
        yield Finding(
            subject="MemoryDenyWriteExecute=",
            expected="no: PyTorch and Triton compile while they run",
            found="yes: the first kernel that is compiled ends the service",
            fix="leave it out",
        )


def _binder(subject: Subject) -> str | None:
    """The server, where it sets the affinity of its own threads."""
    own = subject.engine
    options = ("-C", "--cpu-mask", "-Cr", "--cpu-range", "--numa", "--host-policy")
    return own.name if own.is_torch or own.has(*options) else None


def _is_denied(filters: list[str], call: str) -> bool:
    """Whether the filter denies a call; the first line says whether it allows or denies."""
    if not filters:
        return False
    is_deny_list = filters[0].startswith("~")
    found = is_deny_list
    for line in filters:
        names = {word.partition(":")[0] for word in line.removeprefix("~").split()}
        if names & {call, *_GROUPS}:
            found = not line.startswith("~")
    return not found


def _devices(subject: Subject) -> Iterator[Finding]:
    if not subject.engine.uses_gpus or not subject.topology.accelerators:
        return
    allowed = " ".join(subject.texts("DeviceAllow"))
    is_closed = subject.text("DevicePolicy") in ("closed", "strict")
    if subject.is_on("PrivateDevices"):
        yield Finding(
            subject="PrivateDevices=",
            expected="no: the server uses GPUs",
            found="yes: it sees no GPU",
            fix="write DevicePolicy=closed and DeviceAllow= for each kind of device",
        )
    elif is_closed and not any(
        name in allowed for name in ("nvidia", "kfd", "dri", "drm", "char-")
    ):
        yield Finding(
            subject="DevicePolicy=",
            expected="DeviceAllow= of the GPUs beside it",
            found=f"none: {allowed or 'no device'} is allowed",
            fix="add DeviceAllow=char-nvidia* rw, or char-drm rw and /dev/kfd rw for AMD's",
        )


def _network(subject: Subject) -> Iterator[Finding]:
    needed = {"AF_INET", "AF_UNIX"} | ({"AF_NETLINK"} if subject.engine.is_torch else set())
    lacking = sorted(needed - _families(subject, needed))
    if lacking:
        yield Finding(
            subject="RestrictAddressFamilies=",
            expected=" ".join(sorted(needed)),
            found=f"without {' '.join(lacking)}, which the server needs to answer, or to speak "
            "with its workers",
            fix="write RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        )
    is_joined = subject.texts("JoinsNamespaceOf", "Unit")
    if subject.is_on("PrivateNetwork") and not is_joined:
        yield Finding(
            subject="PrivateNetwork=",
            expected="no: the server answers over the network",
            found="yes: nobody can reach it",
            fix="leave it out",
        )
    if subject.text("SocketBindDeny") == "any" and not subject.texts("SocketBindAllow"):
        yield Finding(
            subject="SocketBindDeny=",
            expected="SocketBindAllow= with the server's port beside it",
            found="none: the server cannot listen",
            fix=f"add SocketBindAllow=tcp:{subject.engine.option('--port') or 'PORT'}",
        )
    denied = {word for line in subject.texts("IPAddressDeny") for word in line.split()}
    allowed = {word for line in subject.texts("IPAddressAllow") for word in line.split()}
    if denied & {"any", "localhost"} and not allowed & set(_LOOPBACK):
        yield Finding(
            subject="IPAddressDeny=",
            expected="IPAddressAllow=localhost beside it",
            found="none: nobody can reach the server",
            fix="add IPAddressAllow=localhost",
        )


def _families(subject: Subject, needed: set[str]) -> set[str]:
    """Which of them are left; the first line says whether those that are named are allowed."""
    lines = subject.texts("RestrictAddressFamilies")
    if not lines:
        return needed
    found = set(needed) if lines[0].startswith("~") else set()
    for line in lines:
        names = set(line.removeprefix("~").split())
        found = found - names if line.startswith("~") else found | names & needed
    return found


def _files(subject: Subject) -> Iterator[Finding]:
    words = [*subject.argv, *subject.environment.values(), subject.text("WorkingDirectory") or ""]
    paths = [word.rpartition("=")[2] for word in words if not subject.engine.is_contained]
    yield from _homes(subject, paths)
    # A dynamic user has a /tmp of its own without being told.
    key = "PrivateTmp=" if subject.is_on("PrivateTmp") else "DynamicUser="
    if subject.is_on("PrivateTmp") or subject.is_on("DynamicUser"):
        yield from _hidden(subject, key, paths, _TEMPORARY, fix="move it to /var/lib")
    for key in ("InaccessiblePaths", "TemporaryFileSystem"):
        named = [word.lstrip("-+") for text in subject.texts(key) for word in text.split()]
        folders = tuple(f"{word.partition(':')[0].rstrip('/')}/" for word in named)
        is_shut = key == "InaccessiblePaths"
        fix = f"name another path{', or leave it out' if is_shut else ''}"
        yield from _hidden(subject, f"{key}=", paths, folders, fix=fix, is_shut=is_shut)
    yield from _written(subject)
    yield from _executed(subject)
    if subject.text("ProcSubset") == "pid":
        yield Finding(
            subject="ProcSubset=",
            expected="all: servers read /proc/cpuinfo and /proc/meminfo",
            found="pid, which hides them",
            fix="leave it out",
        )


def _homes(subject: Subject, paths: list[str]) -> Iterator[Finding]:
    kind = (subject.text("ProtectHome") or "no").lower()
    fix = "move it to /opt or /srv"
    if kind == "tmpfs":
        yield from _hidden(subject, "ProtectHome=", paths, _HOMES, fix=fix)
    elif kind in YES:
        fix = f"{fix}, or write ProtectHome=tmpfs and BindReadOnlyPaths= with it"
        yield from _hidden(subject, "ProtectHome=", paths, _HOMES, fix=fix, is_shut=True)


def _written(subject: Subject) -> Iterator[Finding]:
    """Where compiled kernels and downloads go."""
    is_closed = subject.text("ProtectSystem") == "strict" or subject.is_on("DynamicUser")
    is_said = any(subject.texts(key) for key in _WRITABLE) or _CACHES & subject.environment.keys()
    if is_closed and not is_said and subject.engine.is_torch:
        yield Finding(
            subject="ProtectSystem=",
            expected="a folder that the server can write, for compiled kernels and downloads",
            found="none: all is read-only, also the home of its user",
            fix="write CacheDirectory=%N and Environment=HOME=/var/cache/%N",
        )


def _executed(subject: Subject) -> Iterator[Finding]:
    """Programs and libraries; of the paths that hold one the longest counts."""
    kept, closed = (
        [word.lstrip("-+") for text in subject.texts(key) for word in text.split()]
        for key in ("ExecPaths", "NoExecPaths")
    )
    own = [*subject.words[:1], *subject.argv[:1]]
    for path in dict.fromkeys(one for one in (*own, *_LIBRARIES) if one.startswith("/")):
        by = max((one for one in closed if sight.is_below(path, one)), key=len, default=None)
        names = _LIBRARIES if path in _LIBRARIES else (path,)
        open_ = [one for one in kept for name in names if sight.is_below(name, one)]
        if by is not None and not any(len(one) >= len(by) for one in open_):
            is_library = path in _LIBRARIES
            yield Finding(
                subject="NoExecPaths=",
                expected=f"{'libraries' if is_library else path} outside of it, or in ExecPaths=",
                found=f"{by}: "
                + ("no program can load them" if is_library else "the start fails (203/EXEC)"),
                fix=f"write ExecPaths={' '.join(dict.fromkeys(_needed(path, by)))}",
            )
            return


def _needed(path: str, closed: str) -> Iterator[str]:
    """What is to be executed with a program: its own libraries, its interpreter, the system's."""
    if path not in _LIBRARIES:
        yield "/usr" if path.startswith("/usr/") else "/".join(path.split("/")[:3])
    if path in _LIBRARIES or closed == "/":
        yield from ("/usr", "/lib", "/lib64")


def _hidden(
    subject: Subject,
    key: str,
    paths: list[str],
    folders: tuple[str, ...],
    *,
    fix: str,
    is_shut: bool = False,
) -> Iterator[Finding]:
    """With ``is_shut`` binding is no help: systemd drops it, drop_inaccessible() in namespace.c."""
    seen = {} if is_shut else sight.bound(subject)
    for path in dict.fromkeys(path for path in paths if f"{path}/".startswith(folders)):
        if not any(sight.is_below(path, place) for place in seen):
            yield Finding(
                subject=key,
                expected=f"{path} in sight of the service",
                found="it is hidden from it",
                fix=fix if is_shut else f"{fix}, or write BindReadOnlyPaths= with it",
            )


def _users(subject: Subject) -> Iterator[Finding]:
    """What a user's own manager cannot do."""
    names = [key for key in ("User", "Group") if subject.text(key)]
    names += ["DynamicUser"] if subject.is_on("DynamicUser") else []
    if subject.manager == "user" and names:
        yield Finding(
            subject=f"{names[0]}=",
            expected="none: a user's manager runs all as that user",
            found=f"{subject.text(names[0])}: the start fails (217/USER or 216/GROUP)",
            fix="leave it out, or install the unit for the whole host",
        )
