"""Values into unit files and back, so that a value can never be more than a value.

Format: systemd.syntax(7), systemd.service(5) "COMMAND LINES", systemd.unit(5) "SPECIFIERS".
"""

import re
import shlex

from pytest_numa.errors import UnitError

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_NUMERIC = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}
_PREFIXES = "@-:+!|"
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}\$?")
_LONGEST = 131_072
_SHOWN = 80
# systemd refuses the program's path with these (string_is_safe()), and expands $ in its name alone.
_UNSAFE = frozenset("\"'\\$")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@-")


def argument(value: object) -> str:
    """One argument of a command line: quoted, with no specifier and no variable left in it."""
    text = assignment(value)
    return text.replace("$", "$$")


def assignment(value: object) -> str:
    """One word of Environment= and the like: quoted, specifiers escaped, ``$`` left alone."""
    text = _transferable(value)
    if "\0" in text:
        raise UnitError(f"a unit file cannot hold a NUL byte: {_short(text)}")
    # An unquoted word at the head of a directive could start with one of systemd's prefixes.
    if text and set(text) <= _PLAIN and text[0] not in "@+:-":
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    printable = "".join(char if char.isprintable() else _hexadecimal(char) for char in escaped)
    return f'"{printable}"'


def _transferable(value: object) -> str:
    """Text that comes through: systemd answers nothing about a unit with what is no UTF-8.

    The kernel takes no longer argument or variable (MAX_ARG_STRLEN, execve(2)).
    """
    text = str(value)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UnitError(f"a unit file holds UTF-8 alone, found {_short(text)}") from None
    if size >= _LONGEST:
        raise UnitError(
            f"expected at most {_LONGEST - 1} bytes, which is what an argument or a variable may "
            f"have, found {size}: {_short(text)}"
        )
    return text


def _short(text: str) -> str:
    return repr(text) if len(text) < _SHOWN else f"{text[:_SHOWN]!r}..."


def plain(value: object) -> str:
    """The whole of a directive that takes no quotes (a path, a description): one line."""
    text = _transferable(value)
    if any(not char.isprintable() for char in text):
        raise UnitError(f"this value must be one line of printable text: {text!r}")
    if text.endswith("\\"):
        raise UnitError(f"a value that ends in a backslash would swallow the next line: {text!r}")
    return text.replace("%", "%%")


def path(value: object) -> str:
    """The whole of a directive that is an absolute path; with a - in front it would be optional."""
    text = str(value)
    if not text.startswith("/"):
        raise UnitError(f"expected an absolute path, found {text!r}")
    if text != text.rstrip():
        raise UnitError(f"expected a path, found blanks at its end, which systemd drops: {text!r}")
    return plain(text)


def file(value: object) -> str:
    """The whole of EnvironmentFile=: a path that is no pattern."""
    text = path(value)
    if set(text) & set("*?[\\"):
        raise UnitError(f"expected a path without * ? [ and backslash, found {str(value)!r}")
    return text


def account(value: object) -> str:
    """The whole of User= or Group=: systemd's own rule; a blank would make it root."""
    text = str(value)
    if not _ACCOUNT.fullmatch(text):
        raise UnitError(
            f"expected the name of a user or group (letters, digits, _ . @ and -), found "
            f"{_short(text)}"
        )
    return text


def accounts(value: object) -> str:
    """The whole of SupplementaryGroups=: names with blanks between."""
    return " ".join(map(account, str(value).split()))


def program(value: object) -> str:
    """The first word of a command line: quotes do not keep systemd from reading a prefix there."""
    text = str(value)
    if not text or text[0] in _PREFIXES or set(text) & _UNSAFE or not text.isprintable():
        raise UnitError(
            f"expected a program's path without quotes, $ and backslash and without one of "
            f"{_PREFIXES} in front, found {text!r}"
        )
    return assignment(text)


def shell_words(value: object) -> list[str]:
    """A command line as a user types it, as words; no variable and no pipe means anything."""
    try:
        return shlex.split(str(value))
    except ValueError as error:
        raise UnitError(f"{error} in {str(value)!r}") from None


def _hexadecimal(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode())


def split(text: str, *, source: str) -> list[str]:
    """Split a command line or a list of assignments as systemd does; specifiers are left alone."""
    words: list[str] = []
    word: bytearray | None = None
    quote = ""
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "\\":
            raw, position = _escape(text, position, source=source)
            word = (word or bytearray()) + raw
        elif quote:
            quote = "" if char == quote else quote
            word = word if not quote else (word or bytearray()) + _bytes(char)
        elif char in "\"'":
            quote, word = char, word or bytearray()
        elif char in " \t":
            if word is not None:
                words.append(_text(word))
            word = None
        else:
            word = (word or bytearray()) + _bytes(char)
    if quote:
        raise UnitError(f"{source}: a quote {quote} is not closed in {text!r}")
    return words if word is None else [*words, _text(word)]


def _bytes(char: str) -> bytes:
    """A character of a file; of one that is no UTF-8 the byte."""
    try:
        return char.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return char.encode(errors="surrogatepass")


def _text(word: bytearray) -> str:
    return word.decode(errors="surrogateescape")


def _escape(text: str, position: int, *, source: str) -> tuple[bytes, int]:
    """Read what follows a backslash; the bytes that it means, and where it ends."""
    char = text[position : position + 1]
    if char in _NUMERIC:
        digits, base = _NUMERIC[char]
        number = text[position + 1 : position + 1 + digits]
        try:
            code = int(number, base)
            raw = bytes([code]) if char == "x" else chr(code).encode()
        except (ValueError, OverflowError):
            raise UnitError(f"{source}: \\{char}{number} is no character in {text!r}") from None
        return raw, position + 1 + digits
    if char and char in "\\\"'":
        return char.encode(), position + 1
    if char in _ESCAPES:
        return _ESCAPES[char].encode(), position + 1
    # As systemd: an unknown escape keeps its backslash.
    return b"\\", position
