"""One line of facts about a process or thread: /proc/PID/stat, /proc/PID/task/TID/stat.

Format: proc_pid_stat(5), whose field numbers stand in the comments.
"""

import re
from dataclasses import dataclass

from pytest_numa.errors import ParseError

_HEAD = re.compile(r"([0-9]{1,10}) \(")
# One pattern for all fields: a service may have thousands of threads to read.
_FIELDS = re.compile(r"[A-Za-z](?: -?[0-9]{1,20}){36,}")
# include/linux/sched.h
_PF_KTHREAD = 0x200000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """Times are in clock ticks (sysconf _SC_CLK_TCK); the start is counted from boot."""

    pid: int
    comm: str
    state: str
    ppid: int
    flags: int
    minor_faults: int
    """Page faults without reading from disk; of a process, those of ended threads included."""
    major_faults: int
    utime_ticks: int
    stime_ticks: int
    start_time_ticks: int
    last_cpu: int
    """Where it ran last; old news for a thread that sleeps."""

    @property
    def is_kernel_thread(self) -> bool:
        """Whether the kernel runs it for itself."""
        return bool(self.flags & _PF_KTHREAD)


def parse(text: str, *, source: str) -> Stat:
    """Read the line. The name may hold blanks and parentheses: it ends at the last ``)``."""
    head = _HEAD.match(text)
    end = text.rfind(")")
    fields = text[end + 1 :].strip("\0\n ")
    if head is None or end < head.end() or not _FIELDS.fullmatch(fields):
        raise ParseError(source, expected="PID (NAME) STATE and 36 numbers or more", found=text)
    state, *numbers = fields.split(" ")
    return Stat(
        pid=int(head[1]),
        comm=text[head.end() : end],
        state=state,  # 3
        ppid=int(numbers[0]),  # 4
        flags=int(numbers[5]),  # 9
        minor_faults=int(numbers[6]),  # 10
        major_faults=int(numbers[8]),  # 12
        utime_ticks=int(numbers[10]),  # 14
        stime_ticks=int(numbers[11]),  # 15
        start_time_ticks=int(numbers[18]),  # 22
        last_cpu=int(numbers[35]),  # 39
    )


def parse_work(text: str, *, source: str) -> tuple[int, int]:
    """Read no more than the CPU time in ticks and the last CPU, in a tenth of the time."""
    fields = text[text.rfind(")") + 2 :].split(" ", 38)
    try:
        return int(fields[11]) + int(fields[12]), int(fields[36])
    except (ValueError, IndexError):
        raise ParseError(
            source, expected="PID (NAME) STATE and 36 numbers or more", found=text
        ) from None


def parse_image(text: str, *, source: str) -> tuple[int, int]:
    """Read no more than the start time and the bottom of the stack: what tells a program apart.

    The stack is 0 for a reader without the right to trace the process.
    """
    fields = text[text.rfind(")") + 2 :].split(" ", 27)
    try:
        return int(fields[19]), int(fields[25])
    except (ValueError, IndexError):
        raise ParseError(
            source, expected="PID (NAME) STATE and 36 numbers or more", found=text
        ) from None
