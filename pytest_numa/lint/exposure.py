"""Who can read the service's secrets, and who can reach it."""

import ipaddress
import re
from collections.abc import Iterator

from pytest_numa.lint.engine import Engine
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_SECRET = re.compile(r"(API_?KEY|TOKEN|PASSWORD|PASSWD|SECRET)$", re.IGNORECASE)
# Their names end like secrets, and they are none.
_HARMLESS = ("HF_HUB_DISABLE_IMPLICIT_TOKEN",)
_LARGEST_PORT = 65_535
_OPTIONS = ("--api-key", "--hf-token", "--admin-api-key", "--ssl-keyfile-password")


def is_secret(name: str) -> bool:
    """Whether a variable's name is that of a secret."""
    return _SECRET.search(name) is not None and name not in _HARMLESS


def check(subject: Subject) -> Iterator[Finding]:
    """Secrets first, then the port and the address."""
    yield from _secrets(subject)
    yield from _port(subject)
    if not subject.engine.is_contained:
        yield from _privileged(subject)
    yield from _address(subject)


def _secrets(subject: Subject) -> Iterator[Finding]:
    for option in _OPTIONS:
        text = subject.engine.option(option)
        if text:
            yield Finding(
                subject=option,
                expected="a secret that only the service can read",
                found="on the command line, which every user of the host can read",
                fix="write it into a file of mode 0600 and name that by EnvironmentFile= or "
                "LoadCredential=",
            )
    for name in subject.written:
        if is_secret(name) and subject.written[name]:
            yield Finding(
                subject=f"Environment={name}",
                expected="a secret that only the service can read",
                found="in the unit, which every user of the host can read",
                fix="write it into a file of mode 0600 and name that by EnvironmentFile=",
            )
    for path in subject.around.open_files:
        yield Finding(
            subject=path,
            expected="a file that only its owner can read",
            found="one that every user of the host can read",
            fix=f"chmod 0600 {path}",
        )
    for path in subject.around.absent_files:
        yield Finding(
            subject=path,
            expected="a file that can be read",
            found="none: the start fails, or what it sets was not looked at",
            fix="make it, or run this as root; with EnvironmentFile=-PATH it may be absent",
            is_unknown=True,
        )


def _port(subject: Subject) -> Iterator[Finding]:
    port = subject.engine.option("--port")
    is_port = port and re.fullmatch(r"[0-9]{1,5}", port) and int(port) <= _LARGEST_PORT
    if port is not None and not is_port and "$" not in port and subject.engine.name:
        yield Finding(
            subject="--port",
            expected=f"a number up to {_LARGEST_PORT}",
            found=f"{port!r}: the server ends with an error",
            fix="write --port 8000",
        )


def _privileged(subject: Subject) -> Iterator[Finding]:
    """A port that root alone may listen on, ip(7)."""
    port, first = subject.engine.number("--port"), subject.around.first_free_port
    is_root = subject.text("User") in (None, "root", "0") and not subject.is_on("DynamicUser")
    may = " ".join(subject.texts("AmbientCapabilities"))
    if not port or not first or port >= first or "CAP_NET_BIND_SERVICE" in may:
        return
    if subject.manager == "user" or not is_root:
        yield Finding(
            subject="--port",
            expected=f"{first} or more: the unit's user may listen on no other",
            found=f"{port}: the server ends with an error",
            fix="write --port 8000"
            + (", or AmbientCapabilities=CAP_NET_BIND_SERVICE" if not is_root else ""),
        )


def _address(subject: Subject) -> Iterator[Finding]:
    own = subject.engine
    # A container's own address is inside it, unless it has the host's network.
    is_inside = own.is_contained and "host" not in (own.option("--network"), own.option("--net"))
    if subject.is_exposed or is_inside:
        return
    yield from _open(own.host, "--host" if own.name != "triton" else "--http-address", own)
    is_off = (own.option("--allow-grpc") or "").lower() in ("false", "0")
    if own.name == "triton" and not is_off and own.has("--http-address"):
        yield from _open(own.option("--grpc-address") or "0.0.0.0", "--grpc-address", own)  # noqa: S104 - its default


def _open(host: str | None, option: str, own: Engine) -> Iterator[Finding]:
    if host is None or "$" in host or "/" in host or host == "localhost":
        return
    try:
        is_open = not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_open = True
    if is_open:
        is_said = own.has(option) or "LLAMA_ARG_HOST" in own.environment
        yield Finding(
            subject="the address",
            expected="127.0.0.1, unless others are meant to reach the server",
            found=f"{host}{'' if is_said else f', where it listens without {option}'}: everybody "
            "who reaches the host reaches it",
            fix=f"write {option} 127.0.0.1; if it is meant: --public, or --set host=ADDRESS",
        )
