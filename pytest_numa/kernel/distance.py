"""Distances between nodes: /sys/devices/system/node/nodeN/distance.

Format: node_read_distance() in the kernel's drivers/base/node.c: one number for each *online*
node in ascending order, so that column 3 need not be node 3.
"""

import re
from collections.abc import Iterable

from pytest_numa.errors import ParseError

_DISTANCE = re.compile(r"[0-9]{1,5}")


def parse(text: str, *, online: Iterable[int], source: str) -> dict[int, int]:
    """Read the distances (10 is local) by the ids of the online nodes."""
    nodes = sorted(online)
    words = text.strip("\0\n ").split()
    if len(words) != len(nodes) or not all(map(_DISTANCE.fullmatch, words)):
        shown = ", ".join(map(str, nodes))
        raise ParseError(
            source, expected=f"one distance for each online node ({shown})", found=text
        )
    return dict(zip(nodes, map(int, words), strict=True))
