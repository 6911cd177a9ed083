"""What has changed since an earlier audit of the same host."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pytest_numa.audit.check import Fix, Outcome, failed, passed, skipped
from pytest_numa.audit.machine import Machine, UnreadableError
from pytest_numa.kernel import cpulist

_ALIKE = 0.02
_NOTHING = "nothing to compare with: --against FILE, an earlier --json"
_WORDS = {
    "command_line_sha256": "command line",
    "microcode": "microcode",
    "kernel": "kernel",
    "mitigations": "mitigations",
}
_VULNERABILITIES = "sys/devices/system/cpu/vulnerabilities"


def inventory(machine: Machine) -> Outcome:
    """N1: nodes, their CPUs and memory; firmware settings (NPS, SNC) change them."""
    if machine.topology.is_numa:
        folders = [f"sys/devices/system/node/node{node.id}" for node in machine.topology.nodes]
        machine.require(folders, any_of=["cpulist", "cpumap"])
    facts = {
        str(node.id): {"cpus": cpulist.format(node.cpus), "memory_bytes": node.memory_bytes}
        for node in machine.topology.nodes
    }
    earlier = machine.earlier.get("N1", {}).get("nodes")
    if not isinstance(earlier, Mapping):
        return skipped(_NOTHING, nodes=facts)
    changed = [
        f"node {name}: {_node(earlier.get(name))} is {_node(facts.get(name))}"
        for name in sorted({*earlier, *facts}, key=str)
        if not _is_alike(earlier.get(name), facts.get(name))
    ]
    if not changed:
        return passed("nodes, CPUs and memory as before", nodes=facts)
    return failed(
        "; ".join(changed),
        Fix(text="set NPS, SNC and the like in the firmware as before, or record the host anew"),
        nodes=facts,
    )


def _is_alike(before: object, now: object) -> bool:
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return before == now
    first, last = before.get("memory_bytes"), now.get("memory_bytes")
    if not isinstance(first, (int, float)) or not isinstance(last, (int, float)):
        return False
    is_as_large = abs(first - last) <= _ALIKE * max(first, last)
    return is_as_large and before.get("cpus") == now.get("cpus")


def _node(facts: object) -> str:
    if not isinstance(facts, Mapping):
        return "absent"
    return f"CPUs {facts.get('cpus') or 'none'}, {facts.get('memory_bytes')} bytes"


def software(machine: Machine) -> Outcome:
    """N25: mitigations, microcode and the kernel's command line explain changes of speed."""
    command_line = machine.read("proc/cmdline")
    facts: dict[str, Any] = {
        "command_line_sha256": hashlib.sha256(command_line.encode(errors="replace")).hexdigest(),
        "microcode": _microcode(machine),
        "kernel": machine.read_if_any("proc/sys/kernel/osrelease"),
        "mitigations": {
            name.rpartition("/")[2]: machine.read(name)
            for name in machine.names(f"{_VULNERABILITIES}/*")
        },
    }
    earlier = machine.earlier.get("N25", {})
    if not earlier:
        return skipped(_NOTHING, **facts)
    changed = [_WORDS[name] for name in facts if earlier.get(name) != facts[name]]
    known = [_WORDS[name] for name, value in facts.items() if value]
    if lacking := [
        _WORDS[name] for name, value in facts.items() if not value and earlier.get(name)
    ]:
        raise UnreadableError(f"told before, and not now: {', '.join(lacking)}")
    if not changed:
        return passed(f"as before: {', '.join(known)}", **facts)
    return failed(
        f"changed: {', '.join(changed)}",
        Fix(text="record the baseline anew, or go back to what it was recorded with"),
        **facts,
    )


def _microcode(machine: Machine) -> str | None:
    try:
        lines = machine.read("proc/cpuinfo").splitlines()
    except UnreadableError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line[:9] == "microcode"), None)
