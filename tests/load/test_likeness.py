"""Chunks told by their likeness are those that parsing tells."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.load import answer

FORMS: list[dict[str, Any]] = [
    {"choices": [{"text": "T", "index": 0}], "model": "m"},
    {"choices": [{"delta": {"content": "T"}}]},
    {"id": 'a"text": "T', "choices": [{"delta": {"role": "assistant", "content": "T"}}]},
    {"choices": [{"delta": {"content": "", "reasoning_content": "T"}}]},
    {"choices": [{"delta": {"content": "T", "reasoning": "T"}}]},
    {"choices": [{"delta": {}}], "text": "T"},
    {"choices": [{"text": "T"}], "usage": {"completion_tokens": 7}},
    {"choices": [{"text": "T"}], "error": {"message": "T"}},
]
WORDS = st.one_of(st.text(max_size=6), st.sampled_from(["", "a", '"', "\\", "é", "\n", '","x":"']))


def bodies(form: dict[str, Any], words: list[str], *, is_ascii: bool) -> list[bytes]:
    """The form with each of the words for its T, as the JSON of an event."""
    text = json.dumps(form, ensure_ascii=is_ascii)
    return [
        text.replace("T", json.dumps(word, ensure_ascii=is_ascii)[1:-1]).encode() for word in words
    ]


def alone(body: bytes) -> answer.Answer[int]:
    return answer.parse_stream([(0, b"data: " + body + b"\n\n")])


@given(st.sampled_from(FORMS), st.lists(WORDS, max_size=6), st.booleans())
def test_a_stream_of_like_chunks_is_read_as_each_of_them_alone(
    form: dict[str, Any],
    words: list[str],
    is_ascii: bool,  # noqa: FBT001
) -> None:
    all_bodies = bodies(form, ["b", *words, "c"], is_ascii=is_ascii)

    found = answer.parse_stream(
        (number, b"data: " + body + b"\n\n") for number, body in enumerate(all_bodies)
    )

    each = [alone(body) for body in all_bodies]
    assert found.text_at == tuple(number for number, one in enumerate(each) if one.text_at)
    assert found.usage_tokens == next((one.usage_tokens for one in each if one.usage_tokens), None)


def test_a_chunk_that_has_more_than_its_text_is_parsed() -> None:
    like = b'data: {"choices":[{"text":"a"}],"z":""}\n\n'
    other = like.replace(b'"a"}]', b'"a"}],"usage":{"completion_tokens":9}')

    found = answer.parse_stream([(0, like), (1, other), (2, like)])

    assert (found.usage_tokens, found.text_at) == (9, (0, 1, 2))
