"""How Sphinx builds the site from these pages, which are plain markdown for any host of git.

The tree of pages is what index.md links to: each of its headings is a part of the sidebar.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

from pytest_numa import __version__

project = "pytest-numa"
release = version = __version__
project_copyright = "The pytest-numa developers"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True
# Links such as units.md#values: the anchors that a host of git makes.
myst_heading_anchors = 4
# Else --cpus would become a dash and cpus.
smartquotes = False
html_theme = "furo"
html_title = f"pytest-numa {__version__}"
html_static_path = ["_static"]
html_css_files = ["wide-tables.css"]
html_copy_source = False
html_show_sphinx = False
# A console block shows what was typed and what came of it.
highlight_language = "text"

_HERE = Path(__file__).parent
_HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_OUTSIDE = re.compile(r"\[(?P<title>[^\]]+)\]\((?P<path>\.\./[^)#]+\.md)\)")
_LINK = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<page>[^)#]+)\.md\)", re.MULTILINE)


def _offer_files(_app: Sphinx, page: str, source: list[str]) -> None:
    """Make links to markdown outside of docs/ downloads: on the site they are no pages."""
    folder = (_HERE / page).parent

    def offered(found: re.Match[str]) -> str:
        is_page = (folder / found["path"]).resolve().is_relative_to(_HERE)
        return found[0] if is_page else f"{{download}}`{found['title']} <{found['path']}>`"

    source[0] = _OUTSIDE.sub(offered, source[0])


def _add_trees(_app: Sphinx, page: str, source: list[str]) -> None:
    """Give index.md a hidden tree for each of its headings, of the pages that it links to."""
    if page != "index":
        return
    parts = _HEADING.split(source[0])[1:]
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        pages = [found["page"] for found in _LINK.finditer(text)]
        if pages:
            head = f"\n\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n"
            source[0] += head + "\n".join(pages) + "\n```\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _offer_files)
    app.connect("source-read", _add_trees)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
