import pytest

from pytest_numa.kernel import escapes


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (r"/a\040b", "/a b"),
        (r"/a\011\012\134\075", "/a\t\n\\="),
        (r"/a\134040", r"/a\040"),
        (r"/a\04", r"/a\04"),
        (r"/a\n", r"/a\n"),
    ],
)
def test_octal_escapes_are_undone_and_other_backslashes_kept(text: str, decoded: str) -> None:
    assert escapes.decode(text) == decoded
