"""What is private in the texts of a host goes; numbers that a machine is made of stay."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_numa.capture import credentials, identities
from pytest_numa.capture.identities import Numbers

_NAMED = (
    ("a user's name", re.compile(r"(/(?:home|[Uu]sers)/)[^/\s:,\"']+"), r"\1user"),
    ("a serial number", re.compile(r"(/by-id/)[^/\s:,\"']+"), rf"\1{credentials.BLANK}"),
    ("a name of iSCSI", re.compile(r"\b(iqn\.\d{4}-\d\d\.)[^\s,\"']+"), rf"\1{credentials.BLANK}"),
)
# As of sshfs, alice@host:/data, of cifs, username=alice, and of who built the kernel, (alice@host).
_ACCOUNT = re.compile(
    r"(?<![\w.+@-])[\w.+-]+@(?!sha\d+:)(?=[\w.-]+:)|(?<=\()[\w.+-]+@|(?<=\busername=)[^\s,;&]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blanked:
    """A text without what is private, and what that was, in words."""

    text: str
    what: tuple[str, ...]


@dataclass(slots=True)
class Blanker:
    """Blanks the texts of one host, which has these names."""

    names: tuple[str, ...]
    _numbers: Numbers = field(default_factory=Numbers)
    _people_known: dict[str, Blanked] = field(default_factory=dict)
    _words_known: dict[str, Blanked] = field(default_factory=dict)
    _host: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        self._host = identities.host_pattern(*self.names)

    def argv(self, text: str) -> Blanked:
        """Blank a command line as /proc/PID/cmdline has it, with a NUL after each word."""

        def steps(what: dict[str, None]) -> str:
            words = [self._without_accounts(word, what) for word in text.split("\0")]
            return "\0".join(self._people(w, what) for w in credentials.by_name(words, what))

        return _noted(steps)

    def words(self, text: str) -> Blanked:
        """Blank a text of words between blanks, such as the kernel's command line."""

        def steps(what: dict[str, None]) -> str:
            # One word that holds them all: quotes are understood.
            found = "".join(credentials.by_name([f" {self._without_accounts(text, what)}"], what))
            return self._people(found.removeprefix(" "), what)

        # Processes mostly see the same mounts.
        if text not in self._words_known:
            self._words_known[text] = _noted(steps)
        return self._words_known[text]

    def people(self, text: str) -> Blanked:
        """Blank a path, or what else people have named."""
        # The same paths stand in thousands of lines.
        if text not in self._people_known:
            self._people_known[text] = _noted(lambda what: self._people(text, what))
        return self._people_known[text]

    def numbers(self, text: str) -> Blanked:
        """Blank a text of the kernel's own: only numbers that are unique in the world."""
        return _noted(lambda what: self._numbers.blank(text, what))

    def _people(self, text: str, what: dict[str, None]) -> str:
        text = self._without_host(credentials.by_shape(text, what), what)
        for name, pattern, instead in _NAMED:
            text = _substituted(pattern, instead, text, name, what)
        return identities.addresses(self._numbers.blank(text, what), what)

    def _without_host(self, text: str, what: dict[str, None]) -> str:
        while self._host and (changed := self._host.sub("host", text)) != text:
            # Again: what is left of "host-1-1" on a host called "host-1" is its name.
            what["the host's name"] = None
            text = changed
        return text

    def _without_accounts(self, text: str, what: dict[str, None]) -> str:
        def instead(match: re.Match[str]) -> str:
            return "user@" if match[0].endswith("@") else "user"

        return _substituted(_ACCOUNT, instead, text, "a user's name", what)


def _substituted(
    pattern: re.Pattern[str],
    instead: str | Callable[[re.Match[str]], str],
    text: str,
    name: str,
    what: dict[str, None],
) -> str:
    changed = pattern.sub(instead, text)
    if changed != text:
        what[name] = None
    return changed


def _noted(steps: Callable[[dict[str, None]], str]) -> Blanked:
    what: dict[str, None] = {}
    text = steps(what)
    return Blanked(text=text, what=tuple(what))
