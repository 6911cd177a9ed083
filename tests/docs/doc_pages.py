"""The pages of the documentation: their commands, with the output shown, and their links."""

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
SHELLS = ("console", "sh", "bash", "shell")
_FENCE = re.compile(r"^ *(?P<ticks>`{3,}|~{3,}) *(?P<language>[\w-]*) *$")
_PROMPT = re.compile(r"^[$#] (?P<text>.+)$")
_REMARK = re.compile(r"\s{2,}# .*$")
_SPAN = re.compile(r"(?<!`)`(?P<text>[^`\n]+)`(?!`)")
_FILE = re.compile(r"`(?P<name>[\w./@-]+)`:$")
_CHOICE = re.compile(r"\s\[[^\]]*\]")
_ENDS = ("|", ">", ">>", "&&")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block; ``file`` is what the paragraph before it calls it, as in "`pytest.ini`:"."""

    page: str
    line: int
    language: str
    lines: Sequence[str]
    file: str | None
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a console block, on one line, and the lines below it."""

    where: str
    text: str
    heading: str = ""
    shown: Sequence[str] = ()

    @property
    def argv(self) -> list[str]:
        """The first program's words: without ``sudo``, variables, its folder, and [choices]."""
        words = shlex.split(_CHOICE.sub("", self.text))
        words = list(itertools.takewhile(lambda word: word not in _ENDS, words))
        while words and (words[0] == "sudo" or _ASSIGNMENT.fullmatch(words[0])):
            words.pop(0)
        program = words[0] if words[0].startswith(".") else words[0].rpartition("/")[2]
        return [program, *words[1:]]


def name_of(page: Path) -> str:
    """The path within the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in its order."""
    fence, language, begun, kept = "", "", 0, list[str]()
    before, heading = "", ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        found = _FENCE.match(line)
        if fence and line.strip() == fence:
            named = _FILE.search(before)
            file = named["name"] if named else None
            yield Block(
                page=name_of(page), line=begun, language=language, lines=tuple(kept), file=file,
                heading=heading,
            )  # fmt: skip
            fence, before = "", ""
        elif fence:
            kept.append(line)
        elif found:
            fence, language, begun, kept = found["ticks"], found["language"], number, []
        elif line.strip():
            before = line.strip()
            heading = before if before.startswith("#") else heading


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; of other shells every line is one."""
    waiting: Command | None = None
    for number, line in enumerate(_joined(block.lines), start=1):
        found = _PROMPT.match(line)
        if found or block.language != "console":
            if waiting:
                yield waiting
            text = _REMARK.sub("", found["text"] if found else line).strip()
            where = f"{block.page}:{block.line + number}"
            waiting = Command(where=where, text=text, heading=block.heading)
        elif waiting:
            waiting = replace(waiting, shown=(*waiting.shown, line))
    if waiting and waiting.text:
        yield waiting


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Lines that end in a backslash together with the next."""
    begun = ""
    for line in lines:
        if line.endswith("\\"):
            begun += line[:-1].rstrip() + " "
        else:
            yield begun + (line.lstrip() if begun else line)
            begun = ""


def all_commands() -> list[Command]:
    """Of all console blocks of all pages."""
    return [
        command
        for page in PAGES
        for block in blocks(page)
        if block.language in SHELLS
        for command in commands(block)
    ]


def inline_commands() -> list[Command]:
    """Commands of ours within sentences; one with a gap in it (…) is none."""
    return [
        Command(where=name_of(page), text=found["text"])
        for page in PAGES
        for found in _SPAN.finditer(prose(page))
        if found["text"].startswith("pytest-numa ") and "…" not in found["text"]
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^ *(`{3,}|~{3,}).*?^ *\1 *$", "", text, flags=re.MULTILINE | re.DOTALL)


def is_shown(shown: Sequence[str], really: str) -> bool:
    """Whether the lines shown are those that came out; ``...`` stands for any lines."""
    parts = "\n".join(line.rstrip() for line in shown).strip("\n").split("\n...")
    first = parts[0].removeprefix("...")
    came = "\n".join(line.rstrip() for line in really.splitlines())
    if not came.startswith(first) and parts[0] == first:
        return False
    at = 0
    for part in (first, *parts[1:]):
        at = came.find(part.strip("\n"), at)
        if at < 0:
            return False
        at += len(part.strip("\n"))
    return len(parts) > 1 or came.strip("\n") == first.strip("\n")
