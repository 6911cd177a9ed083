"""The living markdown document: rows are appended to its table, and our sections are rewritten.

Whatever else stands in the document was written by people, and stays byte for byte.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from pytest_numa import formatting
from pytest_numa.errors import ReportError
from pytest_numa.report import blocks, destination, tables

MODE_LABELS = {
    "unpinned": "Baseline (unpinned)",
    "pinned": "Pinned",
    "systemd": "Systemd",
}
SECTIONS = ("latest", "sessions", "topology", "policy")

_TITLE = """\
# NUMA baseline

Each session of pytest-numa appends its rows to the table of runs, and rewrites what is between its
own begin and end markers. All else in this file is yours and stays as you write it."""
_RUNS_HEADING = "## Runs"
_MOST_SESSIONS = 50
_OLDER = "Older ones are in the table of runs, and in `pytest-numa history`."
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One mode of one session in the table of runs; NaN for a figure that is not known.

    ``mode`` is `unpinned`, `pinned` or `systemd`; ``notes`` is plain text that begins with date
    and host, and is escaped here.
    """

    mode: str
    concurrency: int
    mean_latency_ms: float
    p95_latency_ms: float
    throughput_tokens_per_s: float
    notes: str

    def __post_init__(self) -> None:
        if self.mode not in MODE_LABELS:
            raise ValueError(f"expected a mode of {tuple(MODE_LABELS)}, found {self.mode!r}")

    def cells(self) -> dict[str, str]:
        """Escaped texts by column."""
        throughput = formatting.number(self.throughput_tokens_per_s)
        texts = (
            MODE_LABELS[self.mode],
            str(self.concurrency),
            formatting.number(self.mean_latency_ms),
            formatting.number(self.p95_latency_ms),
            throughput if throughput == "unknown" else f"{throughput} tok/s",
            formatting.markdown_cell(self.notes),
        )
        return dict(zip(tables.COLUMNS, texts, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one session has to tell.

    ``host`` is plain text. ``bullets`` are single lines of markdown and ``*_markdown`` blocks of
    it, in which foreign text is escaped already. An empty block leaves its section as it is.
    """

    when: datetime
    host: str
    rows: tuple[RunRow, ...]
    bullets: tuple[str, ...]
    topology_markdown: str
    placement_markdown: str
    details_markdown: str
    line: str = ""
    """The session in one line of markdown, for the list of sessions."""
    next_markdown: str = ""
    figures_markdown: str = ""
    explanation_markdown: str = ""
    evidence_markdown: str = ""
    governors_markdown: str = ""
    neighbours_markdown: str = ""


def updated(text: str | None, session: Session, *, source: str) -> str:
    """Return the document with the session in it; ``text`` is None where there is none yet.

    The rows go to the first table that has our columns. Raises ReportError, naming ``source`` and
    the line, for markers that do not pair up, or code or a comment that never ends.
    """
    text = text or ""
    lines = blocks.scan(text)
    found = blocks.sections(lines, names=SECTIONS, source=source)
    new = _sections(session, earlier=_earlier(lines, found))
    edits = [
        _Edit(start=found[name].begin, stop=found[name].end - 1, text=new[name])
        for name in new
        if name in found
    ]
    parts = [] if text.removeprefix("\ufeff").strip(_BLANK) else [_TITLE]
    rows = [row.cells() for row in session.rows]
    if table := tables.find(lines):
        new_rows = "\n".join(tables.row(table, cells) for cells in rows)
        edits += [_Edit(start=table.last_line, stop=table.last_line, text=new_rows)] * bool(rows)
    elif rows:
        parts.append(f"{_RUNS_HEADING}\n\n{tables.created(rows)}")
    parts += [_marked(name, new[name]) for name in new if name not in found]
    if parts:
        _check_ended(lines, source)
    return _appended(_edited(text, lines, edits), parts, _newline(text))


def check_writable(path: Path) -> None:
    """Raise ReportError when a report could not be written to ``path``; changes nothing.

    To be called before anything is measured: it reads what is there, composes a document and
    writes it to a temporary file, which it removes.
    """
    target = destination.real(path)
    text = updated(destination.read(target), _PROBE, source=str(path))
    destination.check(target, text)


def write(path: Path, session: Session) -> None:
    """Put the session into the document at ``path``, in one step; ReportError where that fails."""
    target = destination.real(path)
    with destination.locked(target):
        text = updated(destination.read(target), session, source=str(path))
        destination.replace(target, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """Replace the lines after number ``start`` up to number ``stop`` by ``text``."""

    start: int
    stop: int
    text: str


_PROBE = Session(
    when=datetime.fromtimestamp(0, tz=timezone.utc),
    host="",
    rows=tuple(
        RunRow(
            mode=mode,
            concurrency=1,
            mean_latency_ms=1.0,
            p95_latency_ms=1.0,
            throughput_tokens_per_s=1.0,
            notes="",
        )
        for mode in MODE_LABELS
    ),
    bullets=(),
    topology_markdown="-",
    placement_markdown="-",
    details_markdown="-",
    explanation_markdown="-",
)


def _earlier(lines: Sequence[blocks.Line], found: Mapping[str, blocks.Section]) -> list[str]:
    """The lines of earlier sessions, which stay when their section is rewritten."""
    section = found.get("sessions")
    body = lines[section.begin : section.end - 1] if section else ()
    return [line.text for line in body if line.text.startswith("- ")]


def _sections(session: Session, *, earlier: Sequence[str]) -> dict[str, str]:
    """Write our sections by name, without their markers; those with nothing to say are left out."""
    when = session.when.isoformat(sep=" ", timespec="seconds")
    latest = [
        "## Latest session",
        f"{when} on {formatting.markdown_cell(session.host)}",
        "\n".join(f"- {' '.join(bullet.split())}" for bullet in session.bullets),
        _under("### What to do next", session.next_markdown),
        _under("### Figures", session.figures_markdown),
        _under("### Placement", session.placement_markdown),
        _under("### Verdicts and limits", session.details_markdown),
        _under("### CPU governors", session.governors_markdown),
        _under("### Noisy neighbours", session.neighbours_markdown),
        _under("### What the kernel counted", session.evidence_markdown),
    ]
    bodies = {
        "latest": "\n\n".join(filter(None, latest)),
        "sessions": _list(session, earlier),
        "topology": _under("## Topology", session.topology_markdown),
        "policy": session.explanation_markdown,
    }
    return {name: _harmless(body) for name, body in bodies.items() if body}


def _list(session: Session, earlier: Sequence[str]) -> str:
    """A line of each session, the newest first; the details are those of the latest alone."""
    if not session.line:
        return ""
    when = f"{session.when:%Y-%m-%d %H:%M}"
    head = f"- {when} {formatting.markdown_cell(session.host)}: {' '.join(session.line.split())}"
    shown = [head, *(line for line in earlier if line != head)]
    older = [_OLDER] if len(shown) > _MOST_SESSIONS else []
    return _under("## Sessions", "\n".join(shown[:_MOST_SESSIONS])) + "".join(
        f"\n\n{text}" for text in older
    )


def _under(heading: str, block: str) -> str:
    stripped = block.strip("\n")
    return f"{heading}\n\n{stripped}" if stripped else ""


def _harmless(body: str) -> str:
    """Keep what we were given from ending our section, or from swallowing what follows it."""
    encodable = body.encode("utf-8", "replace").decode("utf-8").strip("\n")
    return blocks.closed("\n".join(encodable.replace("<!--", "&lt;!--").splitlines()))


def _marked(name: str, body: str) -> str:
    return f"<!-- pytest-numa:begin {name} -->\n{body}\n<!-- pytest-numa:end {name} -->"


def _check_ended(lines: Sequence[blocks.Line], source: str) -> None:
    opened = lines[-1].opened if lines else None
    if opened:
        raise ReportError(
            f"{source}:{opened.number}: expected the code or comment that begins here to end, "
            f"since the report is added below it; found no end. Add a line {opened.closer!r}; "
            "the file was left as it is"
        )


def _newline(text: str) -> str:
    """Find the line ending that most lines have."""
    endings = ("\n", "\r\n", "\r")
    counts = {
        "\r\n": text.count("\r\n"),
        "\n": len(re.findall(r"(?<!\r)\n", text)),
        "\r": len(re.findall(r"\r(?!\n)", text)),
    }
    return max(endings, key=lambda ending: counts[ending])


def _edited(text: str, lines: Sequence[blocks.Line], edits: Sequence[_Edit]) -> str:
    newline = _newline(text)
    raw = [f"{line.text}{line.ending}" for line in lines]
    # From the bottom up, so that the numbers above stay true.
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        new = edit.text.replace("\n", newline)
        before = raw[edit.start - 1]
        if before.endswith(("\n", "\r")):
            raw[edit.start : edit.stop] = [f"{new}{newline}"]
        else:
            raw[edit.start - 1 : edit.stop] = [f"{before}{newline}", f"{new}{newline}"]
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    return mark + "".join(raw)


def _appended(text: str, parts: Sequence[str], newline: str) -> str:
    """Add parts at the end, with a blank line before each but the first of an empty text."""
    if not parts:
        return text
    added = f"{newline * 2}".join(part.replace("\n", newline) for part in parts) + newline
    last = next(reversed(blocks.scan(text)), None)
    gap = 0 if last is None else _gap(last)
    return f"{text}{newline * gap}{added}"


def _gap(last: blocks.Line) -> int:
    """How many line endings make the next line one after a blank line."""
    is_blank = not last.text.strip(_BLANK)
    return (0 if is_blank else 1) + (0 if last.ending else 1)
