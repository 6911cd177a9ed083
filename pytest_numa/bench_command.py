"""``pytest-numa bench``: offer a load to a running server, and say what came of it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pytest_numa.kernel import cpulist
from pytest_numa.load import runner
from pytest_numa.load.results import RunResult
from pytest_numa.load.workload import APIS, Workload
from pytest_numa.report import load

_DEFAULTS = Workload()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    add = parser.add_argument
    add("--url", required=True, help="base of the server's URLs, such as http://127.0.0.1:8000")
    add("--model", help="model name in requests [first of /v1/models]")
    add("--api", choices=APIS, default=_DEFAULTS.api, help="[%(default)s]")
    for name, text in (
        ("n-requests", "requests that are measured"),
        ("concurrency", "requests in flight"),
        ("prompt-tokens", "prompt length, about"),
        ("output-tokens", "answer length"),
        ("seed", "seed of the prompts"),
    ):
        default = getattr(_DEFAULTS, name.replace("-", "_"))
        add(f"--{name}", type=int, default=default, metavar="N", help=f"{text} [%(default)s]")
    add("--warmup", type=int, metavar="N", help="requests before these [the concurrency]")
    add(
        "--timeout",
        type=float,
        default=_DEFAULTS.timeout_s,
        metavar="SECONDS",
        help="for one request, from sending to the end of the answer [%(default)s]",
    )
    add("--cpus", metavar="LIST", help="CPUs of the load generator")
    add(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the figures as JSON to FILE, or to standard output instead of the table",
    )
    parser.set_defaults(act=bench)


def bench(arguments: argparse.Namespace) -> int:
    """0 when every request completed, 1 when any failed, 130 after Ctrl-C, 2 for wrong usage."""
    if not arguments.url.startswith(("http://", "https://")):
        return _wrong(f"--url: expected http://HOST:PORT, found {arguments.url!r}")
    try:
        workload = _workload(arguments)
    except ValueError as error:
        return _wrong(str(error))
    try:
        # Before the run, whose figures would be lost else.
        if arguments.json not in (None, "-"):
            Path(arguments.json).open("a", encoding="utf-8").close()
    except OSError as error:
        return _wrong(f"--json: the file cannot be written: {error}")
    cpus = cpulist.parse(arguments.cpus, source="--cpus") if arguments.cpus else None
    told = _progress if sys.stderr.isatty() else None
    with runner.started(arguments.url, workload, cpus=cpus) as client:
        try:
            result = client.followed(told)
        except KeyboardInterrupt:
            client.interrupt()
            result = client.followed()
    if told:
        print("\r\033[K", end="", file=sys.stderr)
    _tell(result, arguments.json)
    return 130 if result.incomplete else 1 if result.failed else 0


def _workload(arguments: argparse.Namespace) -> Workload:
    given: dict[str, Any] = vars(arguments)
    names = ("n_requests", "concurrency", "prompt_tokens", "output_tokens", "seed", "api", "model")
    warmup = arguments.concurrency if arguments.warmup is None else arguments.warmup
    return Workload(
        warmup=warmup, timeout_s=arguments.timeout, **{name: given[name] for name in names}
    )


def _wrong(text: str) -> int:
    print(f"pytest-numa bench: {text}", file=sys.stderr)
    return 2


def _progress(done: int, failed: int) -> None:
    bad = f", {failed} failed" if failed else ""
    print(f"\r\033[K{done} requests ended{bad}", end="", file=sys.stderr, flush=True)


def _tell(result: RunResult, target: str | None) -> None:
    text = json.dumps(result.as_document(), indent=2)
    if target == "-":
        print(text)
        return
    print(load.bench_text(result))
    if target:
        Path(target).write_text(text + "\n", encoding="utf-8")
