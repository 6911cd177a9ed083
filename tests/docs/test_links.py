"""Links between the pages, and to files of the repository, lead somewhere."""

import re
from pathlib import Path

import doc_pages
import pytest

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


def links() -> list[tuple[Path, str]]:
    return [
        (page, found["target"])
        for page in doc_pages.PAGES
        for found in _LINK.finditer(doc_pages.prose(page))
        if "://" not in found["target"]
    ]


def anchors(page: Path) -> set[str]:
    """As hosts of git make them: lower case, without punctuation, a hyphen for each space."""
    titles = (found["title"] for found in _HEADING.finditer(doc_pages.prose(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("page", "target"), links(), ids=lambda one: str(one).rpartition("/")[2])
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    path = (page.parent / name).resolve() if name else page

    assert path.exists(), f"{page}: {target}"
    assert not anchor or anchor in anchors(path), f"{page}: {target}"


@pytest.mark.parametrize(
    "page", [one for one in doc_pages.PAGES if "docs" in one.parts], ids=doc_pages.name_of
)
def test_every_page_is_in_the_index(page: Path) -> None:
    index = doc_pages.ROOT / "docs/index.md"
    listed = {
        (index.parent / target.partition("#")[0]).resolve()
        for source, target in links()
        if source == index
    }

    assert page in {*listed, index}


def test_nothing_is_loaded_from_the_network() -> None:
    for page in doc_pages.PAGES:
        assert not re.search(r"<(script|img|iframe|link)\b|!\[[^\]]*\]\(http", page.read_text())
