r"""Octal escapes in paths: ``\040`` for a blank.

Format: mangle_path() in the kernel's fs/seq_file.c. A backslash that begins no escape is itself.
"""

import re

_ESCAPE = re.compile(r"\\([0-3][0-7]{2})")


def decode(text: str) -> str:
    """Undo the escapes."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], base=8)), text)
