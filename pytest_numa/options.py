"""All options, each once: a flag, an ini key of the same name, how it is read, and its default.

Nothing here is heavy: pytest reads it at every start, also where the plugin stays idle.
"""

import argparse
from typing import Any

import pytest

from pytest_numa import condition_options, load_options
from pytest_numa.experiment import MODES
from pytest_numa.option import Option, integer, not_negative, one_of, percent, positive, settings

MANAGERS = ("auto", "system", "user", "private")
INCONCLUSIVE = ("fail", "skip", "pass")
RECORD = ("append", "replace")
MISSING_BASELINE = ("fail", "skip", "record")


def _modes(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(MODES) or len(set(names)) != len(names):
        raise ValueError(f"expected some of {','.join(MODES)}, each once, found {text!r}")
    return tuple(mode for mode in MODES if mode in names)


_TRUTH = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


def _record(text: str) -> str | None:
    # As an ini key it may be a truth value, as that of a flag.
    if text.lower() in _TRUTH:
        return "append" if _TRUTH[text.lower()] else None
    try:
        return one_of(RECORD)(text)
    except ValueError as error:
        raise ValueError(f"{error}; before a path write --numa-record=append") from None


OPTIONS = (
    Option(name="node", metavar="N[,N]|auto", help="memory node(s) of the policy; auto: the GPU's"),
    Option(name="cpus", metavar="LIST", help="CPUs of the policy [the node's]; also --cpus"),
    Option(
        name="unit",
        metavar="NAME|PATH",
        default="inference-llamacpp",
        help="unit template: a name in units/, or a file",
    ),
    Option(
        name="set",
        metavar="KEY=VALUE",
        kind="list",
        parse=settings,
        help="a variable of the template (model=, port=, policy_style=numactl); repeatable",
    ),
    Option(
        name="manager",
        metavar="|".join(MANAGERS),
        parse=one_of(MANAGERS),
        default="auto",
        help="which systemd runs the unit",
    ),
    Option(
        name="modes",
        metavar="LIST",
        parse=_modes,
        default=",".join(MODES),
        help="how the server is launched, to be compared",
    ),
    *load_options.OPTIONS,
    Option(
        name="start-timeout",
        metavar="SECONDS",
        parse=positive,
        default="300",
        help="time for the service to answer after its start",
    ),
    Option(
        name="blocks",
        parse=integer(1),
        help="most blocks, in each of which every mode is started and measured once [16]; ends "
        "earlier once all is decided",
    ),
    Option(
        name="starts",
        parse=integer(1),
        help="most fresh starts per mode [one a block]; where fewer than blocks, the runs of "
        "several share a start, and the start is what verdicts rest on",
    ),
    Option(name="runs", parse=integer(1), default="1", help="runs per mode and block"),
    Option(
        name="cool-down",
        metavar="SECONDS",
        parse=not_negative,
        default="0",
        help="rest of the host before each start",
    ),
    Option(
        name="time",
        metavar="SECONDS",
        parse=positive,
        default="900",
        help="no new block that would end later than this after the first one's begin",
    ),
    Option(
        name="margin",
        metavar="PCT",
        parse=percent,
        default="5",
        help="slowdown that is accepted, in percent",
    ),
    Option(
        name="inconclusive",
        metavar="|".join(INCONCLUSIVE),
        parse=one_of(INCONCLUSIVE),
        default="fail",
        help="what a verdict that could not be reached counts as",
    ),
    Option(
        name="resume",
        kind="flag",
        help="go on with the finished blocks of a session that was interrupted",
    ),
    *condition_options.OPTIONS,
    Option(
        name="record",
        kind="word",
        word="append",
        metavar="|".join(RECORD),
        parse=_record,
        help="record the pinned runs as one more session of the baseline; =replace begins it anew "
        "and keeps the old file beside it",
    ),
    Option(
        name="baseline",
        metavar="PATH",
        default="benchmarks/baselines",
        help="folder or .json file of the recorded baseline",
    ),
    Option(
        name="missing-baseline",
        metavar="|".join(MISSING_BASELINE),
        parse=one_of(MISSING_BASELINE),
        default="fail",
        help="what a ratio counts as where no baseline is recorded for this class of host, "
        "workload, server and policy; record: this session becomes the first",
    ),
    Option(
        name="report",
        metavar="PATH",
        default="benchmarks/numa_baseline.md",
        help="markdown file that gets the tables",
    ),
    Option(
        name="history",
        metavar="PATH",
        default="benchmarks/history.jsonl",
        help="file that gets a line of each session; pytest-numa history shows them",
    ),
    Option(
        name="history-url",
        metavar="URL",
        help="SQL database that gets each session, too, as in sqlite:///history.db (the extra "
        "`history`); of one with a password better as an ini key or in PYTEST_ADDOPTS",
    ),
    Option(
        name="openmetrics",
        metavar="PATH",
        help="file that gets the figures for node_exporter's textfile collector (NAME.prom)",
    ),
    Option(name="json", metavar="PATH", help="file that gets all runs and verdicts of the session"),
    Option(
        name="html",
        metavar="PATH",
        help="file that gets the session as a page, with plots (the extra `html`)",
    ),
    Option(
        name="null-control",
        kind="flag",
        help="launch the control in place of the unit: what then fails, no verdict can be trusted "
        "with; nothing is reported or recorded",
    ),
    Option(name="keep", kind="flag", help="leave the service installed and running"),
)


def register(parser: pytest.Parser) -> None:
    """Add all options and ini keys."""
    group = parser.getgroup(
        "numa", "placement and performance of an inference service (pytest-numa)"
    )
    for option in OPTIONS:
        shown = f"{option.help} [{option.default}]" if option.default else option.help
        if option.kind == "flag":
            group.addoption(
                option.flag, dest=option.dest, action="store_true", default=None, help=shown
            )
        elif option.kind == "word":
            group.addoption(
                option.flag,
                dest=option.dest,
                nargs="?",
                const=option.word,
                metavar=option.metavar,
                help=shown,
            )
        else:
            group.addoption(
                option.flag,
                dest=option.dest,
                action="append" if option.kind == "list" else "store",
                metavar=option.metavar,
                help=shown,
            )
        parser.addini(option.dest, help=shown, type=_INI_TYPES[option.kind], default=None)


_INI_TYPES: dict[str, Any] = {
    "value": "string",
    "word": "string",
    "flag": "bool",
    "list": "linelist",
}


def register_short_name(parser: pytest.Parser) -> None:
    """Add ``--cpus``, unless somebody else has it; then --numa-cpus alone is ours."""
    group = parser.getgroup("numa")
    try:
        group.addoption("--cpus", dest="numa_cpus", metavar="LIST", help="short for --numa-cpus")
    except (ValueError, argparse.ArgumentError):
        return


def is_active(config: pytest.Config) -> bool:
    """Whether a policy was asked for, by option or ini key."""
    return any(_raw(config, option) for option in OPTIONS[:2])


def read(config: pytest.Config) -> dict[str, Any]:
    """All values by name with ``_`` for ``-``; UsageError names the option that is wrong."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        try:
            values[option.key] = option.read(_raw(config, option))
        except ValueError as error:
            raise pytest.UsageError(f"{option.flag}: {error}") from None
    return values


def refuse_workers(config: pytest.Config) -> None:
    """UsageError where pytest-xdist is to distribute the tests."""
    is_distributed = hasattr(config, "workerinput") or config.getoption("numprocesses", None)
    if is_distributed:
        raise pytest.UsageError(
            "pytest-numa measures one service at a time and cannot share the host with the workers "
            "of pytest-xdist: leave out -n, or add -n 0"
        )


def _raw(config: pytest.Config, option: Option) -> Any:  # noqa: ANN401 - text, list or bool
    given = config.getoption(option.dest, default=None)
    if option.kind == "list":
        # Those of the command line come last: they win.
        return [*(config.getini(option.dest) or []), *(given or [])]
    return given if given is not None else config.getini(option.dest)
