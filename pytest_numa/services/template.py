"""Unit templates: how they become units."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import jinja2
import jinja2.meta
from jinja2 import nodes

from pytest_numa.errors import UnitError
from pytest_numa.policy import Policy
from pytest_numa.services import catalogue, quoting
from pytest_numa.services.bundle import Bundle, UnitFile
from pytest_numa.services.catalogue import Source
from pytest_numa.services.unit import Unit

_LONGEST_LINE = 1_048_576
STYLES = ("native", "numactl")


def render(source: Source, *, policy: Policy, variables: Mapping[str, object]) -> Bundle:
    """Render a template, and those that go with it, with the policy and the user's variables.

    They see ``cpus`` and ``memory_nodes`` (kernel lists), ``cpu_count``, ``policy_style``,
    ``wrapper`` (what that puts before the command), ``manager``, ``unit_name``, ``instance`` and
    all of ``variables``; a name that is used and that nobody set is an error, never an empty
    string. A file that is no template is taken as it is.
    """
    given = {"policy_style": STYLES[0], "manager": "system", **variables}
    if given["policy_style"] not in STYLES:
        raise UnitError(
            f"policy_style: expected {' or '.join(STYLES)}, found {given['policy_style']!r}"
        )
    wrapper = shlex.join(policy.control_argv([])) if given["policy_style"] == "numactl" else ""
    given |= {"cpus": policy.cpu_list, "memory_nodes": policy.node_list}
    given |= {"cpu_count": str(len(policy.cpus)), "wrapper": _Quoted(f"{wrapper} ".lstrip())}
    given |= {"unit_name": source.unit_name, "instance": source.instance or ""}
    if not source.is_template:
        own = UnitFile(path=source.file_name, text=source.text())
        return Bundle(unit=Unit(name=source.unit_name, text=own.text), files=(own,))
    templates = [(source.file_name, source.path), *source.others()]
    files = [UnitFile(path=name, text=_rendered(source, path, given)) for name, path in templates]
    for file in files:
        _check_lines(file)
    own_files = [file for file in files if file.path in (source.file_name, *_drop_ins(source))]
    text = "\n".join(file.text for file in own_files)
    return Bundle(unit=Unit(name=source.unit_name, text=text), files=tuple(files))


def _check_lines(file: UnitFile) -> None:
    """Of a longer line systemd 252 drops the whole file (LONG_LINE_MAX), joined lines included."""
    joined = file.text.replace("\\\n", "")
    longest = max((len(line.encode()) for line in joined.splitlines()), default=0)
    if longest >= _LONGEST_LINE:
        raise UnitError(
            f"{file.path}: expected lines of less than {_LONGEST_LINE} bytes, which systemd reads, "
            f"found one of {longest}: give a shorter value"
        )


def names(source: Source) -> frozenset[str]:
    """The variables that a template, all that it includes and the files with it use."""
    if not source.is_template:
        return frozenset()
    paths = [source.path, *(path for _, path in source.others())]
    return frozenset().union(*(_names(source, catalogue.read(path)) for path in paths))


def _names(source: Source, text: str) -> frozenset[str]:
    """Those of one template; what it sets itself is no variable of the parts that it includes."""
    environment = _environment(source)
    root = environment.parse(text)
    targets = [node.target for node in root.find_all(nodes.Assign)]
    own = {target.name for target in targets if isinstance(target, nodes.Name)}
    found = set(jinja2.meta.find_undeclared_variables(root))
    waiting = list(filter(None, jinja2.meta.find_referenced_templates(root)))
    while waiting:
        part = environment.parse(_loader(source).get_source(environment, waiting.pop())[0])
        found |= jinja2.meta.find_undeclared_variables(part) - own
        waiting += filter(None, jinja2.meta.find_referenced_templates(part))
    return frozenset(found)


def _drop_ins(source: Source) -> list[str]:
    return [path for path, _ in source.others() if path.startswith(f"{source.unit_name}.d/")]


def _loader(source: Source) -> jinja2.BaseLoader:
    return jinja2.FileSystemLoader(source.folders)


def _environment(source: Source) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=_loader(source),
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
        path=lambda value: _Quoted(quoting.path(value)),
        file=lambda value: _Quoted(quoting.file(value)),
        account=lambda value: _Quoted(quoting.account(value)),
        accounts=lambda value: _Quoted(quoting.accounts(value)),
        program=lambda value: _Quoted(quoting.program(value)),
        words=quoting.shell_words,
    )
    return environment


def _rendered(source: Source, path: Path, given: Mapping[str, object]) -> str:
    try:
        return _environment(source).from_string(catalogue.read(path)).render(given)
    except jinja2.UndefinedError as error:
        name = str(error.message).split("'")[1] if "'" in str(error.message) else "NAME"
        raise UnitError(f"{path}: {error.message}; set it with --numa-set {name}=VALUE") from None
    except jinja2.TemplateSyntaxError as error:
        raise UnitError(f"{error.filename or path}:{error.lineno}: {error.message}") from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise UnitError(f"{path}: cannot be rendered: {error}") from None


class _Quoted(str):
    """Text that a filter has made safe."""

    __slots__ = ()


def _finalized(value: object) -> object:
    """What stands in ``{{ }}`` without a filter is one plain line, so it adds no directive."""
    if isinstance(value, (jinja2.Undefined, _Quoted)):
        return value
    return quoting.plain(value)
