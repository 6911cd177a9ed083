"""What ``systemd-analyze verify`` says of a unit, line by line, as findings.

Its exit status is 0 where a line was dropped; only its output tells (systemd 252).
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from pytest_numa.lint.finding import Finding
from pytest_numa.services.unit import Unit

_AT = re.compile(r"(?P<path>/.*?):(?P<line>\d+): (?P<text>.*)")
_UNKNOWN_KEY = re.compile(r"Unknown (?:key(?: name)?|lvalue) '(?P<key>[^']*)' in section")
_UNKNOWN_SECTION = re.compile(r"Unknown section '(?P<section>[^']*)'")
_PROGRAM = re.compile(r"Command (?P<path>.*) is not executable: (?P<why>.*)")
_SECTIONS = ("Unit", "Service", "Install", "Slice")
# For typing mistakes; systemd itself knows many more.
_KEYS = (
    *("CPUAffinity", "AllowedCPUs", "AllowedMemoryNodes", "NUMAPolicy", "NUMAMask", "Slice"),
    *("StartupAllowedCPUs", "StartupAllowedMemoryNodes", "Description", "After", "WantedBy"),
    *("ExecStart", "ExecStartPre", "ExecStartPost", "ExecStop", "Type", "User", "Group"),
    *("WorkingDirectory", "Environment", "EnvironmentFile", "Restart", "RestartSec", "KillMode"),
    *("TimeoutStartSec", "TimeoutStopSec", "LimitMEMLOCK", "LimitNOFILE", "MemorySwapMax"),
    *("MemoryMax", "MemoryHigh", "OOMScoreAdjust", "OOMPolicy", "NoNewPrivileges", "PrivateTmp"),
    *("ProtectSystem", "ProtectHome", "SystemCallFilter", "RestrictAddressFamilies"),
    *("DynamicUser", "LoadCredential", "StateDirectory", "CacheDirectory", "DeviceAllow"),
    *("PrivateDevices", "CPUWeight", "TasksMax", "StartLimitIntervalSec", "StartLimitBurst"),
)
MANUALS = "see systemd.exec(5), systemd.resource-control(5) and systemd.service(5)"
_SAID_BETTER = re.compile(r"CPU affinity|NUMA node mask|CPU \d+ to set|Failed to parse CPU")


def findings(
    output: str, unit: Unit, *, files: Iterable[str], has_programs: bool
) -> Iterator[Finding]:
    """What it says of ``files`` (below the unit folder); of others it may say more.

    Without ``has_programs`` the unit is for another machine, and what is not installed here is
    no matter.
    """
    ends = tuple(f"/{file}" for file in files)
    names = tuple(f"{name}: " for name in (unit.name, *(end.lstrip("/") for end in ends)))
    for line in dict.fromkeys(output.splitlines()):
        found = _AT.fullmatch(line)
        if found and found["path"].endswith(ends):
            yield from _placed(found, unit)
        elif line.startswith(names):
            yield from _whole(line.partition(": ")[2], has_programs=has_programs)


def _placed(found: re.Match[str], unit: Unit) -> Iterator[Finding]:
    path, text = PurePosixPath(found["path"]), found["text"].removesuffix(", ignoring.")
    # What the lists say of themselves has the consequence and the fix.
    if _SAID_BETTER.search(text):
        return
    name = path.name if path.parent.suffix != ".d" else f"{path.parent.name}/{path.name}"
    yield Finding(
        subject=f"{name}:{found['line']}",
        expected="a line that systemd takes",
        found=f"{text}: it is dropped",
        fix=_fix(text, unit),
    )


def _fix(text: str, unit: Unit) -> str:
    key, section = _UNKNOWN_KEY.search(text), _UNKNOWN_SECTION.search(text)
    if section:
        near = difflib.get_close_matches(section["section"], _SECTIONS, n=1)
        return f"write [{near[0]}]" if near else "leave the section out"
    if "NUMA policy type" in text:
        return "write default, preferred, bind, interleave or local"
    if key is None:
        return MANUALS
    if key["key"] in _KEYS:
        return "write it below [Service]"
    by_case = {name.lower(): name for name in _KEYS}
    near = difflib.get_close_matches(key["key"].lower(), by_case, n=1, cutoff=0.7)
    return f"write {by_case[near[0]]}=" if near else f"leave it out of {unit.name}"


def _whole(text: str, *, has_programs: bool) -> Iterator[Finding]:
    program = _PROGRAM.search(text)
    if program and not has_programs:
        return
    if program:
        yield Finding(
            subject=program["path"],
            expected="a program",
            found=program["why"],
            fix="install it, or write its whole path in ExecStart=",
        )
    else:
        yield Finding(
            subject="the unit",
            expected="one that systemd can load",
            found=text,
            fix="see systemd.service(5)",
        )
