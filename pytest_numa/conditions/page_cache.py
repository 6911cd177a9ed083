"""The page cache, treated alike for all modes: the server's files are evicted before each start.

Pages of a file lie on the node of their first reader and stay there, whatever the policy of who
maps them later. Unless they go before each start, every mode works with the pages that the first
one has read (llama.cpp's README asks to drop the page cache for the same reason).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_numa import formatting
from pytest_numa.conditions import server_files
from pytest_numa.conditions.eviction import Eviction, evict
from pytest_numa.process.mounts import Mounts
from pytest_numa.services.unit import Command

Choice = Literal["evict", "keep"]
# Of many processes that map one file, so many are named.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be done with the page cache, and why."""

    choice: Choice
    reason: str


def wish(given: Choice | None, *, nodes: int) -> Wish:
    """What was asked for; else to evict where ``nodes`` with memory are more than one."""
    if given is not None:
        return Wish(choice=given, reason="as asked for")
    if nodes > 1:
        return Wish(choice="evict", reason=f"{nodes} nodes have memory")
    # To read the weights again before each start may take minutes, and moves no page.
    return Wish(choice="keep", reason="one node has all memory")


class PageCache:
    """What is done with the page cache before each start of one session."""

    def __init__(self, wanted: Wish, command: Command) -> None:
        self._wanted = wanted
        # The program itself may be an interpreter, which others run, too.
        words = command.argv[1:] if wanted.choice == "evict" else ()
        self._named = server_files.of_command(words, command.directory)
        self._mapped: frozenset[str] = frozenset()
        self._starts: list[tuple[Eviction, ...]] = []
        self._holders: dict[str, tuple[int, ...]] = {}

    def before_start(self) -> None:
        """Evict what the server reads, as far as it is known; never fails."""
        if self._wanted.choice == "keep":
            return
        mounts = Mounts(Path("/proc/self"))
        done = tuple(evict(path, mounts) for path in sorted(self._named | self._mapped))
        self._starts.append(done)
        for one in done:
            if one.left_bytes and one.path in self._named and one.path not in self._holders:
                self._holders[one.path] = server_files.holders(one.path)

    def remember(self, pids: Iterable[int]) -> None:
        """Note what the server maps while it runs; its next start is preceded by eviction."""
        if self._wanted.choice == "evict":
            self._mapped |= server_files.mapped_by(pids)

    def sentences(self) -> list[str]:
        """What was done, and what could not be, for the report."""
        how = "kept between" if self._wanted.choice == "keep" else "evicted before"
        told = f"page cache of the server's files: {how} starts ({self._wanted.reason})"
        if not self._starts:
            return [told]
        most_bytes = max(sum(_dropped_bytes(one) for one in start) for start in self._starts)
        files = max(map(len, self._starts))
        noun = "file" if files == 1 else "files"
        counts = f"; up to {formatting.bytes_iec(most_bytes)} of {files} {noun} a start"
        return [told + counts, *self._stayed_named(), *self._stayed_mapped()]

    def _stayed_named(self) -> list[str]:
        """A sentence for each file of the command of which pages stayed."""
        starts: Counter[str] = Counter()
        why: dict[str, str] = {}
        for one in self._all():
            if one.path in self._named and _has_stayed(one):
                starts[one.path] += 1
                why[one.path] = one.trouble or self._left(one)
        return [
            f"{path} was not evicted before {count} of {len(self._starts)} starts: {why[path]}; "
            "the modes may share its pages, on whatever node they lie"
            for path, count in starts.items()
        ]

    def _left(self, one: Eviction) -> str:
        if one.left_bytes is None:
            return "the kernel does not tell us whether (be its owner, or root)"
        pids = self._holders.get(one.path, ())
        shown = ", ".join([*map(str, pids[:_SHOWN]), *(["others"] if pids[_SHOWN:] else [])])
        who = (
            f"mapped by PID {shown}" if pids else "mapped or locked by a process that we cannot see"
        )
        return f"{formatting.bytes_iec(one.left_bytes)} stayed, {who}"

    def _stayed_mapped(self) -> list[str]:
        """One sentence for libraries and the like, which other processes use, too."""
        left: dict[str, int] = {}
        for one in self._all():
            if one.path not in self._named and (one.left_bytes or one.trouble):
                left[one.path] = max(left.get(one.path, 0), one.left_bytes or 0)
        if not left:
            return []
        largest = max(left, key=lambda path: left[path])
        return [
            f"{len(left)} other files that the server maps stayed in part "
            f"({formatting.bytes_iec(sum(left.values()))}), since others map them, too; "
            f"the largest: {largest}"
        ]

    def _all(self) -> Iterable[Eviction]:
        return (one for start in self._starts for one in start)


def _dropped_bytes(one: Eviction) -> int:
    return max(0, (one.before_bytes or 0) - (one.left_bytes or 0))


def _has_stayed(one: Eviction) -> bool:
    return one.trouble is not None or one.left_bytes != 0
