"""The load that is offered."""

import pytest

from pytest_numa.load.workload import Workload


def test_prompts_are_the_same_for_the_same_seed_and_differ_otherwise() -> None:
    workload, other = Workload(seed=1), Workload(seed=2)

    assert workload.prompt(7) == Workload(seed=1).prompt(7)
    assert len({workload.prompt(7), workload.prompt(8), other.prompt(7)}) == 3


@pytest.mark.parametrize(("api", "field"), [("completions", "prompt"), ("chat", "messages")])
def test_the_body_is_that_of_the_api(api: str, field: str) -> None:
    body = Workload(api=api, output_tokens=5).body(0, model="m")

    assert field in body
    assert (body["model"], body["max_tokens"], body["stream"]) == ("m", 5, True)


def test_extra_fields_are_added_and_none_removes_one() -> None:
    extra = {"ignore_eos": None, "top_k": 1}

    body = Workload(extra_body=extra).body(0, model="m")

    assert body["top_k"] == 1
    assert "ignore_eos" not in body


def test_a_workload_comes_back_from_its_document() -> None:
    workload = Workload(n_requests=3, extra_body={"a": 1})

    assert Workload.from_document(workload.as_document()) == workload


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_requests", 0),
        ("concurrency", -1),
        ("output_tokens", 1.5),
        ("warmup", True),
        ("api", "embeddings"),
        ("timeout_s", 0),
        ("timeout_s", float("nan")),
    ],
)
def test_a_workload_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{field}: expected .* found"):
        Workload(**{field: value})  # type: ignore[arg-type]
