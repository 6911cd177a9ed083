"""The options of a load: each once, for ``pytest-numa bench`` and, behind --numa-, for pytest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_numa.load import lengths
from pytest_numa.load.results import Limits
from pytest_numa.load.target import KEY_VARIABLE, Target, api_key, header
from pytest_numa.load.workload import APIS, ARRIVALS, Workload
from pytest_numa.option import Option, integer, one_of, positive, settings


def _length(text: str) -> int | str:
    lengths.parse(text)
    return int(text) if text.strip().isdigit() else text.strip()


def _body(lines: Sequence[str]) -> dict[str, Any]:
    """KEY=JSON, one each."""
    found: dict[str, Any] = {}
    for key, value in settings(lines).items():
        try:
            found[key] = json.loads(value)
        except ValueError:
            raise ValueError(
                f'expected KEY=JSON, such as top_k=1 or stop=["x"], found {key}={value}'
            ) from None
    return found


def _headers(lines: Sequence[str]) -> dict[str, str]:
    """NAME:VALUE, one each."""
    found = dict(map(header, lines))
    # Whether they can be sent is said here, and not after a model was loaded.
    Target(url="http://-", headers=found)
    return found


OPTIONS = (
    Option(name="n-requests", parse=integer(1), default="30", help="requests of a run"),
    Option(
        name="duration",
        metavar="SECONDS",
        parse=positive,
        help="send requests for so long, however many",
    ),
    Option(
        name="concurrency",
        parse=integer(1),
        default="4",
        help="requests in flight; with a rate, connections opened beforehand",
    ),
    Option(
        name="rate",
        metavar="PER_SECOND",
        parse=positive,
        help="send at this rate, whether or not the server keeps up (an open loop); latencies "
        "count from when a request was due",
    ),
    Option(
        name="arrival",
        metavar="|".join(ARRIVALS),
        parse=one_of(ARRIVALS),
        default="poisson",
        help="how requests of a rate follow each other",
    ),
    Option(
        name="prompt-tokens",
        metavar="LENGTH",
        parse=_length,
        default="32",
        help=f"prompt length, about: {lengths.FORMS}",
    ),
    Option(
        name="output-tokens",
        metavar="LENGTH",
        parse=_length,
        default="16",
        help="answer length, written alike",
    ),
    Option(
        name="prompts",
        metavar="FILE.jsonl",
        help="prompts, a JSON string or object with prompt or messages per line [made up, each "
        "different from its first word on]",
    ),
    Option(
        name="api",
        metavar="|".join(APIS),
        parse=one_of(APIS),
        default="completions",
        help="which endpoint is loaded",
    ),
    Option(name="no-stream", kind="flag", help="ask for whole answers; there is no TTFT then"),
    Option(name="model", metavar="NAME", help="model name in requests [first of /v1/models]"),
    Option(
        name="body",
        metavar="KEY=JSON",
        kind="list",
        parse=_body,
        help="a field of each request's body; null removes one of ours; repeatable",
    ),
    Option(
        name="header",
        metavar="NAME:VALUE",
        kind="list",
        parse=_headers,
        help="a header of each request, never shown; repeatable",
    ),
    Option(
        name="api-key-file",
        metavar="FILE",
        help=f"file that holds the API key [the environment's {KEY_VARIABLE}]",
    ),
    Option(name="seed", parse=integer(0), default="1", help="seed of prompts, lengths, arrivals"),
    Option(name="warmup", parse=integer(0), help="requests before a run [the concurrency]"),
    Option(
        name="timeout",
        metavar="SECONDS",
        parse=positive,
        default="60",
        help="time for one request, from sending to the end of the answer",
    ),
    *(
        Option(
            name=f"max-{name}-ms",
            metavar="MS",
            parse=positive,
            help=f"goodput counts requests with a {text} up to this",
        )
        for name, text in (
            ("ttft", "time to first token"),
            ("tpot", "time per output token"),
            ("latency", "latency"),
        )
    ),
)


def workload(values: Mapping[str, Any], *, directory: Path) -> Workload:
    """The workload of the options' values; ValueError where they do not go together."""
    warmup, prompts = values["warmup"], values["prompts"]
    same = ("n_requests", "concurrency", "prompt_tokens", "output_tokens", "api", "model", "seed")
    return Workload(
        warmup=values["concurrency"] if warmup is None else warmup,
        timeout_s=values["timeout"],
        duration_s=values["duration"],
        rate_per_s=values["rate"],
        arrival=values["arrival"],
        prompts=None if prompts is None else str(directory / prompts),
        is_streaming=not values["no_stream"],
        extra_body=values["body"],
        **{name: values[name] for name in same},
    )


def limits(values: Mapping[str, Any]) -> Limits:
    """What good requests keep within."""
    return Limits(
        ttft_ms=values["max_ttft_ms"],
        tpot_ms=values["max_tpot_ms"],
        latency_ms=values["max_latency_ms"],
    )


def key(values: Mapping[str, Any], *, directory: Path) -> str | None:
    """The API key."""
    path = values["api_key_file"]
    return api_key(None if path is None else directory / path)
