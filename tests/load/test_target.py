"""Where the load goes, and what must not be seen of it."""

from pathlib import Path

import pytest

from pytest_numa.errors import LoadError
from pytest_numa.load import target
from pytest_numa.load.target import Target


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("http://h:1", "http://h:1"),
        ("http://h:1/", "http://h:1"),
        ("http://h:1/v1", "http://h:1"),
        ("https://h/a/v1/", "https://h/a"),
        ("unix:/run/s.sock", "http://localhost"),
    ],
)
def test_the_urls_of_other_clients_are_understood(url: str, base_url: str) -> None:
    assert Target(url=url).base_url == base_url


@pytest.mark.parametrize(
    "url",
    [
        "h:1",
        "ftp://h",
        "unix:s.sock",
        "",
        "http://[::1",
        "http://h:99999",
        "http://h:x",
        "http://h:1/\r\nX: y",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected http://HOST:PORT, .* found"):
        Target(url=url)


def test_plain_is_what_has_neither_tls_nor_proxy_nor_http2() -> None:
    assert Target(url="http://h").is_plain
    assert Target(url="unix:/s").is_plain
    assert not Target(url="https://h").is_plain
    assert not Target(url="http://h", proxy="http://p").is_plain
    assert not Target(url="http://h", has_http2=True).is_plain


def test_secrets_are_in_no_text() -> None:
    found = Target(url="http://h", headers={"X-Key": "s3cret"}, api_key="s3cret")

    assert "s3cret" not in repr(found)
    assert found.all_headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "é€", "\x00"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(ValueError, match="its value cannot be sent") as caught:
        Target(url="http://h", headers={"X-A": value})

    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["Content-Length", "host", "a b", ""])
def test_a_header_that_is_not_the_users_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a header that cannot be set"):
        Target(url="http://h", headers={name: "1"})


def test_a_header_is_written_with_a_colon() -> None:
    assert target.header("X-A:  b:c ") == ("X-A", "b:c")
    with pytest.raises(ValueError, match="expected NAME:VALUE") as caught:
        target.header("s3cret")
    assert "s3cret" not in str(caught.value)


def test_the_key_of_a_file_wins_over_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_text("of-file\n")
    monkeypatch.setenv(target.KEY_VARIABLE, "of-environment")

    assert (target.api_key(path), target.api_key(None)) == ("of-file", "of-environment")


def test_without_a_key_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(target.KEY_VARIABLE, raising=False)

    assert target.api_key(None) is None
    assert "Authorization" not in Target(url="http://h").all_headers


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "é"])
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)

    with pytest.raises(LoadError, match="key") as caught:
        target.api_key(path)

    assert not text or text not in str(caught.value)
