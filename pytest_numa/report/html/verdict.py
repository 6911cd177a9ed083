"""What came out, in words, the worst first, and what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_numa import formatting
from pytest_numa.report.html.parts import Block, Bullets, Part, Section, Table, Text

_WORST_FIRST = ("fail", "skip", "inconclusive", "advisory", "pass")
_WORDS = {
    "fail": "Not accepted",
    "skip": "Not judged",
    "inconclusive": "Not decided",
    "pass": "Accepted",
}
_NOTHING = "Measured"
_ASKED = {
    "placement": "Placement: threads and pages where the policy wants them",
    "speed": "Speed: no request fails, and no figure is slower than is accepted",
    "record": "Record: there is a recorded baseline to be held against",
}
_AGAINST = {
    "pinned": "pinned by hand, same session",
    "record": "recorded baseline",
    "limit": "limit",
}
_FIX = "  to fix    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The verdict in a word and in a sentence; ``result`` is a class of the style sheet."""

    word: str
    sentence: str
    result: str


def headline(document: Mapping[str, Any]) -> Headline:
    """The whole session in one line."""
    parts = document.get("outcome") or _from_verdicts(document)
    results = {part["result"] for part in parts}
    worst = next((one for one in _WORST_FIRST if one in results), "none")
    bad = [part for part in parts if part["result"] not in ("pass", "advisory")]
    if bad:
        texts = [text for part in bad for text in part["texts"]]
        first = texts[0].splitlines()[0] if texts else bad[0]["what"]
        more = len(texts) - 1
        sentence = f"{first[:1].upper()}{first[1:]}{f' (and {more} more)' if more > 0 else ''}."
    elif parts:
        sentence = "Everything that was asked for holds: " + ", ".join(
            part["what"] for part in parts
        )
        sentence += "."
    else:
        sentence = "Nothing was asked of the figures."
    return Headline(word=_WORDS.get(worst, _NOTHING), sentence=sentence, result=worst)


def section(document: Mapping[str, Any]) -> Section:
    """Everything that was asked, and every comparison."""
    parts: list[Part] = list(_outcomes(document))
    if document.get("verdicts"):
        parts.append(_verdicts(document["verdicts"]))
    parts.append(Text(text="What to do next", style="lead"))
    parts.append(Bullets(lines=next_steps(document)))
    return Section(name="verdict", title="Verdict", parts=parts)


def next_steps(document: Mapping[str, Any]) -> list[str]:
    """What mends the failures; where there are none, how to keep it so."""
    outcomes = sorted(document.get("outcome", ()), key=_rank)
    lines = [
        line.removeprefix(_FIX)
        for part in outcomes
        for text in part["texts"]
        for line in text.splitlines()
        if line.startswith(_FIX)
    ]
    lines += [one for one in document.get("notices", ()) if "--numa-record" in one]
    if lines:
        return list(dict.fromkeys(line[0].upper() + line[1:] for line in lines))
    return [
        "Run the same command after each change of the host, the unit or the server; the history "
        "shows when the speed has changed, and what else did."
    ]


def _rank(part: Mapping[str, Any]) -> int:
    return _WORST_FIRST.index(part["result"])


def _from_verdicts(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For documents that were written before they had outcomes."""
    return [
        {"what": one["figure"], "result": one["outcome"], "texts": [one["sentence"]]}
        for one in document.get("verdicts", ())
        if one["outcome"] != "advisory"
    ]


def _outcomes(document: Mapping[str, Any]) -> Iterator[Part]:
    for part in sorted(document.get("outcome", ()), key=_rank):
        yield Text(
            text=f"{part['result'].upper()} · {_ASKED.get(part['what'], part['what'])}",
            style=f"result {part['result']}",
        )
        yield from (Block(text=text, style=part["result"]) for text in part["texts"])


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    ranked = sorted(verdicts, key=lambda one: _WORST_FIRST.index(one["outcome"]))
    return Table(
        caption="Every comparison of the unit",
        headers=("Figure", "Against", "Verdict", "Slower by", "Interval", "Blocks", "In words"),
        rows=[
            (
                one.get("label", one["figure"]),
                _AGAINST.get(one["against"], one["against"]),
                one["outcome"],
                f"{one['slowdown']:+.1%}",
                interval(one["interval"]),
                str(one["blocks"]),
                "; ".join(filter(None, (one["sentence"], one.get("advice")))),
            )
            for one in ranked
        ],
        numeric=frozenset({3, 4, 5}),
    )


def interval(bounds: Sequence[float] | None) -> str:
    """``-1.2% to +3.4%``."""
    if bounds is None:
        return "none yet"
    low, high = bounds
    return formatting.interval(low, high)


def took(document: Mapping[str, Any]) -> str:
    """How long it was measured."""
    seconds = document.get("took_s")
    return "unknown" if seconds is None else formatting.duration(seconds)
