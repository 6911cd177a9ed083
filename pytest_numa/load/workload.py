"""The load that is offered: how many requests, how many at once, how long."""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

APIS = ("completions", "chat")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A closed loop: ``concurrency`` requests are in flight until ``n_requests`` have ended.

    The slots of the loop begin spread over the time of one warm-up request, not all at once.
    ``warmup`` requests come before and count nowhere. ``timeout_s`` is for one request, from
    sending to the end of the answer. ``extra_body`` is merged into each request's JSON; a value of
    None removes the field.
    """

    n_requests: int = 30
    concurrency: int = 4
    prompt_tokens: int = 32
    output_tokens: int = 16
    api: str = "completions"
    model: str | None = None
    seed: int = 1
    warmup: int = 4
    timeout_s: float = 60.0
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, low in (
            ("n_requests", 1),
            ("concurrency", 1),
            ("prompt_tokens", 1),
            ("output_tokens", 1),
            ("seed", 0),
            ("warmup", 0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name}: expected a whole number from {low} up, found {value!r}")
        if self.api not in APIS:
            raise ValueError(f"api: expected one of {', '.join(APIS)}, found {self.api!r}")
        if not 0 < self.timeout_s < 1e6:  # noqa: PLR2004
            raise ValueError(f"timeout_s: expected a number above 0, found {self.timeout_s!r}")

    @property
    def path(self) -> str:
        """Where requests are sent, below the server's URL."""
        return PATHS[self.api]

    def body(self, number: int, *, model: str) -> dict[str, Any]:
        """The JSON of request ``number``; its prompt differs from all others from the start."""
        prompt = self.prompt(number)
        asked: dict[str, Any] = {
            "model": model,
            **(
                {"prompt": prompt}
                if self.api == "completions"
                else {"messages": [{"role": "user", "content": prompt}]}
            ),
            "max_tokens": self.output_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            # Honoured by vLLM, SGLang and llama.cpp: each answer has the tokens that were asked.
            "ignore_eos": True,
            # llama.cpp: a prompt that it has seen is not computed again.
            "cache_prompt": False,
            **self.extra_body,
        }
        return {key: value for key, value in asked.items() if value is not None}

    def prompt(self, number: int) -> str:
        """About ``prompt_tokens`` tokens, the same for the same seed and number."""
        drawn = random.Random(f"{self.seed}/{number}")  # noqa: S311 - no secret
        words = [f"{drawn.randrange(10**6)}", *drawn.choices(_WORDS, k=self.prompt_tokens)]
        # A number takes several tokens, a common word one.
        return " ".join(words[: max(1, self.prompt_tokens - 3)])

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Workload":
        """From JSON; TypeError or ValueError where it is none of ours."""
        return cls(**document)
