"""JSON as it is read: what is taken, and what readers would differ about."""

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_numa import documents
from pytest_numa.load.results import Limits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('[{"a": [NaN]}]', "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("[" * 100_000, "it is nested too deeply"),
        (r'["\ud800"]', "surrogates not allowed"),
        ("9" * 5000, "4300"),
    ],
)
def test_a_text_that_says_nothing_certain_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        documents.parse(text)


def test_a_document_is_read_as_it_stands() -> None:
    assert documents.parse(r'{"a": [1, 2.5, null, "\ud83d\ude00"]}') == {"a": [1, 2.5, None, "😀"]}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, int),
        (1, float),
        (2.5, float),
        (None, float | None),
        (True, bool),
        ({"a": 1}, Mapping[str, int]),
        ({"a": None}, Mapping[str, Any]),
    ],
)
def test_a_value_has_the_type_that_it_must_have(value: object, kind: Any) -> None:  # noqa: ANN401
    assert documents.has_type(value, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, int),
        (True, float),
        (2.5, int),
        ("1", float),
        (10**400, float),
        (float("nan"), float),
        (float("inf"), float | None),
        (None, str),
        (1, bool),
        ([], Mapping[str, int]),
        ({"a": "1"}, Mapping[str, int]),
    ],
)
def test_a_value_of_another_type_is_told_apart(value: object, kind: Any) -> None:  # noqa: ANN401
    assert not documents.has_type(value, kind)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "Limits: expected an object, found list"),
        ({"ttft_ms": "x" * 100}, f"Limits.ttft_ms: found '{'x' * 40}'"),
        ({"alien": 1}, "unexpected keyword argument 'alien'"),
    ],
)
def test_a_document_that_is_no_such_value_is_refused(document: object, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        documents.checked(Limits, document)
