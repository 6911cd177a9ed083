"""The whole report, as markdown or as a page, from the same sections."""

from pytest_numa import __version__
from pytest_numa.report.client import business, engineering, markdown, risk
from pytest_numa.report.client.facts import Facts
from pytest_numa.report.html import templates
from pytest_numa.report.html.parts import Section
from pytest_numa.report.html.verdict import Headline

_RESULTS = {"high": "fail", "medium": "inconclusive", "low": "pass"}


def as_markdown(facts: Facts) -> str:
    """For a plain viewer."""
    title, about, sections, _ = _made(facts)
    return markdown.text(title, about, sections)


def as_page(facts: Facts) -> str:
    """One self-contained file of HTML."""
    title, about, sections, found = _made(facts)
    return templates.page(
        title=title,
        about=about,
        headline=Headline(
            word=f"Risk: {found.level}",
            sentence=f"{'; '.join(found.reasons)}.",
            result=_RESULTS[found.level],
        ),
        sections=sections,
        version=__version__,
    )


def _made(facts: Facts) -> tuple[str, str, list[Section], risk.Risk]:
    found = risk.assess(facts)
    host = facts.session.get("host") or "unknown host"
    when = str(facts.session.get("when", ""))[:16].replace("T", " ")
    about = f"Measured {when}. Part 1 is for who runs the machine, part 2 for who relies on it."
    sections = [*engineering.sections(facts), *business.sections(facts, found)]
    return f"Acceptance of the inference service on {host}", about, sections, found
