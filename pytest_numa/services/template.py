"""Unit templates: where they are found, and how they become a unit.

A template in the user's ``units/`` wins over the packaged one of the same name.
"""

from collections.abc import Mapping
from pathlib import Path

import jinja2

from pytest_numa.errors import UnitError
from pytest_numa.policy import Policy
from pytest_numa.services import quoting
from pytest_numa.services.unit import Unit

SUFFIX = ".service.j2"
STYLES = ("native", "numactl")


def folders(directory: Path) -> tuple[Path, ...]:
    """Where templates are looked for, in order: the user's ``units/``, then the packaged ones."""
    package = Path(__file__).parents[1]
    # A wheel carries the folder inside the package; in a checkout it stands beside it.
    packaged = package / "units" if (package / "units").is_dir() else package.parent / "units"
    return (directory / "units", packaged)


def find(name: str, *, directory: Path) -> Path:
    """The template called ``name`` (``inference-vllm``), or the file that it is a path of."""
    path = directory / name
    if "/" in name or name.endswith((SUFFIX, ".service")):
        if path.is_file():
            return path
        raise UnitError(f"unit template not found: {name!r} is no file (looked for {path})")
    candidates = [folder / f"{name}{SUFFIX}" for folder in folders(directory)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = {
        file.name.removesuffix(SUFFIX)
        for folder in folders(directory)
        for file in folder.glob(f"*{SUFFIX}")
    }
    raise UnitError(f"no unit template is called {name!r}; there are: {', '.join(sorted(names))}")


def render(path: Path, *, policy: Policy, variables: Mapping[str, str]) -> Unit:
    """Render a template with the policy and the user's variables.

    The template sees ``cpus`` and ``memory_nodes`` (kernel lists), ``policy_style`` and all of
    ``variables``; a name that it uses and nobody set is an error, never an empty string.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - a unit file is no HTML; quoting.py escapes for systemd
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters.update(
        arg=lambda value: _Quoted(quoting.argument(value)),
        env=lambda value: _Quoted(quoting.assignment(value)),
        line=lambda value: _Quoted(quoting.plain(value)),
    )
    given = {"policy_style": STYLES[0], **variables}
    if given["policy_style"] not in STYLES:
        raise UnitError(
            f"policy_style: expected {' or '.join(STYLES)}, found {given['policy_style']!r}"
        )
    try:
        text = environment.from_string(_text(path)).render(
            {**given, "cpus": policy.cpu_list, "memory_nodes": policy.node_list}
        )
    except jinja2.UndefinedError as error:
        name = str(error.message).split("'")[1] if "'" in str(error.message) else "NAME"
        raise UnitError(f"{path}: {error.message}; set it with --numa-set {name}=VALUE") from None
    except jinja2.TemplateSyntaxError as error:
        raise UnitError(f"{path}:{error.lineno}: {error.message}") from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise UnitError(f"{path}: cannot be rendered: {error}") from None
    return Unit(name=path.name.removesuffix(".j2"), text=text)


class _Quoted(str):
    """Text that a filter has made safe."""

    __slots__ = ()


def _finalized(value: object) -> object:
    """What stands in ``{{ }}`` without a filter is one plain line, so it adds no directive."""
    if isinstance(value, (jinja2.Undefined, _Quoted)):
        return value
    return quoting.plain(value)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnitError(f"unit template cannot be read: {error}") from None
