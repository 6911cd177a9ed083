"""Which unit templates there are, and where.

A template in the user's ``units/`` wins over the packaged one of the same name. Files in a folder
``TEMPLATE.with/`` beside one are installed with it, at the same place below the unit folder, where
``%i`` in their names is the instance.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.errors import UnitError

_TEMPLATE = ".j2"
_SUFFIXES = (".service", ".slice")
_INCLUDE = re.compile(r"\{% include \"([^\"]+)\" %\}\n")
_COMMENT = re.compile(r"\{#(.*?)#\}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A template, or a unit file that is taken as it is; ``instance`` is what follows the @."""

    path: Path
    folders: tuple[Path, ...]
    """Where it finds the parts that it includes."""
    instance: str | None = None

    @property
    def is_template(self) -> bool:
        """Whether it is rendered."""
        return self.path.name.endswith(_TEMPLATE)

    @property
    def is_packaged(self) -> bool:
        """Whether it came with pytest-numa."""
        return self.path.parent == self.folders[-1]

    @property
    def file_name(self) -> str:
        """The name of its unit file: ``inference-vllm@.service``."""
        return self.path.name.removesuffix(_TEMPLATE)

    @property
    def unit_name(self) -> str:
        """The name of the unit: ``inference-vllm@0.service``."""
        return self.file_name.replace("@.", f"@{self.instance}.", 1)

    @property
    def comment(self) -> str:
        """What the template says of itself and its variables, before the unit begins."""
        match = _COMMENT.match(self.text())
        return (
            "\n".join(line.removeprefix("   ") for line in match[1].strip().splitlines() or "")
            if match
            else ""
        )

    def text(self) -> str:
        """The template."""
        return read(self.path)

    def whole(self) -> str:
        """The template with its parts in their places: to be kept and changed by a user."""
        return self._with_parts(self.text())

    def _with_parts(self, text: str) -> str:
        def part(match: re.Match[str]) -> str:
            paths = (folder / match[1] for folder in self.folders)
            found = next((path for path in paths if path.is_file()), None)
            return match[0] if found is None else self._with_parts(read(found))

        return _INCLUDE.sub(part, text)

    def others(self) -> Iterator[tuple[str, Path]]:
        """The templates of the files that go with it, by where they are installed."""
        beside = self.path.with_name(f"{self.file_name}.with")
        for path in sorted(beside.rglob(f"*{_TEMPLATE}")):
            relative = str(path.relative_to(beside)).removesuffix(_TEMPLATE)
            yield relative.replace("%i", self.instance or ""), path


def folders(directory: Path) -> tuple[Path, ...]:
    """Where templates are looked for, in order: the user's ``units/``, then the packaged ones."""
    package = Path(__file__).parents[1]
    # A wheel carries the folder inside the package; in a checkout it stands beside it.
    packaged = package / "units" if (package / "units").is_dir() else package.parent / "units"
    return (directory / "units", packaged)


def find(name: str, *, directory: Path) -> Source:
    """The template called ``name`` (``inference-vllm``), or the file that it is a path of."""
    searched = folders(directory)
    if "/" in name or name.endswith((_TEMPLATE, ".service")):
        path = directory / name
        template, instance = _instance(path)
        if not path.is_file() and instance and template.is_file():
            return Source(path=template, folders=(path.parent, *searched), instance=instance)
        if not path.is_file():
            raise UnitError(f"unit template not found: {name!r} is no file (looked for {path})")
        return _complete(Source(path=path, folders=(path.parent, *searched)))
    stem, at, instance = name.partition("@")
    for folder in searched:
        path = folder / f"{_file_name(f'{stem}{at}')}{_TEMPLATE}"
        if path.is_file():
            return _complete(Source(path=path, folders=searched, instance=instance or None))
    known = ", ".join(source_name(one) for one in every(directory))
    raise UnitError(f"no unit template is called {name!r}; there are: {known}")


def every(directory: Path) -> list[Source]:
    """All templates, by name; of two with one name the user's."""
    found: dict[str, Source] = {}
    for folder in reversed(folders(directory)):
        for suffix in _SUFFIXES:
            for path in folder.glob(f"*{suffix}{_TEMPLATE}"):
                found[path.name] = Source(path=path, folders=folders(directory))
    return [found[name] for name in sorted(found)]


def source_name(source: Source) -> str:
    """What ``find`` finds it by; ``inference-vllm@INSTANCE`` where it needs one."""
    name = source.file_name.removesuffix(".service")
    return f"{name}INSTANCE" if name.endswith("@") else name


def read(path: Path) -> str:
    """A template's text; UnitError where it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnitError(f"unit template cannot be read: {error}") from None


def _file_name(name: str) -> str:
    return name if name.endswith(_SUFFIXES) else f"{name}.service"


def _complete(source: Source) -> Source:
    if "@." in source.file_name and source.instance is None:
        name = source.file_name.partition("@")[0]
        is_plain = source.path.suffix != _TEMPLATE
        raise UnitError(
            f"{source.file_name} is a template of instances: name one, such as "
            + (str(source.path.with_name(f"{name}@0.service")) if is_plain else f"{name}@0")
        )
    return source


def _instance(path: Path) -> tuple[Path, str]:
    """The template that systemd takes for a unit's file, and the instance's name."""
    stem, at, instance = path.name.partition("@")
    name, dot, suffix = instance.rpartition(".")
    return path.with_name(f"{stem}{at}{dot}{suffix}"), name
