"""Lists of CPUs and nodes as those who read them take them: each has a grammar of its own.

systemd: parse_cpu_set() in its src/shared/cpu-set-util.c; taskset: cpulist_parse() in util-linux's
lib/cpuset.c; numactl(8); OpenMP: libgomp's manual and Intel's of KMP_AFFINITY. What systemd 252,
util-linux 2.38 and numactl 2.0.16 take was tried.
"""

import re

from pytest_numa.errors import UnitError
from pytest_numa.kernel import cpulist
from pytest_numa.services import quoting

_RANGE = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7})(?::([0-9]{1,7}))?)?")
_MASK = re.compile(r"(?:0x)?[0-9a-f,]{1,4096}", flags=re.IGNORECASE)
# systemd's own limit, CPU_SETSIZE of its masks.
_LARGEST = 8191


def systemd(text: str) -> frozenset[int] | None:
    """``0-3 8``, ``0,1``: blanks or commas between, quotes allowed; None where it is no list."""
    try:
        words = quoting.split(text.replace(",", " "), source="a list")
    except UnitError:
        return None
    found: set[int] = set()
    for word in words:
        match = _RANGE.fullmatch(word.replace("+", ""))
        if match is None or match[3] or not int(match[1]) <= int(match[2] or match[1]) <= _LARGEST:
            return None
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found) or None


def plain(text: str) -> frozenset[int] | None:
    """``0-3,8`` or, of every second, ``0-6:2``: nothing but commas between; None where it is none.

    taskset reads it, and all OpenMP libraries.
    """
    found: set[int] = set()
    for word in text.split(","):
        match = _RANGE.fullmatch(word)
        if match is None or match[3] == "0":
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= cpulist.LARGEST:
            return None
        found.update(range(first, last + 1, int(match[3] or 1)))
    return frozenset(found)


def mask(text: str) -> frozenset[int] | None:
    """A hexadecimal mask, ``0xff`` or ``ff,ffffffff``; None where it is none."""
    digits = text.lower().removeprefix("0x").replace(",", "")
    if not digits or not _MASK.fullmatch(text):
        return None
    bits = int(digits, base=16)
    return frozenset(bit for bit in range(bits.bit_length()) if bits >> bit & 1)


def places(text: str) -> frozenset[int] | None:
    """All CPUs of OMP_PLACES, ``{0:4},{4,5}`` or ``{0:4}:2:4``; None where it names none."""
    found: set[int] = set()
    for match in re.finditer(r"\{([^{}]*)\}(?::(\d{1,5}))?(?::(\d{1,5}))?", text):
        own = _place(match[1])
        count, stride = int(match[2] or 1), int(match[3] or len(own))
        # More than any host has is a typing mistake, and would fill the memory.
        if count * len(own) > _LARGEST:
            return None
        found |= {cpu + number * stride for number in range(count) for cpu in own}
    return frozenset(found) or None


def _place(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,7})(?::(\d{1,5}))?(?::(\d{1,5}))?\s*", part)
        if match is not None:
            first, count, step = int(match[1]), int(match[2] or 1), int(match[3] or 1)
            found |= set(range(first, first + min(count, _LARGEST + 1) * step, step or 1))
    return found
