"""Whether the unit's sandbox leaves the server what it needs."""

from collections.abc import Iterator

from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

# @system-service has @resources in it, and @resources has the calls below.
_GROUPS = ("@system-service", "@resources", "@known")
_CALLS = {"sched_setaffinity": "CPUs", "set_mempolicy": "memory policy"}
_HOMES = ("/home/", "/root/", "/run/user/")
_TEMPORARY = ("/tmp/", "/var/tmp/")  # noqa: S108 - looked for, not used
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
    who = binding[0] if binding else subject.engine.name if subject.engine.is_torch else None
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
            fix="add DeviceAllow=char-nvidia-frontend rw and the other devices of your GPUs",
        )


def _network(subject: Subject) -> Iterator[Finding]:
    families = [line for line in subject.texts("RestrictAddressFamilies") if line != "none"]
    names = {word for line in families if not line.startswith("~") for word in line.split()}
    needed = {"AF_INET", "AF_UNIX"} | ({"AF_NETLINK"} if subject.engine.is_torch else set())
    lacking = sorted(needed - names) if names else []
    if subject.texts("RestrictAddressFamilies") == ["none"]:
        lacking = sorted(needed)
    if lacking:
        yield Finding(
            subject="RestrictAddressFamilies=",
            expected=" ".join(sorted(needed)),
            found=f"without {' '.join(lacking)}, which the server needs to answer, or to speak "
            "with its workers",
            fix=f"add {' '.join(lacking)}",
        )
    if subject.is_on("PrivateNetwork"):
        yield Finding(
            subject="PrivateNetwork=",
            expected="no: the server answers over the network",
            found="yes: nobody can reach it",
            fix="leave it out",
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


def _files(subject: Subject) -> Iterator[Finding]:
    paths = [word.rpartition("=")[2] for word in (*subject.argv, *subject.environment.values())]
    if (subject.text("ProtectHome") or "no").lower() in ("yes", "true", "1", "on", "tmpfs"):
        yield from _hidden(subject, "ProtectHome=", paths, _HOMES, fix="move it to /opt or /srv")
    if subject.is_on("PrivateTmp"):
        yield from _hidden(subject, "PrivateTmp=", paths, _TEMPORARY, fix="move it to /var/lib")
    if subject.text("ProcSubset") == "pid":
        yield Finding(
            subject="ProcSubset=",
            expected="all: servers read /proc/cpuinfo and /proc/meminfo",
            found="pid, which hides them",
            fix="leave it out",
        )


def _hidden(
    subject: Subject, key: str, paths: list[str], folders: tuple[str, ...], *, fix: str
) -> Iterator[Finding]:
    bound = [word for one in ("BindPaths", "BindReadOnlyPaths") for word in subject.texts(one)]
    for path in dict.fromkeys(path for path in paths if path.startswith(folders)):
        if not any(path.startswith(text.partition(":")[0]) for text in " ".join(bound).split()):
            yield Finding(
                subject=key,
                expected=f"{path} in sight of the service",
                found="it is hidden from it",
                fix=f"{fix}, or write BindReadOnlyPaths= with it",
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
