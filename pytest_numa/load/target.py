"""Where the load goes: the server's URL, and what each request carries beside its body."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_numa.errors import LoadError

KEY_VARIABLE = "PYTEST_NUMA_API_KEY"
URL_FORMS = "http://HOST:PORT, https://HOST:PORT or unix:/PATH/TO/SOCKET"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# They say where the body ends, what the transport below relies on, or which request it is.
_OURS = (
    "content-length",
    "transfer-encoding",
    "connection",
    "host",
    "accept-encoding",
    "x-request-id",
)
REQUEST_ID = "X-Request-Id"
"""The header by which vLLM and others name a request in their logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``headers`` and ``api_key`` may be secrets: they are in no text and no report."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_key: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    has_http2: bool = False

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://", "unix:/")) or not _is_whole(self.url):
            raise ValueError(f"expected {URL_FORMS}, found {self.url!r}")
        for name, value in self.headers.items():
            if not _NAME.fullmatch(name) or name.lower() in _OURS:
                raise ValueError(f"a header that cannot be set: {name!r}")
            if not _VALUE.fullmatch(value):
                raise ValueError(f"the header {name}: its value cannot be sent")

    @property
    def socket_path(self) -> str | None:
        """The Unix socket, where the URL names one."""
        return self.url.removeprefix("unix:") if self.url.startswith("unix:/") else None

    @property
    def base_url(self) -> str:
        """The URL that requests are built on."""
        if self.socket_path is not None:
            return "http://localhost"
        # As other clients are given it; our paths bring their own.
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def is_plain(self) -> bool:
        """Whether plain HTTP/1.1 is spoken with the server itself."""
        return not (self.url.startswith("https://") or self.proxy or self.has_http2)

    @property
    def all_headers(self) -> dict[str, str]:
        """Those asked for, and the key."""
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {**key, **self.headers, "Accept-Encoding": "identity"}

    def as_job(self) -> dict[str, Any]:
        """For the client process, over its standard input: no other process can read it there."""
        return {
            "url": self.url,
            "headers": dict(self.headers),
            "api_key": self.api_key,
            "proxy": self.proxy,
            "has_http2": self.has_http2,
        }


def header(written: str) -> tuple[str, str]:
    """``NAME:VALUE`` as it is written in an option; the error does not show the value."""
    name, colon, value = written.partition(":")
    if not colon or not _NAME.fullmatch(name.strip()):
        raise ValueError("expected NAME:VALUE, found no name before a colon")
    return name.strip(), value.strip()


def api_key(path: Path | None) -> str | None:
    """The key in the file, else in the environment; None where there is none."""
    if path is None:
        return _checked(os.environ.get(KEY_VARIABLE, ""), KEY_VARIABLE) or None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"the API key cannot be read: {path}: {error}") from None
    if not text.strip():
        raise LoadError(f"the API key cannot be read: {path} is empty")
    return _checked(text, str(path))


def _checked(text: str, source: str) -> str:
    key = text.strip()
    if not re.fullmatch(r"[\x21-\x7e]*", key):
        raise LoadError(f"{source}: expected an API key, one line of printable characters")
    return key


def _is_whole(url: str) -> bool:
    """Whether a URL can be taken apart; what asks for it later would end in a traceback."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return url.isprintable() and port != 0
