"""The templates beside this file, which escape all that they are given."""

import re
from pathlib import Path

import jinja2
from markupsafe import Markup

# Controls, and what turns the direction of the text around it: a name could read as another one.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str, **values: object) -> Markup:
    """The template with its values."""
    return Markup(_ENVIRONMENT.get_template(name).render(**values))  # noqa: S704 - it escapes


def page(**values: object) -> str:
    """The page with its style sheet; see ``page.html.j2`` for what it is given."""
    text = render("page.html.j2", style=style(), **values)
    # HTML allows no control characters, and UTF-8 no half of a character.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNSEEN.sub("\ufffd", whole)


def style() -> Markup:
    """The style sheet."""
    text = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - ours
