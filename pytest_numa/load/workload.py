"""The load that is offered: how many requests, how many at once, how long."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_numa.errors import LoadError
from pytest_numa.load import lengths
from pytest_numa.load.prompts import Prompt

APIS = ("completions", "chat")
_MOST = 1e6
PATHS = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}
_WORDS = tuple(
    word
    for line in (
        "river stone window garden music paper winter bridge candle forest silver market letter",
        "ocean mountain summer bottle engine harbor island kitchen ladder mirror needle orange",
        "pencil quarry ribbon saddle temple valley wagon yellow anchor basket copper dragon",
    )
    for word in line.split()
)


ARRIVALS = ("constant", "poisson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A closed loop, or with ``rate_per_s`` an open one.

    Closed: ``concurrency`` requests are in flight; the slots of the loop begin spread over the time
    of one warm-up request, not all at once. Open: requests are due at times that do not depend on
    the answers, and their latency is counted from when they were due. Either way for ``n_requests``
    requests, or, where ``duration_s`` is given, as many as can be sent in that time; those under
    way at its end are waited for.

    Lengths are written as ``lengths.parse`` reads them. ``prompts`` names a file, see ``prompts``.
    ``warmup`` requests come before and count nowhere. ``timeout_s`` is for one request, from
    sending to the end of the answer. ``extra_body`` is merged into each request's JSON; a value of
    None removes the field.
    """

    n_requests: int = 30
    concurrency: int = 4
    prompt_tokens: int | str = 32
    output_tokens: int | str = 16
    api: str = "completions"
    model: str | None = None
    seed: int = 1
    warmup: int = 4
    timeout_s: float = 60.0
    duration_s: float | None = None
    rate_per_s: float | None = None
    arrival: str = "poisson"
    prompts: str | None = None
    is_streaming: bool = True
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, low in (("n_requests", 1), ("concurrency", 1), ("seed", 0), ("warmup", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name}: expected a whole number from {low} up, found {value!r}")
        for name in ("prompt_tokens", "output_tokens"):
            try:
                lengths.parse(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        for name, allowed in (("api", APIS), ("arrival", ARRIVALS)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name}: expected one of {', '.join(allowed)}, found {value!r}")
        for name in ("timeout_s", "duration_s", "rate_per_s"):
            value = getattr(self, name)
            if value is None and name != "timeout_s":
                continue
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not (0 < value < _MOST)
            ):
                raise ValueError(
                    f"{name}: expected a number above 0 and below {_MOST:.0f}, found {value!r}"
                )

    @property
    def path(self) -> str:
        """Where requests are sent, below the server's URL."""
        return PATHS[self.api]

    @property
    def amount(self) -> str:
        """How many requests, or for how long."""
        if self.duration_s is None:
            return f"{self.n_requests} requests"
        return f"{self.duration_s:g} s"

    @property
    def known_amount(self) -> int | None:
        """How many requests there will be; None where the time decides."""
        return self.n_requests if self.duration_s is None else None

    @property
    def offered(self) -> str:
        """How much is offered, in words: two workloads that read the same are comparable."""
        pace = (
            f"concurrency {self.concurrency}"
            if self.rate_per_s is None
            else f"{self.rate_per_s:g} requests/s ({self.arrival})"
        )
        asked = (
            f"{self.prompt_tokens} prompt"
            if self.prompts is None
            else f"the prompts of {self.prompts.rpartition('/')[2]}"
        )
        whole = "" if self.is_streaming else ", not streamed"
        return f"{self.amount}, {pace}, {asked} and {self.output_tokens} output tokens{whole}"

    def body(self, number: int, *, model: str, prompts: Sequence[Prompt] = ()) -> dict[str, Any]:
        """The JSON of request ``number``, with a prompt of ``prompts`` or a made one.

        A made prompt differs from all others from its first word on.
        """
        drawn = random.Random(f"{self.seed}/{number}")  # noqa: S311 - no secret
        output_tokens = lengths.parse(self.output_tokens).draw(drawn)
        # Warm-up requests have numbers below 0: from the file's end, so that none is seen twice.
        told = prompts[number % len(prompts)] if prompts else None
        asked: dict[str, Any] = {
            "model": model,
            **self._asked(told or Prompt(text=self._made(drawn))),
            "max_tokens": (told.output_tokens if told else None) or output_tokens,
            "temperature": 0,
            "stream": self.is_streaming,
            "stream_options": {"include_usage": True} if self.is_streaming else None,
            # Honoured by vLLM, SGLang and llama.cpp: each answer has the tokens that were asked.
            "ignore_eos": True,
            # llama.cpp: a prompt that it has seen is not computed again.
            "cache_prompt": False,
            **self.extra_body,
        }
        return {key: value for key, value in asked.items() if value is not None}

    def prompt(self, number: int) -> str:
        """A prompt of about ``prompt_tokens``, the same for the same seed and number."""
        drawn = random.Random(f"{self.seed}/{number}")  # noqa: S311 - no secret
        lengths.parse(self.output_tokens).draw(drawn)
        return self._made(drawn)

    def _made(self, drawn: random.Random) -> str:
        tokens = lengths.parse(self.prompt_tokens).draw(drawn)
        words = [f"{drawn.randrange(10**6)}", *drawn.choices(_WORDS, k=tokens)]
        # A number takes several tokens, a common word one.
        return " ".join(words[: max(1, tokens - 3)])

    def _asked(self, prompt: Prompt) -> dict[str, Any]:
        if self.api == "chat":
            alone = ({"role": "user", "content": prompt.text},)
            return {"messages": prompt.messages or alone}
        if prompt.text is None:
            raise LoadError(f"{self.prompts}: messages of a chat need --api chat")
        return {"prompt": prompt.text}

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Workload":
        """From JSON; TypeError or ValueError where it is none of ours."""
        return cls(**document)
