"""The page: its sections in their order, from a session's document and the history.

It loads nothing: no script, font or image from anywhere, which a policy in its head makes sure of.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_numa import __version__
from pytest_numa.history import Entry
from pytest_numa.report.html import (
    blocks,
    distributions,
    machine,
    tables,
    templates,
    trends,
    verdict,
    watch,
)
from pytest_numa.report.html.parts import Section


def page(document: Mapping[str, Any], history: Sequence[Entry] = ()) -> str:
    """The whole file. ``history`` may have sessions of other hosts and subjects, too."""
    host = document.get("host") or "unknown host"
    when = str(document.get("when", ""))[:16].replace("T", " ")
    policy = document.get("policy")
    about = [f"measured {when}" if when else "", f"in {verdict.took(document)}"]
    if policy:
        about.append(f"CPUs {policy['cpus']}, memory of node {policy['memory_nodes']}")
        about.append(f"unit {policy['unit']}")
    return templates.page(
        title=f"NUMA acceptance of {host}",
        about="; ".join(filter(None, about)),
        headline=verdict.headline(document),
        sections=list(_sections(document, history)),
        version=__version__,
    )


def _sections(document: Mapping[str, Any], history: Sequence[Entry]) -> Iterator[Section]:
    yield verdict.section(document)
    found = (
        tables.figures(document),
        distributions.section(document),
        blocks.section(document),
        machine.section(document),
        watch.section(document),
        trends.section(document, history),
        tables.evidence(document),
        tables.conditions(document),
        tables.about(document),
    )
    yield from (one for one in found if one is not None)
