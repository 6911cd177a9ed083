"""Names, masks and sizes of a process or thread: /proc/PID/status, /proc/PID/task/TID/status.

Format: proc_pid_status(5). Kernel threads and zombies have no memory and lack the Vm lines.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist

_NUMBER = re.compile(r"[0-9]{1,20}")
_SIZE = re.compile(r"([0-9]{1,18}) kB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One task; None where the kernel prints no such line for it."""

    name: str
    state: str
    pid: int
    """The thread's own id in task/TID/status."""
    tgid: int
    ppid: int
    threads: int
    cpus_allowed: frozenset[int] | None
    mems_allowed: frozenset[int] | None
    """Nodes left by the cpuset. A memory policy (numactl --membind) does not show here."""
    vm_rss_bytes: int | None
    rss_anon_bytes: int | None
    rss_file_bytes: int | None
    rss_shmem_bytes: int | None
    vm_swap_bytes: int | None
    hugetlb_bytes: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None


def parse(text: str, *, source: str) -> Status:
    """Read a status file; ParseError where a line that every task has is missing or malformed."""
    fields = _fields(text, source=source)
    return Status(
        name=fields["Name"],
        state=fields["State"][:1],
        pid=_number(fields, "Pid", source=source),
        tgid=_number(fields, "Tgid", source=source),
        ppid=_number(fields, "PPid", source=source),
        threads=_number(fields, "Threads", source=source),
        cpus_allowed=_members(fields, "Cpus_allowed_list", source=source),
        mems_allowed=_members(fields, "Mems_allowed_list", source=source),
        vm_rss_bytes=_size(fields, "VmRSS", source=source),
        rss_anon_bytes=_size(fields, "RssAnon", source=source),
        rss_file_bytes=_size(fields, "RssFile", source=source),
        rss_shmem_bytes=_size(fields, "RssShmem", source=source),
        vm_swap_bytes=_size(fields, "VmSwap", source=source),
        hugetlb_bytes=_size(fields, "HugetlbPages", source=source),
        voluntary_switches=_count(fields, "voluntary_ctxt_switches", source=source),
        involuntary_switches=_count(fields, "nonvoluntary_ctxt_switches", source=source),
    )


def _fields(text: str, *, source: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, line in enumerate(text.strip("\0\n").split("\n"), start=1):
        name, colon, value = line.partition(":")
        if not colon:
            raise ParseError(f"{source}:{number}", expected="NAME: VALUE", found=line)
        fields[name] = value.strip()
    for name in ("Name", "State", "Pid", "Tgid", "PPid", "Threads"):
        if name not in fields:
            raise ParseError(source, expected=f"a line {name}", found=text)
    return fields


def _count(fields: Mapping[str, str], name: str, *, source: str) -> int | None:
    return _number(fields, name, source=source) if name in fields else None


def _number(fields: Mapping[str, str], name: str, *, source: str) -> int:
    value = fields[name]
    if not _NUMBER.fullmatch(value):
        raise ParseError(f"{source}, {name}", expected="a number", found=value)
    return int(value)


def _size(fields: Mapping[str, str], name: str, *, source: str) -> int | None:
    if name not in fields:
        return None
    match = _SIZE.fullmatch(fields[name])
    if match is None:
        raise ParseError(f"{source}, {name}", expected="SIZE kB", found=fields[name])
    return int(match[1]) * 1024


def _members(fields: Mapping[str, str], name: str, *, source: str) -> frozenset[int] | None:
    # An empty list means that the kernel has nothing to say of a dead task.
    return cpulist.parse(fields.get(name, ""), source=f"{source}, {name}") or None
