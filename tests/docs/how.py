"""How each command of the documentation is tested: the first row that fits counts.

What needs hardware that a reader has and this machine has not is read by the real parser at least.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Commands that match ``pattern`` are tested ``by`` this; ``why`` says why not by more.

    ``by`` is one of:
    run        run here, in an empty folder; the output shown has to come out
    machine    run on the host of two sockets (see two_sockets.py), as --root
    rendered   ``unit install`` as ``unit render`` on that host
    parsed     read by the real parser of pytest-numa
    pytest     read by pytest's real parser, and its values by ours
    make       ``make --dry-run``
    packages   what is installed is what the project is, or names
    file       the program is a file of the repository
    tutorial   run by test_tutorial.py
    words      neither ours nor pytest's; ``why`` says what stands in for a test
    """

    pattern: str
    by: str
    codes: tuple[int, ...] = (0,)
    why: str = ""
    added: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """What has to be there, by name."""


_CONTRADICTION = """\
[Service]
Type=exec
ExecStart=/bin/sleep 1
CPUAffinity=0,2
AllowedCPUs=2-3
NUMAPolicy=bind
NUMAMask=0
AllowedMemoryNodes=0
"""

ROWS = (
    Row(pattern=r"pip install .*", by="packages"),
    Row(pattern=r"apt-get install .*", by="packages"),
    Row(
        pattern=r"python3 -m venv \.venv|\. \.venv/bin/activate",
        by="words",
        why="what runs the tests is such an environment",
    ),
    Row(pattern=r"docs/tutorial\.md: .*", by="tutorial"),
    Row(pattern=r"pytest-numa topology", by="run"),
    Row(pattern=r"pytest-numa topology --root DIR", by="machine", replaced=(("--root DIR", ""),)),
    Row(pattern=r"pytest-numa audit .*", by="machine", codes=(0, 1)),
    Row(pattern=r"pytest-numa unit list.*", by="run"),
    Row(pattern=r"pytest-numa unit render .*", by="machine"),
    Row(
        pattern=r"pytest-numa unit lint /etc/.*",
        by="machine",
        codes=(1,),
        replaced=(("/etc/systemd/system/", ""),),
        files={"mine.service": _CONTRADICTION},
    ),
    Row(pattern=r"pytest-numa unit lint .*", by="machine", codes=(0, 1, 3)),
    Row(pattern=r"pytest-numa unit diff .*", by="machine", codes=(1,)),
    Row(
        pattern=r"pytest-numa unit install .*",
        by="rendered",
        why="it changes the host; tests/services and tests/lab install and remove units",
    ),
    Row(pattern=r"pytest-numa unit (remove|rollback) .*", by="parsed", why="nothing is installed"),
    Row(
        pattern=r"pytest-numa capture DIR",
        by="run",
        replaced=(("DIR", "captured"),),
    ),
    Row(pattern=r"pytest-numa capture .*", by="parsed", why="services of the reader's"),
    Row(pattern=r"pytest-numa placement .*", by="parsed", why="services of the reader's"),
    Row(pattern=r"pytest-numa gate plan --cv .*", by="run", added=("--repetitions", "20")),
    Row(
        pattern=r"pytest-numa (gate|history|report|bench)\b.*",
        by="parsed",
        why="sessions or a server of the reader's",
    ),
    Row(
        pattern=r"pytest-numa init.*",
        by="run",
        replaced=(("UNIT", "inference-vllm"),),
    ),
    Row(pattern=r"pytest .*", by="pytest", why="it takes the reader's host and server"),
    Row(pattern=r"make .*", by="make", why=".ci/run runs accept, test and docs"),
    Row(pattern=r"(python|bash|sh) \S+\.(py|sh)( .*)?", by="file", why="it takes minutes"),
    Row(pattern=r"\.ci/run", by="file", why="it is what runs this test"),
    Row(pattern=r"systemctl (start|stop|edit|restart) \S+", by="words", why="systemd's own"),
)


def of(where: str, words: str) -> Row | None:
    """The row for a command, by its place and its words."""
    both = (f"{where.partition(':')[0]}: {words}", words)
    fits = (row for row in ROWS if any(re.fullmatch(row.pattern, text) for text in both))
    return next(fits, None)
