"""Examples that are no commands: tests in Python, and settings in ini files."""

import configparser
import inspect

import doc_pages
import pytest
from doc_pages import Block

from pytest_numa import benchmark_entries, marks, options, plugin

BLOCKS = [block for page in doc_pages.PAGES for block in doc_pages.blocks(page)]
TESTS = [one for one in BLOCKS if one.language == "python" and "def test_" in "\n".join(one.lines)]
SETTINGS = [one for one in BLOCKS if one.language == "ini"]
LANGUAGES = ("console", "text", "python", "ini", "jinja", "yaml", "json", "toml")


def name(block: Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.mark.parametrize("block", BLOCKS, ids=name)
def test_a_block_says_what_it_is(block: Block) -> None:
    """A shell's lines are commands, which stand in a console: there a test finds them."""
    assert block.language in LANGUAGES


@pytest.mark.parametrize("block", TESTS, ids=name)
def test_an_example_asks_for_what_there_is(block: Block) -> None:
    space: dict[str, object] = {"pytest": pytest}
    exec("\n".join(block.lines), space)  # noqa: S102 - it is our own page

    tests = {one: found for one, found in space.items() if one.startswith("test_")}
    known = {*vars(plugin), benchmark_entries.FIXTURE}

    for test, function in tests.items():
        assert callable(function)
        asked = marks.demands(getattr(function, "pytestmark", ()), test=test, margin=0.05)
        fixtures = set(inspect.signature(function).parameters)
        assert fixtures <= known
        assert asked or asked.hosts or fixtures, f"{test} asks for nothing"


@pytest.mark.parametrize("block", SETTINGS, ids=name)
def test_each_key_of_an_ini_file_is_an_option(block: Block) -> None:
    parser = configparser.ConfigParser()
    parser.read_string("\n".join(block.lines))

    keys = set(parser["pytest"])

    assert keys <= {one.dest for one in options.OPTIONS}
