"""What ``systemd-analyze verify`` says of a unit, line by line, as findings.

Its exit status is 0 where a line was dropped; only its output tells (systemd 252).
"""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from pytest_numa.lint.finding import Finding
from pytest_numa.services.unit import Unit

_AT = re.compile(r"(?P<path>/.*?):(?P<line>\d+): (?P<text>.*)")
_UNKNOWN_KEY = re.compile(r"Unknown (?:key(?: name)?|lvalue) '(?P<key>[^']*)' in section")
_UNKNOWN_SECTION = re.compile(r"Unknown section '(?P<section>[^']*)'")
_PROGRAM = re.compile(r"Command (?P<path>.*) is not executable: (?P<why>.*)")
_ABSENT_UNIT = re.compile(r"Unit \S+ not found")
_SECTIONS = ("Unit", "Service", "Install", "Slice")
# Names that others have for it.
_MEANT = {
    **dict.fromkeys(("cpuset", "cpusetcpus", "cpus", "allowedcpu"), "AllowedCPUs"),
    **dict.fromkeys(("cpusetmems", "mems", "allowednodes", "memorynodes"), "AllowedMemoryNodes"),
    **dict.fromkeys(("numanode", "numanodes", "numabind"), "NUMAMask"),
}
MANUALS = "see systemd.exec(5), systemd.resource-control(5) and systemd.service(5)"
_SAID_BETTER = re.compile(
    r"CPU affinity|NUMA node mask|CPU \d+ to set|Failed to parse CPU|^Range '.*' is invalid"
)
# What to write in the place of what could not be read.
_FIXES = {
    r"NUMA policy type": "write default, preferred, bind, interleave or local",
    r"service type": "write Type=exec",
    r"kill mode": "write KillMode=control-group or mixed",
    r"restart specifier": "write Restart=always, on-failure or no",
    r"boolean": "write yes or no",
    r"time value": "write seconds, or a number with ms, s, min or h, or infinity",
    r"memory limit|size value|resource value": "write a number, with K, M, G or T for more bytes, "
    "or infinity",
    r"CPU quota": "leave it out: CPUAffinity= and AllowedCPUs= give whole CPUs",
    r"CPU weight|IO weight": "write a number from 1 to 10000",
    r"system call": "write names that `systemd-analyze syscall-filter` has",
    r"address family": "write names such as AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK",
    r"nbalanced quoting": 'close the quote, or write \\" for one that is meant',
    r"unit specifiers": "write %% for a percent sign",
    r"environment assignment": 'write Environment="NAME=VALUE", with the quotes around both',
    r"absolute path|not absolute": "write the whole path, from / on",
    r"Failed to load slice|Unit name .* is not valid": "write a slice's whole name: "
    "Slice=inference.slice",
    r"please use (\w+=)": "write {}, which has the same effect",
    r"Missing '='|outside of section": "write KEY=VALUE below [Service]; a line that goes on ends "
    "in a backslash",
    r"more than one ExecStart=": "write one ExecStart=; a drop-in that replaces it has an empty "
    "ExecStart= first",
    r"no ExecStart=": "write ExecStart= with the server's command",
    r"Unit (\S+) not found": "install what brings {}, or leave it out of Requires= and BindsTo=",
    r"KillMode=none": "write KillMode=control-group",
    r"Special user nobody": "write DynamicUser=yes, or the name of a user of its own",
    r"obsolete, automatically updating": "write journal, or leave it out",
    r"OOM score": "write a number from -1000 to 1000",
    r"marked (?:executable|world-writable)": "chmod 0644 the file",
}


def findings(
    output: str,
    unit: Unit,
    *,
    files: Iterable[str],
    has_programs: bool,
    known: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """What it says of ``files`` (below the unit folder); of others it may say more.

    ``known`` are systemd's own directives, by section.

    Without ``has_programs`` the unit is for another machine, or has a root of its own, and what
    is not installed here is no matter.
    """
    ends = tuple(f"/{file}" for file in files)
    names = tuple(f"{name}: " for name in (unit.name, *(end.lstrip("/") for end in ends)))
    for line in dict.fromkeys(output.splitlines()):
        found = _AT.fullmatch(line)
        if found and found["path"].endswith(ends):
            yield from _placed(found, unit, known)
        elif line.startswith(names):
            yield from _whole(line.partition(": ")[2], has_programs=has_programs)


def _placed(
    found: re.Match[str], unit: Unit, known: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    path, text = PurePosixPath(found["path"]), found["text"].removesuffix(", ignoring.")
    # What the lists say of themselves has the consequence and the fix.
    if _SAID_BETTER.search(text):
        return
    name = path.name if path.parent.suffix != ".d" else f"{path.parent.name}/{path.name}"
    is_taken = re.search(r"please use|obsolete|unsafe|not safe|updating", text)
    yield Finding(
        subject=f"{name}:{found['line']}",
        expected="a line that systemd takes" + (" without a warning" if is_taken else ""),
        found=text if is_taken else f"{text}: it is dropped",
        fix=_fix(text, unit, known),
    )


def _fix(text: str, unit: Unit, known: Mapping[str, Sequence[str]]) -> str:
    key, section = _UNKNOWN_KEY.search(text), _UNKNOWN_SECTION.search(text)
    if section:
        near = difflib.get_close_matches(section["section"].title(), _SECTIONS, n=1)
        return f"write [{near[0]}]" if near else "leave the section out"
    if key:
        return _meant(key["key"].replace("\xa0", "").strip(), unit, known)
    for pattern, fix in _FIXES.items():
        match = re.search(pattern, text)
        if match:
            return fix.format(*match.groups()) if match.groups() else fix
    return MANUALS


def _meant(key: str, unit: Unit, known: Mapping[str, Sequence[str]]) -> str:
    """The section that a key belongs into, or the key that was meant."""
    own = "Slice" if unit.name.endswith(".slice") else "Service"
    sections = [own, "Unit", "Install"]
    is_at = [one for one in sections if key in known.get(one, ())]
    if is_at:
        return f"write it below [{is_at[0]}]"
    if own == "Slice" and key in known.get("Service", ()):
        return "leave it out: a slice has AllowedCPUs= and AllowedMemoryNodes=, and no such line"
    meant = _MEANT.get(key.lower().replace("_", ""))
    by_case = {name.lower(): name for one in sections for name in known.get(one, ())}
    near = difflib.get_close_matches(key.lower().replace("_", ""), by_case, n=1, cutoff=0.7)
    meant = meant or (by_case[near[0]] if near else None)
    return f"write {meant}=" if meant else f"leave it out of {unit.name}"


def _whole(text: str, *, has_programs: bool) -> Iterator[Finding]:
    program = _PROGRAM.search(text)
    if (program or _ABSENT_UNIT.search(text)) and not has_programs:
        return
    # It comes with the line that it is about.
    if text.startswith("Unit configuration has fatal error"):
        return
    if program:
        yield Finding(
            subject=program["path"],
            expected="a program",
            found=program["why"],
            fix="install it, or write its whole path in ExecStart=",
            # Of what we may not look at the service's own user may well have more.
            is_unknown="Permission denied" in program["why"] and os.geteuid() != 0,
        )
    else:
        fixes = (
            fix.format(*match.groups())
            for pattern, fix in _FIXES.items()
            if (match := re.search(pattern, text))
        )
        yield Finding(
            subject="the unit",
            expected="one that systemd can load",
            found=text,
            fix=next(fixes, "see systemd.service(5)"),
        )
