"""What stands on the terminal while a session measures and at its end, failures first.

The end is made to stand alone: whoever sees the last 30 lines of a log, and nothing else, is to
learn what is wrong, why it probably is, and what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from pytest_numa import formatting, outcome, settings
from pytest_numa.experiment import MODES, Position
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement, Run
from pytest_numa.problem import Problem
from pytest_numa.report import conditions, figures
from pytest_numa.report.lines import Line, Style, cut, usable, wrapped
from pytest_numa.services import log_text

# The title above and pytest's own last line below make it 30.
MOST_LINES = 28
_MOST_LOG_LINES = 6
_MOST_ROW_LINES = 3
_LEADS: Mapping[str, tuple[str, Style]] = {
    "error": ("ERROR", "fail"),
    "fail": ("FAILED", "fail"),
    "inconclusive": ("INCONCLUSIVE", "inconclusive"),
    "skip": ("SKIPPED", "inconclusive"),
}
_STYLES: Mapping[str, Style] = {"fail": "fail", "inconclusive": "inconclusive", "pass": "pass"}
Item = list[Line]
_OUTCOMES = ("fail", "inconclusive", "pass", "advisory")


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """All that the end of a session is told from."""

    wanted: settings.Settings
    measurement: Measurement | None = None
    judgements: Sequence[Judgement] = ()
    problems: Sequence[Problem] = ()
    told: Sequence[str] = ()
    """What was done besides, such as the recording of a baseline."""
    troubles: Sequence[str] = ()
    """What fails the session and no single test."""
    has_placement: bool = False
    """Whether a test asks for a placement; without a problem it is as it should be."""


def starting(position: Position) -> str:
    """The live line while a server loads its model."""
    return f"{_where(position)}: the server starts"


def progress(position: Position, done: int, failed: int, n_requests: int | None) -> str:
    """One line that is redrawn: mode, block, requests, time left."""
    left_s = position.left_s
    left = "" if left_s is None else f", at most {formatting.duration(left_s)} left"
    bad = f", {failed} failed" if failed else ""
    all_of = "" if n_requests is None else f" of {n_requests}"
    return f"{_where(position)}: {done}{all_of} requests{bad}{left}"


def _where(position: Position) -> str:
    most = position.plan.budget.max_blocks
    return f"numa: block {position.block + 1} of at most {most}, {position.mode}"


def block(number: int, runs: Mapping[str, Sequence[Run]], *, under: str | None = None) -> str:
    """One line that stays, for a block that is complete, ``under`` a condition or not."""
    rates = {
        mode: figures.mean([run.result.output_tokens_per_s for run in runs[mode]])
        for mode in MODES
        if mode in runs
    }
    parts = [f"{mode} {rate:.1f}" for mode, rate in rates.items()]
    name = f"{under}, block" if under else "block"
    return f"numa: {name} {number}: {', '.join(parts)} tokens/s"


def unfinished(wanted: settings.Settings) -> str | None:
    """What becomes of the blocks of a session that was interrupted."""
    path = wanted.unfinished_path
    # The first line is the head: it says what the blocks belong to.
    if not path.exists() or path.read_bytes().count(b"\n") < 2:  # noqa: PLR2004
        return None
    return f"finished blocks are kept in {path}: the same command with --numa-resume goes on"


def summary(end: End, *, verbosity: int = 0, width: int = 80) -> list[Line]:
    """The end of a session: problems, the table of modes, verdicts, notes; as asked for."""
    problems = [*map(_trouble, end.troubles), *end.problems]
    if verbosity < -1:
        return [line for one in problems for line in _what(one, width)[:1]]
    if verbosity < 0:
        return _problems(problems, width, most=MOST_LINES)
    if verbosity > 0:
        rest = _rest(end, width, is_full=True)
        return _joined([_problems(problems, width, most=None), *_flat(rest), _last(end, width)])
    rest, last = _rest(end, width, is_full=False), _last(end, width)
    if not _is_failed(end, problems):
        return _joined([_problems(problems, width, most=None), *_flat(rest), last])
    shown = _problems(problems, width, most=MOST_LINES - len(last) - 1)
    left = MOST_LINES - len(_joined([shown, last]))
    # What is least missed goes first: it stands in the report, which the last line names.
    return _joined([shown, *_flat(_fitting(rest, left)), last])


def _fitting(parts: Sequence[Sequence[Item]], most: int) -> list[list[Item]]:
    """Of each part the items that fit, each of them whole, with a blank line before the part."""
    found = []
    for part in parts:
        kept: list[Item] = []
        for item in part:
            size = len(item) + (0 if kept else 1)
            if size > most:
                break
            most -= size
            kept.append(item)
        found.append(kept)
    return found


def _is_failed(end: End, problems: Sequence[Problem]) -> bool:
    """Whether somebody will look for the cause in the last lines."""
    undecided = "inconclusive" if end.wanted.inconclusive == "fail" else "fail"
    return any(one.weight in ("error", "fail", undecided) for one in problems)


def _joined(parts: Sequence[Sequence[Line]]) -> list[Line]:
    """With a blank line between parts that are there."""
    found: list[Line] = []
    for part in filter(None, parts):
        found += [*([Line()] if found else []), *part]
    return found


def _flat(parts: Sequence[Sequence[Item]]) -> list[list[Line]]:
    return [[line for item in part for line in item] for part in parts]


def _rest(end: End, width: int, *, is_full: bool) -> list[list[Item]]:
    """What follows the problems, the most important first."""
    if end.measurement is None:
        return []
    return [
        [table(end.measurement, width)],
        _verdicts(end, width, is_full=is_full),
        _notes(end, width),
    ]


def _last(end: End, width: int) -> list[Line]:
    """What is never left out: what was done besides, and where all else is."""
    if end.measurement is None:
        where = unfinished(end.wanted)
    else:
        where = None if end.wanted.is_null_control else f"report: {end.wanted.report_path}"
    return [
        *(line for text in end.told for line in wrapped(text, first="- ", width=width)),
        *(wrapped(where, first="", width=width) if where else ()),
    ]


def _notes(end: End, width: int) -> list[Item]:
    if end.measurement is None or end.wanted.is_null_control:
        return []
    texts = [
        *conditions.sentences(end.measurement),
        *figures.remarks(end.wanted, end.measurement),
        # Where it decides the session it is told as a problem.
        *([] if _is_client_bound(end) else figures.client_bound(end.measurement)),
    ]
    return [wrapped(text, first="- ", width=width) for text in texts]


def _is_client_bound(end: End) -> bool:
    return any("(client-bound)" in one.what for one in end.problems)


def _problems(problems: Sequence[Problem], width: int, *, most: int | None) -> list[Line]:
    """Each in full, as many as fit; of the others the first line, or their number."""
    found: list[Line] = []
    for number, one in enumerate(problems):
        lines = _problem(one, width, is_whole=most is None)
        left = len(problems) - number - 1
        if most is not None and number and len(found) + len(lines) + bool(left) > most:
            more = figures.count(left + 1, "more problem")
            return [*found, Line(text=f"and {more}, in full further up")]
        found += lines
    return found


def _problem(one: Problem, width: int, *, is_whole: bool) -> list[Line]:
    log = one.log if is_whole else one.log[-_MOST_LOG_LINES:]
    rows = [row for row in one.rows if row[1]]
    return [
        *_what(one, width),
        *(
            line
            for label, text in rows
            for line in _shortened(
                wrapped(text, first=f"  {label:10}", width=width),
                None if is_whole else _MOST_ROW_LINES,
            )
        ),
        *([Line(text="  its log ends:")] if log else []),
        *(line for text in log for line in _log_line(text, width)),
    ]


def _log_line(text: str, width: int) -> list[Line]:
    """Cut to the width, but for an error, which is what the log is shown for."""
    if log_text.is_error(text):
        return _shortened(wrapped(text, first="    ", width=width), _MOST_ROW_LINES)
    return [Line(text=cut(f"    {text}", usable(width)))]


def _shortened(found: list[Line], most: int | None) -> list[Line]:
    """A command line may be long, and stands in full further up."""
    if most is None or len(found) <= most:
        return found
    return [*found[: most - 1], Line(text=f"{found[most - 1]}"[:-4].rstrip() + " ...")]


def _what(one: Problem, width: int) -> list[Line]:
    lead, style = _LEADS[one.weight]
    return wrapped(one.what, first=f"{lead}  ", width=width, indent=2, style=style)


def _trouble(text: str) -> Problem:
    return Problem(weight="error", what=" ".join(text.split()))


def table(measurement: Measurement, width: int) -> list[Line]:
    """The mean figures of each mode, in as many columns as fit."""
    rows = [_row(mode, measurement.runs(mode)) for mode in MODES if measurement.runs(mode)]
    left_out: list[str] = []
    for name in ("", "req/s", "Runs", "TTFT ms", "p95 ms", "Failed"):
        left_out.append(name)
        shown = [{key: row[key] for key in row if key not in left_out} for row in rows]
        aligned = ("left", *("right",) * (len(shown[0]) - 1)) if shown else ()
        text = tabulate(shown, headers="keys", disable_numparse=True, colalign=aligned)
        if all(len(line) <= usable(width) for line in text.splitlines()):
            break
    return [Line(text=line) for line in text.splitlines()]


def _row(mode: str, runs: Sequence[Run]) -> dict[str, str]:
    results = [run.result for run in runs]
    return {
        "Mode": mode,
        "Runs": str(len(runs)),
        "Avg ms": formatting.number(figures.mean([one.latency_ms.mean for one in results])),
        "p95 ms": formatting.number(figures.mean([one.latency_ms.p95 for one in results])),
        "TTFT ms": formatting.number(figures.mean([one.ttft_ms.p50 for one in results])),
        "tokens/s": formatting.number(figures.mean([one.output_tokens_per_s for one in results])),
        "req/s": formatting.number(figures.mean([one.requests_per_s for one in results])),
        "Failed": str(sum(one.failed for one in results)),
    }


def _verdicts(end: End, width: int, *, is_full: bool) -> list[Item]:
    """Each verdict with its change and interval; in words where ``is_full``."""
    # The others are told as problems, with their figures.
    told = [one for one in end.judgements if is_full or one.outcome in ("pass", "advisory")]
    ranked = sorted(told, key=lambda one: _OUTCOMES.index(one.outcome))
    said = [
        (one.outcome, outcome.sentence(one) if is_full else figures.verdict(one)) for one in ranked
    ]
    if end.measurement and end.has_placement and not _misplaced(end):
        runs = figures.count(len(end.measurement.runs("systemd")), "run")
        said.append(("pass", f"placement: threads and pages are as the policy says, in {runs}"))
    return [
        wrapped(text, first=f"{word:12}  ", width=width, style=_STYLES.get(word, "plain"))
        for word, text in said
    ]


def _misplaced(end: End) -> bool:
    return any(run.findings for run in (end.measurement.runs("systemd") if end.measurement else ()))
