"""The options that set the host's conditions; nothing here is heavy."""

import re

from pytest_numa.option import Option, integer, one_of

PAGE_CACHE = ("evict", "keep")
NEIGHBOURS = ("same", "other")
# A governor is the name of a kernel module without its prefix: 16 characters (CPUFREQ_NAME_LEN).
_GOVERNOR = re.compile(r"[a-z_]{1,15}")


def _governors(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(map(_GOVERNOR.fullmatch, names)) or len(set(names)) != len(names):
        raise ValueError(f"expected governors such as performance,powersave, found {text!r}")
    return names


def _neighbours(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(NEIGHBOURS) or len(set(names)) != len(names):
        raise ValueError(f"expected some of {','.join(NEIGHBOURS)}, each once, found {text!r}")
    return names


OPTIONS = (
    Option(
        name="page-cache",
        metavar="|".join(PAGE_CACHE),
        parse=one_of(PAGE_CACHE),
        help="the page cache of the server's files before each start [evict where several nodes "
        "have memory]",
    ),
    Option(
        name="governor",
        metavar="LIST",
        parse=_governors,
        help="measure additional blocks under each of these CPU governors (performance,powersave)",
    ),
    Option(
        name="neighbour",
        metavar="same|other|same,other",
        parse=_neighbours,
        help="measure additional blocks beside a load on the service's node, or on another one; "
        "both: same,other",
    ),
    Option(
        name="condition-blocks",
        parse=integer(1),
        default="4",
        help="additional blocks under each governor or neighbour, after all verdicts are in",
    ),
)
