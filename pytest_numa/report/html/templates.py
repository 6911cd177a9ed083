"""The templates beside this file, which escape all that they are given."""

from pathlib import Path

import jinja2
from markupsafe import Markup

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


def style() -> Markup:
    """The style sheet."""
    text = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - ours
