"""The catalogue and what is installed of it: as tables, as a document, as a difference."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from tabulate import tabulate

from pytest_numa.services import bundle, catalogue, systemctl
from pytest_numa.services.bundle import Bundle, UnitFile
from pytest_numa.services.catalogue import Source


def document(sources: Iterable[Source], installed: Sequence[str]) -> dict[str, object]:
    """Build what ``pytest-numa unit list --json`` prints."""
    return {
        "templates": [
            {
                "name": catalogue.source_name(one),
                "path": str(one.path),
                "is_packaged": one.is_packaged,
                "summary": _summary(one),
            }
            for one in sources
        ],
        "installed": list(installed),
    }


def tables(sources: Iterable[Source], installed: Sequence[str]) -> str:
    """Write the templates, and the units that were installed for good."""
    rows = [
        [
            catalogue.source_name(one),
            "packaged" if one.is_packaged else "yours",
            _summary(one),
        ]
        for one in sources
    ]
    table = tabulate(rows, headers=["Template", "From", "What"], tablefmt="simple")
    units = ", ".join(installed) or "none"
    return f"{table}\n\ninstalled: {units}\nthe variables of one: pytest-numa unit list NAME\n"


def text(wanted: Bundle) -> str:
    """The unit file; where there are several, each below its name."""
    if len(wanted.files) == 1:
        return wanted.files[0].text
    return "\n".join(f"# {file.path}\n{file.text}" for file in wanted.files)


def difference(wanted: Bundle, folder: Path) -> str:
    """What would change in the folder, as a unified diff; empty where nothing would."""
    return "".join(line for file in wanted.files for line in _difference(file, folder / file.path))


def installed(wanted: Bundle, scope: systemctl.Scope) -> str:
    """What was installed, and how to look after it."""
    command = " ".join(["systemctl", *scope.flags])
    files = "\n".join(f"  {scope.unit_folder / file.path}" for file in wanted.files)
    flag = "" if scope.manager == "system" else " --user"
    return (
        f"installed {wanted.name}:\n{files}\n"
        f"state: {command} status {wanted.name}\n"
        f"undo:  pytest-numa unit remove {wanted.name}{flag}"
    )


def _difference(file: UnitFile, path: Path) -> Iterable[str]:
    try:
        now = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        now = ""
    is_ours = bundle.is_ours(now)
    old = now.split("\n", 1)[1] if is_ours else now
    return difflib.unified_diff(
        old.splitlines(keepends=True),
        file.text.splitlines(keepends=True),
        fromfile=f"{path}{'' if is_ours or not now else ' (not ours)'}",
        tofile=f"{path} (as rendered)",
    )


def _summary(source: Source) -> str:
    return source.comment.partition("\n")[0]
