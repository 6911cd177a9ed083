"""Masks of CPUs as kernels write them that have no list file: ``00000000,0000ffff``.

Format: cpuset(7) "Mask format": words of 32 bits in hexadecimal, the most significant first.
"""

import re

from pytest_numa.errors import ParseError

_MASK = re.compile(r"[0-9a-f]{1,8}(?:,[0-9a-f]{8}){0,32767}", flags=re.IGNORECASE)


def parse(text: str, *, source: str) -> frozenset[int]:
    """Read a mask as the set of its bits."""
    stripped = text.strip("\0\n\t ")
    if not _MASK.fullmatch(stripped):
        raise ParseError(source, expected="a mask such as 00000000,0000ffff", found=stripped)
    bits = f"{int(stripped.replace(',', ''), base=16):b}"
    return frozenset(place for place, bit in enumerate(reversed(bits)) if bit == "1")
