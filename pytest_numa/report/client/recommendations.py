"""What to do, and what it was measured to bring; nothing is promised that was not measured."""

from collections.abc import Iterator

from pytest_numa.report.client import words
from pytest_numa.report.client.facts import FIGURE, Facts
from pytest_numa.report.html.parts import Table

_UNMEASURED = "not measured"
_Row = tuple[str, str]


def table(facts: Facts) -> Table:
    """Each recommendation with its measured effect on the amount of text a second."""
    return Table(
        caption="What to do, and what it was measured to do to the amount of text a second",
        headers=("Recommended", "Measured"),
        rows=[
            *_repairs(facts),
            *_place(facts),
            *_neighbours(facts),
            *_clocks(facts),
            *_host(facts),
        ],
    )


def _repairs(facts: Facts) -> Iterator[_Row]:
    if facts.findings:
        yield "Have the service kept to its part of the machine before it is used", _UNMEASURED
    failed, of = facts.requests
    if failed:
        yield "Find out why requests fail before it is used", f"{failed} of {of} requests failed"
    for one in facts.verdicts("fail"):
        if one["figure"] == FIGURE:
            yield (
                f"Hold this version back: it is slower, {words.AGAINST[one['against']]}",
                (words.change(one)),
            )
    if facts.verdicts("inconclusive"):
        yield "Measure again, for longer, before it is decided", "nothing to be measured"


def _place(facts: Facts) -> Iterator[_Row]:
    found = (facts.session.get("effect_of_pinning") or {}).get(FIGURE)
    what = "Give the service a fixed part of the machine"
    if found is None:
        yield what, _UNMEASURED
    elif words.is_shown(found) and found["slowdown"] > 0:
        yield "Do without a fixed part of the machine: it costs speed here", words.change(found)
    else:
        yield what, words.change(found)


def _neighbours(facts: Facts) -> Iterator[_Row]:
    what = "Keep other heavy work off the machine"
    found = list(facts.conditions("neighbour"))
    if not found:
        yield what, _UNMEASURED
    for one in found:
        place = words.NEIGHBOURS.get(one["condition"], "beside other work")
        yield what, f"{place}: {words.change(one)}"


def _clocks(facts: Facts) -> Iterator[_Row]:
    for one in facts.conditions("governor"):
        yield (
            "Let the processors run by the setting that was best here",
            (f"setting {one['condition'].partition(' ')[2]}: {words.change(one)}"),
        )


def _host(facts: Facts) -> Iterator[_Row]:
    for check in facts.checks("fail"):
        yield f"Have this mended: {words.fault(check['id'])}", _UNMEASURED
