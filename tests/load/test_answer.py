"""Streams taken apart: what arrived when, however the bytes were cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.load import answer


def event(**chunk: object) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def text(word: str) -> bytes:
    return event(choices=[{"text": word}])


DONE = b"data: [DONE]\n\n"
# llama.cpp: usage in a chunk whose choices are not empty. vLLM: in one without.
LLAMA = text("a") + text("b") + event(choices=[{"text": ""}], usage={"completion_tokens": 2}) + DONE
VLLM = text("a") + text("b") + event(choices=[], usage={"completion_tokens": 2}) + DONE


@pytest.mark.parametrize("body", [LLAMA, VLLM])
def test_tokens_are_counted_by_the_usage_of_any_chunk(body: bytes) -> None:
    found = answer.parse_stream([(1.0, body)])

    assert (found.usage_tokens, len(found.text_at), found.failure) == (2, 2, None)


@given(st.lists(st.integers(min_value=1, max_value=len(VLLM) - 1), max_size=12))
def test_it_does_not_matter_where_the_reads_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), len(VLLM)]
    reads = [
        (float(number), VLLM[start:end]) for number, (start, end) in enumerate(pairwise(edges))
    ]

    found = answer.parse_stream(reads)

    assert (found.usage_tokens, len(found.text_at), found.failure) == (2, 2, None)
    assert list(found.text_at) == sorted(found.text_at)


def test_an_event_has_arrived_when_its_last_byte_has() -> None:
    first, second = text("a"), text("b")

    found = answer.parse_stream([(1.0, first[:9]), (2.0, first[9:] + second), (3.0, DONE)])

    assert found.text_at == (2.0, 2.0)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_format_is_read(end: bytes) -> None:
    found = answer.parse_stream([(1.0, VLLM.replace(b"\n", end))])

    assert (len(found.text_at), found.failure) == (2, None)


def test_comments_and_other_fields_are_no_events() -> None:
    body = b": keep-alive\n\nid: 1\nretry: 5\n\nevent: ping\n\n" + VLLM

    assert answer.parse_stream([(1.0, body)]).failure is None


@pytest.mark.parametrize(
    "delta",
    [{"role": "assistant"}, {"content": None}, {"content": ""}, {"content": 5}, {}],
)
def test_a_delta_without_text_is_no_token(delta: dict[str, object]) -> None:
    body = event(choices=[{"delta": delta}]) + event(choices=[{"delta": {"content": "a"}}]) + DONE

    assert len(answer.parse_stream([(1.0, body)]).text_at) == 1


@given(st.lists(st.tuples(st.floats(0, 9), st.binary(max_size=60)), max_size=8))
def test_garbage_is_a_failure_and_never_an_exception(reads: list[tuple[float, bytes]]) -> None:
    assert answer.parse_stream(reads).failure is not None


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_json_of_any_shape_is_never_an_exception(choices: object) -> None:
    body = event(choices=choices, usage=choices) + DONE

    assert answer.parse_stream([(1.0, body)]).usage_tokens is None


@pytest.mark.parametrize("count", [True, -1, 0, 10**12, "2", None, 2.5])
def test_a_count_that_is_none_is_not_believed(count: object) -> None:
    body = text("a") + event(choices=[], usage={"completion_tokens": count}) + DONE

    assert answer.parse_stream([(1.0, body)]).usage_tokens is None
