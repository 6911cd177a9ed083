r"""On which node the pages of a process lie: /proc/PID/numa_maps.

Format: numa(7); show_numa_map() in the kernel's fs/proc/task_mmu.c and mpol_to_str() in
mm/mempolicy.c. A line:

    7f00 bind=static:0-1 file=/a\040b huge anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pytest_numa.errors import ParseError
from pytest_numa.kernel import escapes

_ADDRESS = re.compile(r"[0-9a-f]{1,16}")
# "prefer (many)" and "weighted interleave" hold a blank. A mode that is not known here is taken
# as one word: the pages count whatever a newer kernel calls its policy.
_FACTS = re.compile(
    r"(?P<policy>(?:prefer \(many\)|weighted interleave|(?!heap|stack|huge)[a-z-]+)"
    r"(?:=[a-z|]+)?(?::[0-9,-]+)?)"
    r"(?: (?:file=(?P<file>[^ \t=]*)|(?P<heap>heap)|(?P<stack>stack(?::[0-9]+)?)))?"
    r"(?P<huge> huge)?"
    r"(?P<counts>(?: [A-Za-z_]+[0-9]*=[0-9]{1,18})*)"
)
_PAIR = re.compile(r"(?m)^([0-9a-f]{1,16}) ([^\n]+)$")
_NODE = re.compile(r"N([0-9]{1,6})")
# What a line that was cut off cannot end with: the kernel ends a line of pages with their size, and
# one without pages with a policy, its nodes or a label.
_WHOLE = re.compile(
    r".* kernelpagesize_kB=[0-9]+|(?:default|local)(?: file=.*| heap| stack(?::[0-9]+)?)?(?: huge)?"
    r"|[a-z() =|-]+:[0-9,-]+(?: file=.*| heap| stack(?::[0-9]+)?)?(?: huge)?"
)


class MappedRange(NamedTuple):
    """One range of a process's memory. Pages are of ``page_size_kib``.

    Pages that several processes share are counted in each of them. Memory of devices is not
    counted, nor is what was swapped out. A tuple: a process may have 100,000 of them.
    """

    start_address: int
    policy: str
    """The policy of the range, or of the process where the range has none: ``bind:0``."""
    file: str | None
    is_heap: bool
    is_stack: bool
    is_huge: bool
    """Whether it is hugetlb memory. Transparent huge pages are counted as small ones."""
    pages_by_node: Mapping[int, int]
    page_size_kib: int
    anon_pages: int | None
    dirty_pages: int | None
    mapped_pages: int | None
    mapmax: int | None
    """The most processes that share one of the pages; None where it is 1."""

    @property
    def bytes_by_node(self) -> dict[int, int]:
        """Bytes on each node that holds any."""
        unit_bytes = self.page_size_kib * 1024
        return {node: pages * unit_bytes for node, pages in self.pages_by_node.items()}


def parse(text: str, *, source: str, default_page_size_kib: int = 4) -> Iterator[MappedRange]:
    """Read the file line by line; ParseError at a line that is not in the format.

    Kernels before 4.0 print no page size; ``default_page_size_kib`` stands in for it.
    """
    # Many ranges differ in nothing but their address, and each is worth microseconds.
    known: dict[str, MappedRange] = {}
    # Not splitlines(): a path may hold any control character but newline and tab.
    stripped = text.strip("\0\n")
    is_ended = "\n" in text[len(text.rstrip("\0\n")) :]
    lines = stripped.split("\n") if stripped else []
    for number, line in enumerate(lines, start=1):
        address, _, facts = line.partition(" ")
        like = known.get(facts)
        if like is None:
            like = _range(facts, default_page_size_kib=default_page_size_kib)
            if like is not None:
                known[facts] = like
        is_last = number == len(lines) and not is_ended
        if (
            like is None
            or (is_last and _is_cut(facts, like, stripped))
            or not _ADDRESS.fullmatch(address)
        ):
            raise ParseError(
                f"{source}:{number}",
                expected="ADDRESS POLICY [file=PATH] [NAME=COUNT]…",
                found=line,
            )
        yield MappedRange(int(address, base=16), *like[1:])


def parse_alike(
    text: str, *, source: str, default_page_size_kib: int = 4
) -> Iterator[tuple[MappedRange, int]]:
    """Read the file as ``parse`` does: each range with how many there are of its like.

    Alike are ranges that differ in nothing but their address, of which the first is given. Those
    whose pages are shared (``mapmax``) come one by one. A process of 10,000 ranges is read in a
    tenth of the time.
    """
    pairs = _PAIR.findall(text)
    if len(pairs) != text.count("\n") or not text.endswith("\n"):
        # There is something odd in it: a cut or alien line, or NUL bytes of a capture.
        for one in parse(text, source=source, default_page_size_kib=default_page_size_kib):
            yield one, 1
        return
    shared = [" ".join(pair) for pair in pairs if "mapmax=" in pair[1]]
    counts = Counter([facts for _, facts in pairs if "mapmax=" not in facts])
    first = {facts: address for address, facts in reversed(pairs)}
    numbers = [1] * len(shared) + list(counts.values())
    lines = shared + [f"{first[facts]} {facts}" for facts in counts]
    alike = "\n".join([*lines, ""])
    try:
        found = list(parse(alike, source=source, default_page_size_kib=default_page_size_kib))
    except ParseError:
        # Its line number is that of the lines as they are here, not in the file.
        found = list(parse(text, source=source, default_page_size_kib=default_page_size_kib))
        numbers = [1] * len(found)
    yield from zip(found, numbers, strict=True)


def _is_cut(facts: str, like: MappedRange, text: str) -> bool:
    """Whether the last line, which no newline ends, is a part of one."""
    is_sized = "kernelpagesize_kB=" in text
    return _WHOLE.fullmatch(facts) is None and (is_sized or not like.pages_by_node)


def _range(facts: str, *, default_page_size_kib: int) -> MappedRange | None:
    """Read what stands behind the address; None where it is not in the format."""
    match = _FACTS.fullmatch(facts.rstrip(" "))
    if match is None:
        return None
    policy, file, heap, stack, huge, words = match.groups()
    counts = {
        name: int(count) for name, _, count in (word.partition("=") for word in words.split())
    }
    nodes = {name: node for name in counts if (node := _NODE.fullmatch(name))}
    return MappedRange(
        start_address=0,
        policy=policy,
        file=None if file is None else escapes.decode(file),
        is_heap=heap is not None,
        is_stack=stack is not None,
        is_huge=huge is not None,
        pages_by_node={int(node[1]): counts[name] for name, node in nodes.items()},
        page_size_kib=counts.get("kernelpagesize_kB", default_page_size_kib),
        anon_pages=counts.get("anon"),
        dirty_pages=counts.get("dirty"),
        mapped_pages=counts.get("mapped"),
        mapmax=counts.get("mapmax"),
    )
