"""Prompts from a file."""

import json
from pathlib import Path

import pytest

from pytest_numa.errors import LoadError, ParseError
from pytest_numa.load import prompts
from pytest_numa.load.workload import Workload

CHAT = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"}]


def test_every_form_of_a_line_is_read() -> None:
    lines = ["why?", {"prompt": "who?", "output_tokens": 9}, {"messages": CHAT, "max_tokens": 3}]
    text = "\n\n".join(json.dumps(line) for line in lines)

    found = prompts.parse(text, source="p.jsonl")

    assert [(one.text, one.output_tokens) for one in found] == [
        *(("why?", None), ("who?", 9)),
        (None, 3),
    ]
    assert list(found[2].messages) == CHAT


@pytest.mark.parametrize(
    "line",
    ["why?", "5", '""', "{}", '{"prompt": 5}', '{"messages": []}', '{"messages": [{}]}',
     '{"prompt": "a", "output_tokens": 0}', '{"prompt": "a", "messages": [{"role": "user"}]}'],
)  # fmt: skip
def test_a_line_that_is_no_prompt_is_named(line: str) -> None:
    with pytest.raises(ParseError, match=r"p\.jsonl:2: expected a JSON string, .* found"):
        prompts.parse(f'"good"\n{line}\n', source="p.jsonl")


def test_a_file_without_prompts_is_refused() -> None:
    with pytest.raises(ParseError, match="expected lines that are each"):
        prompts.parse("\n\n", source="p.jsonl")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"the prompts cannot be read: .*nothing"):
        prompts.read(tmp_path / "nothing")


def test_prompts_are_used_in_order_and_with_the_length_of_their_own() -> None:
    told = prompts.parse('"a"\n{"prompt": "b", "output_tokens": 7}', source="p")
    workload = Workload(output_tokens=3)

    bodies = [workload.body(number, model="m", prompts=told) for number in range(3)]

    assert [(body["prompt"], body["max_tokens"]) for body in bodies] == [
        *(("a", 3), ("b", 7)),
        ("a", 3),
    ]


def test_messages_need_the_api_of_chats() -> None:
    told = prompts.parse(json.dumps({"messages": CHAT}), source="p")

    assert Workload(api="chat").body(0, model="m", prompts=told)["messages"] == tuple(CHAT)
    with pytest.raises(LoadError, match="need --api chat"):
        Workload(prompts="p").body(0, model="m", prompts=told)
