"""How the service is started and stopped, and whether its processes stay in the unit."""

import difflib
import re
from collections.abc import Iterator

from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject
from pytest_numa.lint.wrapper import SHELLS

# They start the command elsewhere: by a daemon, in another session, or in the background.
_LEAVING = (
    *("sudo", "su", "runuser", "machinectl", "systemd-run", "screen", "tmux", "pm2", "srun"),
    *("setsid", "daemonize", "cgexec", "start-stop-daemon"),
)
_SYSTEM_TARGETS = ("multi-user.target", "graphical.target", "network.target", "sysinit.target")
_TARGETS = (
    *("multi-user.target", "graphical.target", "default.target", "network-online.target"),
    *("basic.target", "graphical-session.target", "network.target"),
)
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
    yield from _times(subject)
    yield from _delegation(subject)
    yield from _target(subject)


def _command(subject: Subject) -> Iterator[Finding]:
    commands = subject.texts("ExecStart")
    # Of that type systemd runs one after the other.
    is_series = subject.text("Type") == "oneshot" and commands and subject.engine.name is None
    if len(commands) != 1 and not is_series:
        yield Finding(
            subject="ExecStart=",
            expected="one command",
            found=f"{len(commands)}",
            fix="write one ExecStart=; a drop-in that replaces it has an empty ExecStart= first",
        )
    if "+" in subject.prefixes:
        yield Finding(
            subject="ExecStart=+",
            expected="a command under the unit's User= and sandbox",
            found="+, with which it runs as root without them",
            fix="leave the + out",
        )
    if "-" in subject.prefixes:
        yield Finding(
            subject="ExecStart=-",
            expected="a command whose failure counts",
            found="-, with which a crash is a success and Restart=on-failure does nothing",
            fix="leave the - out",
        )


def _type(subject: Subject) -> Iterator[Finding]:
    kind = subject.text("Type") or "simple"
    is_known = subject.engine.name in _QUIET and not subject.engine.is_contained
    is_known = is_known and "bench" not in subject.argv
    outcomes = {
        "simple": "the start is a success before the program, or the policy, has failed",
        "idle": "the start is a success before the program, or the policy, has failed",
        "forking": "the server does not fork: the start ends by its time-out",
        "oneshot": "the service is never up: the start lasts as long as the server runs",
        "dbus": "the server takes no bus name: the start ends by its time-out",
    }
    if is_known and not _has_notifier(subject):
        outcomes["notify"] = "the server sends no READY=1: the start ends by its time-out"
        outcomes["notify-reload"] = outcomes["notify"]
    if kind in outcomes and (is_known or kind in ("simple", "idle")):
        yield Finding(
            subject="Type=",
            expected="exec",
            found=f"{kind}: {outcomes[kind]}",
            fix="write Type=exec",
        )


def _has_notifier(subject: Subject) -> bool:
    """Whether a shell starts something besides the server, which may send READY=1 for it."""
    has_shell = any(one.name in SHELLS for one in subject.wrappers)
    return has_shell and bool(re.search(r"systemd-notify|[^&>]&(?![&>\d])", subject.exec_start))


def _program(subject: Subject) -> Iterator[Finding]:
    names = [one.name for one in subject.wrappers]
    program = subject.argv[0].rpartition("/")[2] if subject.argv else ""
    leaving = [name for name in (*names, program) if name in _LEAVING]
    for name in leaving:
        yield Finding(
            subject=name,
            expected="a server that systemd starts itself",
            found=f"{name}, which takes it out of the unit or stands before it",
            fix="name the server's program in ExecStart=, and the user in User=",
        )
    shells = [one for one in subject.wrappers if one.name in SHELLS]
    if any(one.text("exec") is None for one in shells) or program in SHELLS:
        yield Finding(
            subject="ExecStart=",
            expected="the server's own program",
            found="a shell, which becomes the main process and gets the signals"
            + ("" if subject.engine.name else "; what it starts was not looked at"),
            fix="name the program itself, or begin the last command of the script with `exec`",
        )


def _paths(subject: Subject) -> Iterator[Finding]:
    for text in subject.around.strangers:
        yield Finding(
            subject=text,
            expected="a user or group of this host",
            found="none of that name: the start fails (217/USER or 216/GROUP)",
            fix=f"make it (useradd --system {text.partition('=')[2]}), or write DynamicUser=yes",
        )
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


def _times(subject: Subject) -> Iterator[Finding]:
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


def _delegation(subject: Subject) -> Iterator[Finding]:
    """Who may change the service's cgroup; containers are meant to."""
    given = (subject.text("Delegate") or "").split()
    controllers = {"yes", "true", "on", "1", "cpuset"} & {word.lower() for word in given}
    is_plain = subject.engine.name in _QUIET and not subject.engine.is_contained
    if controllers and is_plain and subject.cpuset_cpus:
        yield Finding(
            subject="Delegate=",
            expected="none: the server makes no cgroups, and AllowedCPUs= is systemd's to set",
            found=f"{' '.join(given)}: processes of the service may make cgroups, and each "
            "daemon-reload sets the cpuset anew",
            fix="leave it out",
        )


def _target(subject: Subject) -> Iterator[Finding]:
    wanted = [
        word
        for key in ("WantedBy", "RequiredBy")
        for text in subject.texts(key, "Install")
        for word in text.split()
    ]
    if subject.manager == "user" and wanted and set(wanted) <= set(_SYSTEM_TARGETS):
        yield Finding(
            subject="WantedBy=",
            expected="default.target, which a user's manager starts",
            found=f"{' '.join(wanted)}, which it does not have",
            fix="write WantedBy=default.target",
        )
    for word in wanted:
        near = difflib.get_close_matches(word, _TARGETS, n=1, cutoff=0.85)
        is_whole = "." in word or "%" in word
        if word not in _TARGETS and (near or not is_whole):
            yield Finding(
                subject="WantedBy=",
                expected=near[0] if near else "a unit's whole name, such as multi-user.target",
                found=f"{word}, which "
                + ("no host has: it is never started at boot" if is_whole else "is no unit's name"),
                fix=f"write WantedBy={near[0] if near else 'multi-user.target'}",
            )
