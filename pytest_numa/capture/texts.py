"""Which parts of which files people have named; all other parts keep the kernel's format.

Formats: proc(5). In a pattern the group ``people`` is a path or a name, ``words`` a list of options
which may hold a secret.
"""

import re
from pathlib import PurePath

from pytest_numa.capture.blanking import Blanked, Blanker

_PARTS = {
    "cgroup": re.compile(r"(?m)^[^:\n]*:[^:\n]*:(?P<people>.*)$"),
    "comm": re.compile(r"(?s)(?P<people>.+)"),
    "maps": re.compile(r"(?m)^(?:[^ \n]+ +){5}(?P<people>[^ \n].*)$"),
    "mountinfo": re.compile(
        r"(?m)^(?:[^ \n]+ ){3}(?P<people>[^ \n]+ [^ \n]+) .*? - [^ \n]+ (?P<words>.*)$"
    ),
    "mounts": re.compile(r"(?m)^(?P<people>[^ \n]+ [^ \n]+) [^ \n]+ (?P<words>.*)$"),
    "numa_maps": re.compile(r"(?<= file=)(?P<people>[^ \t\n]+)"),
    "sched": re.compile(r"(?s)\A(?P<people>.*?) \(\d+, #threads"),
    "stat": re.compile(r"(?s)\((?P<people>.*)\)"),
    "status": re.compile(r"\AName:\t(?P<people>.*)"),
    "swaps": re.compile(r"(?m)^(?P<people>[^ \t\n]+)"),
    "version": re.compile(r"(?s)(?P<words>.+)"),
}
_CGROUPS = ("sys", "fs", "cgroup")


def blank(relative: PurePath, text: str, blanker: Blanker) -> Blanked:
    """Blank the text of a file, by its path below the root."""
    if relative.parts == ("proc", "sys", "kernel", "hostname"):
        return Blanked(text="host\n", what=("the host's name",))
    if relative.parts == ("proc", "cmdline"):
        return blanker.words(text)
    if relative.parts[0] == "proc":
        if relative.name == "cmdline":
            return blanker.argv(text)
        if relative.name in _PARTS:
            return _in_parts(_PARTS[relative.name], text, blanker)
    return blanker.numbers(text)


def blank_path(relative: PurePath, blanker: Blanker) -> PurePath:
    """Blank the names of folders: those of cgroups are people's."""
    how = blanker.people if relative.parts[:3] == _CGROUPS else blanker.numbers
    return PurePath(how(f"/{relative.parent}").text.removeprefix("/")) / relative.name


def _in_parts(pattern: re.Pattern[str], text: str, blanker: Blanker) -> Blanked:
    what: dict[str, None] = {}

    def instead(match: re.Match[str]) -> str:
        line, at = [], match.start()
        for name in pattern.groupindex:
            found = getattr(blanker, name)(match[name])
            what.update(dict.fromkeys(found.what))
            line += [text[at : match.start(name)], found.text]
            at = match.end(name)
        return "".join([*line, text[at : match.end()]])

    blanked = pattern.sub(instead, text)
    return Blanked(text=blanked, what=tuple(what))
