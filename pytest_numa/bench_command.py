"""``pytest-numa bench``: offer a load to a running server, and say what came of it."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from pytest_numa import load_options
from pytest_numa.errors import LoadError
from pytest_numa.kernel import cpulist
from pytest_numa.load import runner
from pytest_numa.load.results import RunResult
from pytest_numa.load.target import URL_FORMS, Target

_KINDS = {"value": "store", "list": "append", "flag": "store_true"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.epilog = (
        "Exit code: 0 every request completed, 1 one failed, 2 wrong usage, 130 stopped by Ctrl-C "
        "or SIGTERM. What was measured until then is told."
    )
    add = parser.add_argument
    add("--url", required=True, help=f"base of the server's URLs: {URL_FORMS}")
    for option in load_options.OPTIONS:
        # argparse would take a % for one of its own.
        shown = option.help.replace("%", "%%")
        takes: dict[str, Any] = {} if option.kind == "flag" else {"metavar": option.metavar}
        default = f" [{option.default}]" if option.default else ""
        add(f"--{option.name}", action=_KINDS[option.kind], help=shown + default, **takes)
    add("--proxy", metavar="URL", help="proxy to go through")
    add("--http2", action="store_true", help="speak HTTP/2 (needs httpx[http2])")
    add("--cpus", metavar="LIST", help="CPUs of the load generator")
    add(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the figures as JSON to FILE, or to standard output instead of the table",
    )
    add("--jsonl", metavar="FILE", help="write each request as a line of JSON to FILE")
    parser.set_defaults(act=bench)


def bench(arguments: argparse.Namespace) -> int:
    """0 when every request completed, 1 when any failed, 130 after Ctrl-C, 2 for wrong usage."""
    given = vars(arguments)
    try:
        values = _values(given)
        workload = load_options.workload(values, directory=Path())
        target = _target(given, values)
        # Before the run, whose figures would be lost else.
        told = _Lines(_file(given, "jsonl", "w"))
        kept = _file(given, "json", "a")
    except ValueError as error:
        print(f"pytest-numa bench: {error}", file=sys.stderr)
        return 2
    with told, kept or nullcontext():
        started = runner.started(
            target,
            workload,
            cpus=cpulist.parse(arguments.cpus, source="--cpus") if arguments.cpus else None,
            limits=load_options.limits(values),
            is_detailed=told.file is not None,
        )
        with started as client, _terminated_as_interrupted():
            result = _followed(client, told)
    _tell(result, arguments.json)
    told.complain()
    return 130 if result.incomplete else 1 if result.failed else 0


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM as Ctrl-C: either way what was measured is told."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for option in load_options.OPTIONS:
        try:
            values[option.key] = option.read(given[option.key])
        except ValueError as error:
            raise ValueError(f"--{option.name}: {error}") from None
    return values


def _target(given: dict[str, Any], values: dict[str, Any]) -> Target:
    try:
        return Target(
            url=given["url"],
            headers=values["header"],
            api_key=load_options.key(values, directory=Path()),
            proxy=given["proxy"],
            has_http2=given["http2"],
        )
    except ValueError as error:
        raise ValueError(f"--url: {error}") from None


def _file(given: dict[str, Any], name: str, mode: str) -> IO[str] | None:
    """The file that an option names, if it names one."""
    if given[name] in (None, "-"):
        return None
    try:
        return Path(given[name]).open(mode, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"--{name}: the file cannot be written: {error}") from None


class _Lines:
    """A line of JSON for each request; a disk that is full costs the file and not the figures."""

    def __init__(self, file: IO[str] | None) -> None:
        self.file = file
        self._trouble: OSError | None = None

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            try:
                self.file.close()
            except OSError as error:
                self._trouble = self._trouble or error

    def write(self, request: dict[str, Any]) -> None:
        """One more request."""
        if self.file is not None and self._trouble is None:
            try:
                self.file.write(json.dumps(request) + "\n")
            except OSError as error:
                self._trouble = error

    def complain(self) -> None:
        """LoadError where a line is missing."""
        if self._trouble is not None:
            raise LoadError(f"--jsonl: the file is not complete: {self._trouble}")


def _followed(client: runner.Client, told: _Lines) -> RunResult:
    is_live = sys.stderr.isatty()
    try:
        result = client.followed(_progress if is_live else None, told.write)
    except KeyboardInterrupt:
        client.interrupt()
        try:
            result = client.followed(on_request=told.write)
        except LoadError:
            # It had not even begun.
            raise KeyboardInterrupt from None
    if is_live:
        print("\r\033[K", end="", file=sys.stderr)
    return result


def _progress(done: int, failed: int) -> None:
    bad = f", {failed} failed" if failed else ""
    print(f"\r\033[K{done} requests ended{bad}", end="", file=sys.stderr, flush=True)


def _tell(result: RunResult, target: str | None) -> None:
    text = json.dumps(result.as_document(), indent=2)
    if target == "-":
        print(text)
        return
    from pytest_numa.report import load  # noqa: PLC0415 - the load has long begun meanwhile

    print(load.bench_text(result))
    if target:
        try:
            Path(target).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise LoadError(f"--json: the file is not complete: {error}") from None
