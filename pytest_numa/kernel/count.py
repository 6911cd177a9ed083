"""A file that holds one number: thermal_throttle/core_throttle_count, cpufreq/scaling_cur_freq.

Format: the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu.
"""

import re

from pytest_numa.errors import ParseError

_NUMBER = re.compile(r"([0-9]{1,20})\s*", re.ASCII)


def parse(text: str, *, source: str) -> int:
    """Read it; ParseError for anything else, such as ``<unknown>``."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ParseError(source, expected="a number", found=text)
    return int(match[1])
