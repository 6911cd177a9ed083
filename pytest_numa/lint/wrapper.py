"""What stands before the server's own command line: numactl, taskset and their like.

Options: numactl(8), taskset(1).
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist

_NUMACTL = {
    **dict.fromkeys(("-C", "--physcpubind"), "physcpubind"),
    **dict.fromkeys(("-N", "--cpunodebind"), "cpunodebind"),
    **dict.fromkeys(("-m", "--membind"), "bind"),
    **dict.fromkeys(("-i", "--interleave"), "interleave"),
    **dict.fromkeys(("-p", "--preferred"), "preferred"),
    **dict.fromkeys(("-P", "--preferred-many"), "preferred-many"),
    **dict.fromkeys(("-w", "--weighted-interleave"), "weighted-interleave"),
    **dict.fromkeys(("-l", "--localalloc"), "local"),
    **dict.fromkeys(("-a", "--all"), "all"),
}
_NUMACTL_FLAGS = ("local", "all")
POLICIES = ("bind", "interleave", "preferred", "preferred-many", "weighted-interleave", "local")
# How many words each takes besides options, before the command that it starts.
_PLAIN = {"nice": 0, "ionice": 0, "stdbuf": 0, "setpriv": 0, "time": 0, "nohup": 0, "chrt": 1}
_SHELLS = ("sh", "bash", "dash", "zsh")
_WITH_VALUE = ("-n", "-c", "-i", "-o", "-e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapper:
    """``name`` is that of the program; ``options`` are those that matter, in order.

    The text of one that takes none is empty; a mask of taskset is written as a list.
    """

    name: str
    options: tuple[tuple[str, str], ...] = ()

    def text(self, name: str) -> str | None:
        """The option's text; None where it is not given."""
        return dict(self.options).get(name)

    def members(self, name: str) -> frozenset[int] | None:
        """The option's list of CPUs or nodes; None where it is none, or is relative."""
        text = self.text(name)
        try:
            return cpulist.parse(text, source=name) if text else None
        except ParseError:
            return None


def split(argv: Sequence[str]) -> tuple[tuple[Wrapper, ...], tuple[str, ...]]:
    """The wrappers at the head of a command line, and the command itself."""
    found: list[Wrapper] = []
    rest = list(argv)
    while rest:
        name = rest[0].rpartition("/")[2]
        if name == "numactl":
            found.append(Wrapper(name=name, options=tuple(_numactl(rest))))
        elif name == "taskset":
            found.append(Wrapper(name=name, options=tuple(_taskset(rest))))
        elif name == "env":
            found.append(Wrapper(name=name, options=tuple(_env(rest))))
        elif name in _SHELLS and _script(rest) is not None:
            words = _script(rest) or []
            is_direct = words[:1] == ["exec"]
            found.append(Wrapper(name=name, options=(("exec", ""),) if is_direct else ()))
            rest = words[1:] if is_direct else words
        elif name in _PLAIN:
            _drop_options(rest, words=_PLAIN[name])
            found.append(Wrapper(name=name))
        else:
            break
    return tuple(found), tuple(rest)


def _numactl(rest: list[str]) -> Iterator[tuple[str, str]]:
    """Take numactl and its options off ``rest``."""
    del rest[0]
    while rest and rest[0].startswith("-"):
        word, equals, value = rest.pop(0).partition("=")
        if word == "--":
            return
        name = _NUMACTL.get(word) or _NUMACTL.get(word[:2]) or word
        if name in _NUMACTL_FLAGS or name not in _NUMACTL.values():
            yield name, ""
        elif word[:2] != "--" and len(word) > 2:  # noqa: PLR2004 - the value follows the letter
            yield name, word[2:]
        else:
            yield name, value if equals or not rest else rest.pop(0)


def _taskset(rest: list[str]) -> Iterator[tuple[str, str]]:
    del rest[0]
    is_list = False
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        is_list = is_list or word == "--cpu-list" or (word[1:2] != "-" and "c" in word)
    if rest:
        yield "physcpubind", rest.pop(0) if is_list else mask_list(rest.pop(0))


def mask_list(mask: str) -> str:
    """A hexadecimal mask as a list; as it is, where it is none."""
    try:
        bits = int(mask.replace(",", ""), base=16)
    except ValueError:
        return mask
    return cpulist.format(bit for bit in range(bits.bit_length()) if bits >> bit & 1)


def _script(rest: Sequence[str]) -> list[str] | None:
    """The last command of ``sh -c SCRIPT``; None where it is no such line, or cannot be read."""
    flags = [word for word in rest[1:] if word.startswith("-")]
    if not flags or not flags[-1].endswith("c") or len(rest) < len(flags) + 2:
        return None
    try:
        words = shlex.split(rest[len(flags) + 1], comments=True)
    except ValueError:
        return None
    ends = [number for number, word in enumerate(words) if word in ("&&", "||") or word[-1:] == ";"]
    return words[ends[-1] + 1 :] if ends else words


def _env(rest: list[str]) -> Iterator[tuple[str, str]]:
    del rest[0]
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        name, equals, value = rest.pop(0).partition("=")
        if equals and not name.startswith("-"):
            yield name, value


def _drop_options(rest: list[str], *, words: int) -> None:
    del rest[0]
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in _WITH_VALUE and rest:
            del rest[0]
    del rest[:words]
