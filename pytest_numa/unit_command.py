"""``pytest-numa unit``: the catalogue of units, rendered, checked, installed and removed."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from pytest_numa import host, linting, option, policy, rendering
from pytest_numa.errors import PolicyError, UnitError
from pytest_numa.rendering import Rendered
from pytest_numa.report import lint as lint_report
from pytest_numa.report import units as report
from pytest_numa.services import catalogue, installation, journal, managers, systemctl, undo
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.installed_unit import InstalledUnit
from pytest_numa.services.unit import Unit

_WRONG_USAGE = 2
_UNKNOWN = 3
_ACTIONS: dict[str, str] = {
    "list": "which templates there are, or what the variables of one are",
    "render": "print the unit",
    "lint": "what is wrong with it, and what mends that; with a unit file also without a policy",
    "diff": "what installing it would change; exit code 1 where there is something",
    "install": "install it, or install it anew; it survives reboots",
    "rollback": "go back to what was installed before the last install",
    "remove": "bring back what was there before the first install",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions, and the options of each."""
    parser.epilog = (
        "A template in your own units/ wins over the packaged one of the same name. Exit code: 0 "
        "good, 1 an error, a finding or a difference, 2 wrong usage, 3 lint could not look at all."
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        _add_name(action, name)
        if name in ("render", "lint", "diff", "install"):
            _add_inputs(action)
        if name == "lint":
            _add_wishes(action)
        action.add_argument("--user", action="store_true", help="of your own systemd --user")
        if name == "install":
            action.add_argument("--enable", action="store_true", help="start it at every boot")
            action.add_argument("--now", action="store_true", help="enable it, and start it now")
        if name in ("install", "remove"):
            action.add_argument(
                "--force", action="store_true", help="also where somebody changed it; keeps a copy"
            )
        action.set_defaults(act=act, action=name)


def _add_name(action: argparse.ArgumentParser, name: str) -> None:
    if name == "list":
        action.add_argument("name", nargs="?", metavar="NAME", help="the template to describe")
        action.add_argument("--json", action="store_true", help="for programs")
    elif name in ("rollback", "remove"):
        action.add_argument("name", metavar="NAME", help="the unit: inference-vllm, or with @N")
    else:
        action.add_argument(
            "name", metavar="NAME|PATH", help="a template, NAME@INSTANCE of it, or a unit file"
        )


def _add_inputs(action: argparse.ArgumentParser) -> None:
    add = action.add_argument
    add("--numa-node", metavar="N[,N]|auto", help="nodes that its memory is to be on")
    add("--cpus", metavar="LIST", help="CPUs that it is to have [those of the nodes]")
    add(
        *("--set", "--numa-set"),
        dest="set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a variable of the template; repeatable",
    )
    if action.prog.endswith(" install"):
        action.set_defaults(root=Path("/"))
    else:
        add("--root", type=Path, default=Path("/"), metavar="DIR", help="a captured machine [/]")


def _add_wishes(action: argparse.ArgumentParser) -> None:
    add = action.add_argument
    add("--memory", type=option.size, metavar="SIZE", help="memory that it will take: 200G")
    add("--siblings", choices=("all", "one"), help="of each core that it has [either]")
    add("--public", action="store_true", help="others are meant to reach it over the network")
    add("--json", action="store_true", help="for programs")


def act(arguments: argparse.Namespace) -> int:
    """Do it; the exit code says what came of it."""
    acts = {
        "list": _list,
        "render": _render,
        "lint": _lint,
        "diff": _diff,
        "install": _install,
        "rollback": _rollback,
        "remove": _remove,
    }
    return acts[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    directory = Path.cwd()
    if arguments.name:
        print(catalogue.find(_with_instance(arguments.name), directory=directory).comment)
        return 0
    scope = _scope(arguments)
    sources, installed = catalogue.every(directory), list(journal.units(scope))
    if arguments.json:
        print(json.dumps(report.document(sources, installed), indent=2))
    else:
        print(report.tables(sources, installed), end="")
    return 0


def _render(arguments: argparse.Namespace) -> int:
    try:
        rendered = _rendered(arguments)
    except _Usage as error:
        return _refuse(error)
    print(report.text(rendered.bundle), end="")
    return 0


def _lint(arguments: argparse.Namespace) -> int:
    topology = host.read_topology(arguments.root)
    try:
        wanted, wish = _wanted(arguments, topology)
    except _Usage as error:
        return _refuse(error)
    findings = linting.lint(
        wanted, wish, topology=topology, scope=_scope(arguments), root=arguments.root
    )
    if arguments.json:
        print(json.dumps(lint_report.document(wanted.name, findings), indent=2))
    else:
        print(lint_report.text(wanted.name, findings))
    if all(one.is_unknown for one in findings):
        return _UNKNOWN if findings else 0
    return 1


def _wanted(arguments: argparse.Namespace, topology: host.Topology) -> tuple[Bundle, linting.Wish]:
    """The unit, and what is wanted of it; a plain unit file may stand for itself."""
    wish = linting.Wish(
        needs_bytes=arguments.memory,
        siblings=arguments.siblings,
        is_exposed=arguments.public or any(one.startswith("host=") for one in arguments.set),
    )
    try:
        plain = rendering.plain(arguments.name, directory=Path.cwd())
    except UnitError as error:
        raise _Usage(str(error)) from None
    if plain is not None and arguments.numa_node is None and arguments.cpus is None:
        return plain, replace(wish, beside=(Path.cwd() / arguments.name).parent)
    return _rendered(arguments).bundle, replace(wish, policy=_policy(arguments, topology))


def _diff(arguments: argparse.Namespace) -> int:
    try:
        rendered = _rendered(arguments)
    except _Usage as error:
        return _refuse(error)
    found = report.difference(rendered.bundle, _scope(arguments).unit_folder)
    print(found, end="")
    return int(bool(found))


def _install(arguments: argparse.Namespace) -> int:
    try:
        rendered = _rendered(arguments)
    except _Usage as error:
        return _refuse(error)
    scope = _checked_scope(arguments)
    stands = InstalledUnit(scope=scope, unit=rendered.bundle.unit)

    def finish() -> None:
        if arguments.enable or arguments.now:
            stands.enable()
        if arguments.now:
            stands.start()

    with undo.footprint() as footprint:
        _warn(footprint)
        copies = installation.install(
            scope, rendered.bundle, finish=finish, is_forced=arguments.force
        )
    for path in copies:
        print(f"kept a copy: {path}")
    print(report.installed(rendered.bundle, scope))
    for note in managers.notes(scope):
        print(f"note:  {note}")
    return 0


def _rollback(arguments: argparse.Namespace) -> int:
    scope, unit = _checked_scope(arguments), _unit_name(arguments.name)
    with undo.footprint() as footprint:
        _warn(footprint)
        installation.rollback(scope, unit)
    print(f"{unit} is again what it was before the last install")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    scope, unit = _checked_scope(arguments), _unit_name(arguments.name)
    with undo.footprint() as footprint:
        _warn(footprint)
        copies = installation.remove(scope, unit, is_forced=arguments.force)
    for path in copies:
        print(f"kept a copy: {path}")
    print(f"{unit} is removed; all is as before it was installed")
    return 0


class _Usage(Exception):  # noqa: N818 - the user's words cannot be followed; never leaves here
    pass


def _rendered(arguments: argparse.Namespace) -> Rendered:
    try:
        topology = host.read_topology(arguments.root)
        return rendering.render(
            arguments.name,
            directory=Path.cwd(),
            policy=_policy(arguments, topology),
            given=option.settings(arguments.set),
            manager=_scope(arguments).manager,
            cpus_online=topology.cpus_online,
        )
    except (PolicyError, UnitError, ValueError) as error:
        raise _Usage(str(error)) from None


def _policy(arguments: argparse.Namespace, topology: host.Topology) -> policy.Policy:
    return policy.resolve(
        topology,
        node_option=arguments.numa_node,
        cpus_option=arguments.cpus,
    )


def _refuse(error: Exception) -> int:
    print(f"pytest-numa unit: {error}", file=sys.stderr)
    return _WRONG_USAGE


def _scope(arguments: argparse.Namespace) -> systemctl.Scope:
    return systemctl.scope_of("user" if arguments.user else "system")


def _checked_scope(arguments: argparse.Namespace) -> systemctl.Scope:
    scope = _scope(arguments)
    managers.check_lasting(scope)
    return scope


def _warn(footprint: undo.Footprint) -> None:
    for problem in footprint.problems:
        print(f"pytest-numa: {problem}", file=sys.stderr)


def _unit_name(name: str) -> str:
    whole = name if name.endswith((".service", ".slice")) else f"{name}.service"
    # Refuses what is no unit's name: it would be a path.
    return Unit(name=whole, text="").name


def _with_instance(name: str) -> str:
    return f"{name}0" if name.endswith("@") else name
