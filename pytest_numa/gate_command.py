"""``pytest-numa gate``: judge two recorded sessions, or plan what a verdict will take."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_numa import comparison, planning, session_file
from pytest_numa.errors import SessionError
from pytest_numa.metrics import METRICS
from pytest_numa.option import integer, percent, positive
from pytest_numa.report import gate as report

_WRONG_USAGE = 2
# Of pytest.
_NO_TESTS_COLLECTED = 5
_FIGURES = ("tokens_per_s", "mean", "ttft_p50")
EXIT_CODES = {"pass": 0, "fail": 1, "inconclusive": 3}

_EPILOG = """\
gate A.json B.json      is B slower than A by more than the margin? Each file is a session of
                        --numa-json, a recorded baseline (its last session), or a run of
                        pytest-numa bench --json.
gate plan [FILE...]     how many blocks and minutes a verdict will take on this host, and how sure
                        it will be, by the spread of the runs in such files, or by --cv.
gate selftest -- ARG... an acceptance of the pinned mode against itself, with pytest's options
                        (--numa-node N ...): where it fails, no verdict of this host can be trusted.

Exit code: 0 pass, 1 fail, 2 wrong usage or sessions that cannot be compared, 3 not decided.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("what", nargs="+", metavar="plan|selftest|FILE", help="see below")
    add("--margin", type=_read(percent), default=0.05, metavar="PCT", help="accepted slowdown [5]")
    add(
        "--metric",
        action="append",
        choices=tuple(METRICS),
        metavar="NAME",
        help=f"repeatable [{', '.join(_FIGURES)}]; any of {', '.join(METRICS)}",
    )
    add("--mode", help="mode of both sessions [systemd where both have it, else pinned]")
    add("--json", action="store_true", help="for programs")
    add = parser.add_argument_group("plan").add_argument
    add("--cv", type=_read(percent), metavar="PCT", help="spread of one run: 100 sd / mean")
    runs, blocks, repetitions = integer(1, 100), integer(4, 200), integer(20, 100_000)
    add("--runs", type=_read(runs), default=1, metavar="N", help="per mode and block [1]")
    add("--blocks", type=_read(blocks), default=16, metavar="N", help="the most [16]")
    add("--block-s", type=_read(positive), metavar="SECONDS", help="what a block takes")
    add("--repetitions", type=_read(repetitions), default=300, metavar="N", help="simulated [300]")
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Judge, plan or test, and print."""
    acts = {"plan": _plan, "selftest": _selftest}
    try:
        return acts.get(arguments.what[0], _judge)(arguments)
    except (SessionError, ValueError) as error:
        print(f"pytest-numa gate: {error}", file=sys.stderr)
        return _WRONG_USAGE


def _judge(arguments: argparse.Namespace) -> int:
    if len(arguments.what) != 2:  # noqa: PLR2004
        given = " ".join(arguments.what)
        raise ValueError(f"expected two files, plan or selftest, found {given!r}")
    before, now = (session_file.read(Path(name)) for name in arguments.what)
    found = comparison.compare(
        before,
        now,
        mode=arguments.mode,
        metrics=[METRICS[name] for name in arguments.metric or _FIGURES],
        margin=arguments.margin,
    )
    print(report.comparison_json(found) if arguments.json else report.comparison_text(found))
    return EXIT_CODES[found.outcome]


def _plan(arguments: argparse.Namespace) -> int:
    files = [session_file.read(Path(name)) for name in arguments.what[1:]]
    if bool(files) == (arguments.cv is not None):
        raise ValueError("plan: expected files with runs, or --cv PCT, and not both")
    if arguments.cv is not None:
        spreads = [planning.Spread(name="each figure", cv=arguments.cv, runs=0)]
    else:
        metrics = [METRICS[name] for name in arguments.metric or _FIGURES]
        spreads = planning.spreads(files, metrics)
    known_s = [one.block_s for one in files if one.block_s is not None]
    found = planning.plan(
        spreads,
        margin=arguments.margin,
        runs=arguments.runs,
        most_blocks=arguments.blocks,
        block_s=arguments.block_s or (max(known_s) if known_s else None),
        repetitions=arguments.repetitions,
    )
    print(report.plan_json(found) if arguments.json else report.plan_text(found))
    return 0


def _selftest(arguments: argparse.Namespace) -> int:
    own = (sys.executable, "-m", "pytest", "--numa-null-control")
    code = subprocess.run([*own, *arguments.what[1:]], check=False).returncode
    if code == _NO_TESTS_COLLECTED:
        raise ValueError(
            "selftest: nothing was measured: expected pytest's options with a policy after --, as "
            "in: pytest-numa gate selftest -- --numa-node 0"
        )
    return code


def _read(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Have argparse tell what is wrong in our words."""

    def read(text: str) -> Any:  # noqa: ANN401 - what it is parsed to
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
