"""What stands before the server's own command line: numactl, taskset and their like.

Options: numactl(8), taskset(1).
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_numa.kernel import cpulist
from pytest_numa.lint import ranges

_SHORT = {
    "C": "physcpubind",
    "N": "cpunodebind",
    "c": "cpunodebind",
    "m": "bind",
    "i": "interleave",
    "p": "preferred",
    "P": "preferred-many",
    "w": "weighted-interleave",
    "l": "local",
    "a": "all",
    "b": "balancing",
    "s": "show",
    "H": "hardware",
    "h": "help",
}
_NAMES = {"membind": "bind", "localalloc": "local", "cpubind": "cpunodebind"}
_LONG = (
    *("physcpubind", "cpunodebind", "cpubind", "membind", "interleave", "weighted-interleave"),
    *("preferred", "preferred-many", "localalloc", "all", "balancing", "show", "hardware", "help"),
)
# Of shared memory; no server is started with them.
_OTHERS = ("shm", "file", "offset", "length", "strict", "shmmode", "shmid", "huge", "touch", "dump")
_FLAGS = ("local", "all", "balancing", "show", "hardware", "help")
POLICIES = ("bind", "interleave", "preferred", "preferred-many", "weighted-interleave", "local")
UNKNOWN = "unknown"
# How many words each takes besides options, before the command that it starts, and its options
# that take one more.
_PLAIN: dict[str, tuple[int, tuple[str, ...]]] = {
    "nice": (0, ("-n", "--adjustment")),
    "ionice": (0, ("-c", "-n", "--class", "--classdata")),
    "stdbuf": (0, ("-i", "-o", "-e", "--input", "--output", "--error")),
    "time": (0, ("-f", "-o", "--format", "--output")),
    "nohup": (0, ()),
    "tini": (0, ("-p", "-e")),
    "dumb-init": (0, ("-r", "--rewrite")),
    "prlimit": (0, ("-o", "--output")),
    "systemd-inhibit": (0, ()),
    "chrt": (1, ("-T", "-P", "-D", "--sched-runtime", "--sched-period", "--sched-deadline")),
    "timeout": (1, ("-k", "-s", "--kill-after", "--signal")),
    "setpriv": (
        0,
        (
            *("--ruid", "--euid", "--reuid", "--rgid", "--egid", "--regid", "--groups"),
            *("--inh-caps", "--ambient-caps", "--bounding-set", "--securebits", "--pdeathsig"),
            *("--selinux-label", "--apparmor-profile"),
        ),
    ),
}
SHELLS = ("sh", "bash", "dash", "zsh")
_ENV_WITH_VALUE = ("-u", "--unset", "-C", "--chdir")
# By device, or of what the process has already: known on the host alone.
_RELATIVE = re.compile(r"!?\+.*|same|(?:netdev|file|ip|block|pci):.*", flags=re.DOTALL)


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

    def members(self, name: str, every: frozenset[int] = frozenset()) -> frozenset[int] | None:
        """The option's list of CPUs or nodes of ``every``; None of none, or if relative."""
        text = self.text(name)
        if not text:
            return None
        if text == "all":
            return every or None
        if text.startswith("!"):
            others = ranges.plain(text[1:])
            return every - others or None if others is not None else None
        return ranges.plain(text)

    def is_relative(self, name: str) -> bool:
        """Whether only the host could say which CPUs or nodes are meant."""
        text = self.text(name)
        return bool(text and (_RELATIVE.fullmatch(text) or "$" in text or "%" in text))

    @property
    def last_of_cpus(self) -> str | None:
        """Which option sets the CPUs: of several the last."""
        found = [name for name, _ in self.options if name in ("physcpubind", "cpunodebind")]
        return found[-1] if found else None


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
        elif name in SHELLS and _script(rest) is not None:
            assigned, words = _assigned(_script(rest) or [])
            is_direct = words[:1] == ["exec"]
            direct = [("exec", "")] if is_direct else []
            found.append(Wrapper(name=name, options=(*direct, *assigned)))
            rest = words[1:] if is_direct else words
        elif name in _PLAIN:
            _drop_options(rest, *_PLAIN[name])
            found.append(Wrapper(name=name))
        else:
            break
    return tuple(found), tuple(rest)


def _numactl(rest: list[str]) -> Iterator[tuple[str, str]]:
    """Take numactl and its options off ``rest``."""
    del rest[0]
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word, equals, value = rest.pop(0).partition("=")
        if word == "--":
            return
        is_long = word.startswith("--")
        name = _long(word[2:]) if is_long else _SHORT.get(word[1:2])
        if name is None:
            yield UNKNOWN, word
        elif name in _FLAGS or name in _OTHERS:
            yield name, ""
            if not is_long and word[2:]:
                rest.insert(0, f"-{word[2:]}")
        elif not is_long and (len(word) > 2 or equals):  # noqa: PLR2004 - it follows the letter
            yield name, f"{word[2:]}{equals}{value}"
        else:
            yield name, value if equals or not rest else rest.pop(0)


def _long(word: str) -> str | None:
    """An option by its whole name, or by a beginning that no other has, as getopt takes it."""
    if word in (*_LONG, *_OTHERS):
        return _NAMES.get(word, word)
    found = [name for name in (*_LONG, *_OTHERS) if word and name.startswith(word)]
    return _NAMES.get(found[0], found[0]) if len(found) == 1 else None


def _taskset(rest: list[str]) -> Iterator[tuple[str, str]]:
    del rest[0]
    is_list = False
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        letters = "" if word.startswith("--") else word[1:]
        is_list = is_list or "--cpu-list".startswith(word) or "c" in letters
        if word == "--pid" or "p" in letters:
            yield "pid", ""
    if rest:
        text = rest.pop(0)
        found = None if is_list else ranges.mask(text)
        yield "physcpubind", cpulist.format(found) if found else text if is_list else f"mask {text}"


def _script(rest: Sequence[str]) -> list[str] | None:
    """The last command of ``sh -c SCRIPT``; None where it is no such line, or cannot be read."""
    flags = [word for word in rest[1:] if word.startswith("-")]
    if not flags or not flags[-1].endswith("c") or len(rest) < len(flags) + 2:
        return None
    # What a command in it prints is no word of its own.
    script = re.sub(r"\$\([^()]*\)|`[^`]*`", "_", rest[len(flags) + 1])
    try:
        words = shlex.split(script, comments=True)
    except ValueError:
        return None
    last = len(words) - 1
    ends = [
        number
        for number, word in enumerate(words)
        if word in ("&&", "||") or word[-1:] == ";" or (word == "&" and number < last)
    ]
    return words[ends[-1] + 1 :] if ends else words


def _assigned(words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The variables before a command, and the command."""
    first = next(
        (number for number, word in enumerate(words) if not re.match(r"\w+=", word)), len(words)
    )
    pairs = (word.partition("=") for word in words[:first])
    return [(name, value) for name, _, value in pairs], words[first:]


def _env(rest: list[str]) -> Iterator[tuple[str, str]]:
    del rest[0]
    while rest and (rest[0].startswith("-") or "=" in rest[0]):
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if equals and not name.startswith("-"):
            yield name, value
        elif word in _ENV_WITH_VALUE and rest:
            del rest[0]


def _drop_options(rest: list[str], words: int, with_value: tuple[str, ...]) -> None:
    del rest[0]
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if option in with_value and rest:
            del rest[0]
    del rest[:words]
