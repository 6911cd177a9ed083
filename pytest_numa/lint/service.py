"""How the service is started and stopped, and whether its processes stay in the unit."""

import re
from collections.abc import Iterator

from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_CONTAINERS = ("docker", "podman", "nerdctl")
# They start the command elsewhere: by a daemon, in another session, or in the background.
_LEAVING = ("sudo", "su", "runuser", "machinectl", "systemd-run", "screen", "tmux", "pm2", "srun")
_SHELLS = ("sh", "bash", "dash", "zsh")
# None of them sends READY=1 or a keep-alive.
_QUIET = ("vllm", "sglang", "llama.cpp", "tensorrt-llm", "triton")


def check(subject: Subject) -> Iterator[Finding]:
    """Starting, running, stopping."""
    if not subject.unit.name.endswith(".service"):
        return
    yield from _command(subject)
    yield from _type(subject)
    yield from _program(subject)
    yield from _paths(subject)
    yield from _stopping(subject)
    yield from _limits(subject)
    yield from _target(subject)


def _command(subject: Subject) -> Iterator[Finding]:
    commands = subject.texts("ExecStart")
    if len(commands) != 1:
        yield Finding(
            subject="ExecStart=",
            expected="one command",
            found=f"{len(commands)}",
            fix="write one ExecStart=; a drop-in that replaces it has an empty ExecStart= first",
        )
    for name in subject.unresolved:
        yield Finding(
            subject=f"${{{name}}} in ExecStart=",
            expected="a variable that the unit sets",
            found="one that it does not: systemd puts nothing in its place"
            + ("" if not subject.around.absent_files else ", and a file of them was not read"),
            fix=f"write Environment={name}=VALUE, or $$ for a dollar sign",
            is_unknown=bool(subject.around.absent_files),
        )
    prefixes = re.match(r"[@\-:+!|]*", subject.exec_start)
    if prefixes and "+" in prefixes[0]:
        yield Finding(
            subject="ExecStart=+",
            expected="a command under the unit's User= and sandbox",
            found="+, with which it runs as root without them",
            fix="leave the + out",
        )
    if prefixes and "-" in prefixes[0]:
        yield Finding(
            subject="ExecStart=-",
            expected="a command whose failure counts",
            found="-, with which a crash is a success and Restart=on-failure does nothing",
            fix="leave the - out",
        )


def _type(subject: Subject) -> Iterator[Finding]:
    kind = subject.text("Type") or "simple"
    is_known = subject.engine.name in _QUIET
    outcomes = {
        "simple": "the start is a success before the program, or the policy, has failed",
        "idle": "the start is a success before the program, or the policy, has failed",
        "forking": "the server does not fork: the start ends by its time-out",
        "oneshot": "the service is never up: the start lasts as long as the server runs",
        "dbus": "the server takes no bus name: the start ends by its time-out",
    }
    if is_known:
        outcomes["notify"] = "the server sends no READY=1: the start ends by its time-out"
        outcomes["notify-reload"] = outcomes["notify"]
    if kind in outcomes and (is_known or kind in ("simple", "idle")):
        yield Finding(
            subject="Type=",
            expected="exec",
            found=f"{kind}: {outcomes[kind]}",
            fix="write Type=exec",
        )


def _program(subject: Subject) -> Iterator[Finding]:
    names = [one.name for one in subject.wrappers]
    program = subject.argv[0].rpartition("/")[2] if subject.argv else ""
    if program in _CONTAINERS and not _is_held(subject):
        yield Finding(
            subject=program,
            expected="a server that runs in the unit's own cgroup",
            found="a container, which runs elsewhere: the unit pins the client alone",
            fix="add --cpuset-cpus and --cpuset-mems, or use podman run --cgroups=split",
        )
    leaving = [name for name in (*names, program) if name in _LEAVING]
    for name in leaving:
        yield Finding(
            subject=name,
            expected="a server that systemd starts itself",
            found=f"{name}, which takes it out of the unit or stands before it",
            fix="name the server's program in ExecStart=, and the user in User=",
        )
    shells = [one for one in subject.wrappers if one.name in _SHELLS]
    if any(one.text("exec") is None for one in shells) or program in _SHELLS:
        yield Finding(
            subject="ExecStart=",
            expected="the server's own program",
            found="a shell, which becomes the main process and gets the signals"
            + ("" if subject.engine.name else "; what it starts was not looked at"),
            fix="name the program itself, or begin the last command of the script with `exec`",
        )


def _paths(subject: Subject) -> Iterator[Finding]:
    for path in subject.around.missing:
        yield Finding(
            subject=path,
            expected="a program or model that is there",
            found="nothing",
            fix="install it, or write the path where it is",
        )
    for path in subject.around.unreachable:
        user = subject.text("User") or "its dynamic user"
        yield Finding(
            subject=path,
            expected=f"one that {user} can read",
            found="itself or a folder above it is closed to that user",
            fix="put it below /opt or /srv, readable for all, or write another User= (--set user=)",
        )


def _is_held(subject: Subject) -> bool:
    words = [word.partition("=")[0] for word in subject.argv]
    has_cpuset = {"--cpuset-cpus", "--cpuset-mems"} <= set(words)
    return has_cpuset or subject.engine.option("--cgroups") == "split"


def _stopping(subject: Subject) -> Iterator[Finding]:
    kind = subject.text("KillMode")
    if kind in ("process", "none"):
        yield Finding(
            subject="KillMode=",
            expected="control-group or mixed",
            found=f"{kind}: workers outlive the service, and keep its memory",
            fix="write KillMode=control-group",
        )
    if subject.text("SendSIGKILL") is not None and not subject.is_on("SendSIGKILL"):
        yield Finding(
            subject="SendSIGKILL=",
            expected="yes",
            found="no: a server that waits for open streams is never ended",
            fix="leave it out",
        )
    if (subject.text("TimeoutStopSec") or subject.text("TimeoutSec")) in ("infinity", "0"):
        yield Finding(
            subject="TimeoutStopSec=",
            expected="a limit",
            found="none: a stream in flight keeps the server from ending",
            fix="write TimeoutStopSec=20",
        )


def _limits(subject: Subject) -> Iterator[Finding]:
    if subject.text("CPUQuota") not in (None, "infinity"):
        yield Finding(
            subject="CPUQuota=",
            expected="none: the CPUs are the service's own",
            found=f"{subject.text('CPUQuota')}: threads are stopped in the middle of a token",
            fix="leave it out",
        )
    if subject.text("CPUSchedulingPolicy") in ("idle", "batch"):
        yield Finding(
            subject="CPUSchedulingPolicy=",
            expected="other",
            found=f"{subject.text('CPUSchedulingPolicy')}: everything else goes first",
            fix="leave it out",
        )
    if subject.text("RuntimeMaxSec") not in (None, "infinity"):
        yield Finding(
            subject="RuntimeMaxSec=",
            expected="none",
            found=f"{subject.text('RuntimeMaxSec')}: the service is ended after it",
            fix="leave it out",
        )
    if subject.text("WatchdogSec") not in (None, "0", "infinity") and subject.engine.name in _QUIET:
        yield Finding(
            subject="WatchdogSec=",
            expected="none: the server sends no keep-alive",
            found=f"{subject.text('WatchdogSec')}: systemd kills it after that",
            fix="leave it out",
        )
    most = _bytes(subject.text("MemoryMax"))
    if most is not None and subject.needs_bytes is not None and most < subject.needs_bytes:
        yield Finding(
            subject="MemoryMax=",
            expected=f"at least {subject.needs_bytes} bytes, which the service takes",
            found=f"{subject.text('MemoryMax')}: it is killed",
            fix="write more, or leave it out",
        )


def _bytes(text: str | None) -> int | None:
    match = re.fullmatch(r"(\d{1,18})([KMGT]?)", text or "")
    return int(match[1]) * 1024 ** " KMGT".index(match[2] or " ") if match else None


def _target(subject: Subject) -> Iterator[Finding]:
    wanted = [word for text in subject.texts("WantedBy", "Install") for word in text.split()]
    if subject.manager == "user" and wanted and "default.target" not in wanted:
        yield Finding(
            subject="WantedBy=",
            expected="default.target, which a user's manager starts",
            found=f"{' '.join(wanted)}, which it does not have",
            fix="write WantedBy=default.target",
        )
