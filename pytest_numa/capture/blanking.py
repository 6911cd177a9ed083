"""What is private in the texts of a host, and what stands in its place.

Names of the host and of users, addresses, serial numbers, and secrets on command lines. Numbers
that a machine is made of are kept.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

BLANK = "blanked"

# `--api-key`, `HF_TOKEN`; not `--max-tokens`, `--tokenizer` or `--numa-keep`.
_SECRET_NAME = re.compile(
    r"(?i)(?:^|[-_.])(?:api-?key|key|.*token(?!s|iz)|.*secret|.*passw(?:or)?d?|pwd|.*credentials?|"
    r"auth(?:orization)?)(?:$|[-_.])"
)
_OPTION = re.compile(r"-{1,2}[A-Za-z][\w.-]*")
_ASSIGNED = re.compile(r"(-{0,2}[A-Za-z_][\w.-]*)=(.+)", re.DOTALL)
_SHAPES = re.compile(
    r"\b(?:hf_|sk-|ghp_|gho_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ)[A-Za-z0-9_.-]{8,}"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic) +[A-Za-z0-9+/=_.-]{6,}")
_URL = re.compile(r"(?<=://)[^/\s@:]*:[^/\s@]*(?=@)")
_HOME = re.compile(r"(/(?:home|Users)/)[^/\s:,]+")
_UUID = re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_MAC = re.compile(r"(?i)(?<![0-9a-f])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:])")
_WWN = re.compile(r"(?i)\b(wwn-0x|eui\.|nvme-uuid\.|naa\.)[0-9a-f]{16,32}\b")
_MACHINE_ID = re.compile(r"(?i)(?<=machine_id=)[0-9a-f]{32}")
_IPV4 = re.compile(r"(?<![\d.])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IPV6 = re.compile(
    r"(?i)(?<![\w:.])(?=[0-9a-f:]*[0-9a-f]{1,4}:)(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){3,7}|"
    r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?)(?![0-9a-f:])"
)
_EXAMPLE_IPV4, _EXAMPLE_IPV6 = "192.0.2.1", "2001:db8::1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blanked:
    """A text without what is private, and what that was, in words."""

    text: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blanker:
    """Blanks the texts of one host."""

    hostname: str

    def words(self, text: str) -> Blanked:
        """Blank a text of words between blanks, such as the kernel's command line."""
        return self._argv(re.split(r"(\s+)", text), step=2)

    def argv(self, text: str) -> Blanked:
        """Blank a command line as /proc/PID/cmdline has it, with a NUL after each word."""
        return self._argv(re.split("(\0)", text), step=2)

    def paths(self, text: str) -> Blanked:
        """Blank a text that holds paths, such as maps or mountinfo."""
        return _applied(text, self._rules())

    def _argv(self, parts: list[str], *, step: int) -> Blanked:
        what: dict[str, None] = {}
        is_next_secret = False
        for at in range(0, len(parts), step):
            word = parts[at]
            assigned = _ASSIGNED.fullmatch(word)
            if is_next_secret and word and not word.startswith("--"):
                what[f"the argument after {parts[at - step]}"] = None
                word = BLANK
            elif assigned and _SECRET_NAME.search(assigned[1].lstrip("-")):
                what[f"the value of {assigned[1]}"] = None
                word = f"{assigned[1]}={BLANK}"
            is_option = _OPTION.fullmatch(parts[at]) is not None
            is_next_secret = is_option and bool(_SECRET_NAME.search(parts[at].lstrip("-")))
            found = _applied(word, [*self._rules(), *_ADDRESSES])
            what.update(dict.fromkeys(found.what))
            parts[at] = found.text
        return Blanked(text="".join(parts), what=tuple(what))

    def _rules(self) -> list["_Rule"]:
        # A name of one or two letters would be found in everything.
        if len(self.hostname) < 3:  # noqa: PLR2004
            return [*_RULES]
        named = re.compile(rf"(?<![\w.-]){re.escape(self.hostname)}(?![\w-])")
        return [("the host's name", named, lambda _: "host"), *_RULES]


_Rule = tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]]


def _zeros(match: re.Match[str]) -> str:
    return re.sub(r"(?i)[0-9a-f]", "0", match[0])


_RULES: tuple[_Rule, ...] = (
    ("a secret, by its shape", _SHAPES, lambda _: BLANK),
    ("credentials of a request", _BEARER, lambda match: f"{match[1]} {BLANK}"),
    ("credentials in a URL", _URL, lambda _: f"{BLANK}:{BLANK}"),
    ("a user's name", _HOME, lambda match: f"{match[1]}user"),
    ("a UUID", _UUID, _zeros),
    ("a hardware address", _MAC, _zeros),
    ("a serial number", _WWN, lambda match: match[1] + "0" * 16),
    ("a machine id", _MACHINE_ID, lambda _: "0" * 32),
)
_ADDRESSES: tuple[_Rule, ...] = (
    ("an address", _IPV4, lambda _: _EXAMPLE_IPV4),
    ("an address", _IPV6, lambda _: _EXAMPLE_IPV6),
)


def _applied(text: str, rules: list[_Rule]) -> Blanked:
    what: dict[str, None] = {}
    for name, pattern, instead in rules:
        changed = pattern.sub(instead, text)
        if changed != text:
            what[name] = None
        text = changed
    return Blanked(text=text, what=tuple(what))
