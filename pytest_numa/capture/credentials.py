"""Which words of a command line are secret, by the name before them or by their shape.

Rather too much than too little: what follows ``--api-key`` goes, up to the next option.
"""

import re
from collections.abc import Iterable, Iterator

BLANK = "blanked"

# Not --max-tokens, --eos-token-id, --tokenizer, --keymap, --author or --bypass.
_SECRET_NAME = re.compile(
    r"(?i)(?<!mon)(?<!tur)(?<!don)(?<!hot)key(?!board|frame|map|note|ring|stone|word)"
    r"|token(?!s(?![a-z])|i[sz]|[-_.]?(?:budget|counts?|ids?|len|length|limit|rate|size)(?![a-z]))"
    r"|(?:access|api|auth|bearer|hf|secret)[-_.]?tokens"
    r"|secret|passw|passphrase|(?<!by)(?<!com)pass(?:$|[-_.](?!through))|(?:^|[-_.])pwd(?:$|[-_.])"
    r"|credential|cookie|auth(?!or(?!i[sz]))"
)
_SECRET_OPTIONS = frozenset({"-k", "-hft"})
_ACCOUNT_OPTIONS = frozenset({"-u", "--user", "--proxy-user"})
_OPTION = re.compile(r"-{1,2}[A-Za-z][\w.-]*")
_ASSIGNED = re.compile(r"(-{0,2}[A-Za-z_][\w.-]{0,80})(\s*[=:]\s*)(.+)", re.DOTALL)
# The same inside of a longer text: JSON, a query, a line for a shell.
_NAMED = re.compile(r"(?<![\w.-])([\w.-]{1,80})[\"']?\s*(?:=>|[=:])\s*")
_VALUE = re.compile(
    r"\"(?:\\.|[^\"\\])*\"?|'[^']*'?|\[[^\]]*\]?"
    r"|(?i:bearer|basic|digest|token)[ \t]+[^\s\"']+|[^\s\"',;&)}\]]+"
)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:hf_|sk-|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|nvapi-|gsk_|xai-|npm_"
    r"|pypi-|eyJ)[A-Za-z0-9_.-]{8,}|(?:AKIA|ASIA|AIza)[A-Za-z0-9_-]{12,})"
    r"|-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)([ \t]+)(?!blanked\b)[A-Za-z0-9+/=_.~-]{6,}")
# Bounded: a text of many "://" would be searched to its end from each.
_AUTHORITY = re.compile(
    r"(?<=://)(?:[^\s/?#\"']{0,1024}|[^\s/:@\"']{0,1024}:(?!\d+[/?#])[^\s@\"']{0,1024})@"
)
_PIECES = re.compile(r"\s+|\"(?:\\.|[^\"\\])*\"|'[^']*'|(?:[^\s\"'\\]|\\.)+|.", re.DOTALL)
_IDS = re.compile(r"[\d:]*")


def is_secret_name(name: str) -> bool:
    """Whether an option or a variable of this name holds a secret."""
    return name in _SECRET_OPTIONS or _SECRET_NAME.search(name) is not None


def by_shape(text: str, what: dict[str, None]) -> str:
    """Blank words that have the shape of a token, and credentials of requests and in URLs."""
    steps = (
        ("a secret, by its shape", _SHAPES, BLANK),
        ("credentials of a request", _BEARER, rf"\1\2{BLANK}"),
        ("credentials in a URL", _AUTHORITY, f"{BLANK}@"),
    )
    for name, pattern, instead in steps:
        changed = pattern.sub(instead, text)
        if changed != text:
            what[name] = None
        text = changed
    return text


def by_name(words: Iterable[str], what: dict[str, None]) -> Iterator[str]:
    """Blank what follows the name of a secret, be it a word of its own or a part of one."""
    option, is_first = "", False
    for word in words:
        bare = word.strip("\"'")
        if option and _is_value(bare, option, is_first=is_first):
            what[f"the argument after {option}"] = None
            is_first = False
            yield BLANK
            continue
        if word.strip():
            is_named = bool(_OPTION.fullmatch(bare))
            is_secret = is_named and (is_secret_name(bare) or bare in _ACCOUNT_OPTIONS)
            option = bare if is_secret else option if not bare.startswith("-") else ""
            is_first = is_secret or is_first
            if option in _ACCOUNT_OPTIONS and not is_secret:
                option = ""
        yield _within(word, what)


def _is_value(word: str, option: str, *, is_first: bool) -> bool:
    if not word.strip(" \t\n,()[]{}"):
        return False
    if option in _ACCOUNT_OPTIONS:
        return is_first and ":" in word and not _IDS.fullmatch(word)
    # The first may begin with a hyphen, where it is no option itself.
    return not word.startswith("-") or (is_first and not re.match(r"--|-\w$", word))


def _within(word: str, what: dict[str, None]) -> str:
    """Blank secrets inside of one word, which may be a whole command line of its own."""
    assigned = _ASSIGNED.fullmatch(word)
    if assigned and is_secret_name(assigned[1]):
        if assigned[3] != BLANK:
            what[f"the value of {assigned[1]}"] = None
        return assigned[1] + assigned[2] + BLANK
    # By name first: what has the shape of a token may be the name that tells of the secret.
    word = by_shape(inside(word, what), what)
    pieces = _PIECES.findall(word)
    if len(pieces) < 2:  # noqa: PLR2004 - a word without parts
        return _unquoted(word, what)
    return "".join(by_name(pieces, what))


def _unquoted(word: str, what: dict[str, None]) -> str:
    is_quoted = len(word) > 2 and word[0] == word[-1] and word[0] in "\"'"  # noqa: PLR2004
    return word[0] + _within(word[1:-1], what) + word[-1] if is_quoted else word


def inside(text: str, what: dict[str, None]) -> str:
    """Blank the values of secrets that a text names: ``"token": "…"``, ``?api_key=…``."""
    parts: list[str] = []
    at = 0
    # A value that is no secret may hold one, --env=TOKEN=…: the search goes on in it.
    while match := _NAMED.search(text, at):
        parts.append(text[at : match.end()])
        at = match.end()
        value = _VALUE.match(text, at) if is_secret_name(match[1]) else None
        if value is not None:
            quote = value[0][0] if value[0][0] in "\"'" else ""
            parts.append(f"{quote}{BLANK}{quote}")
            at = value.end()
            if value[0].strip("\"'") != BLANK:
                what[f"the value of {match[1]}"] = None
    return "".join([*parts, text[at:]])
