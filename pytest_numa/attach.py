"""A service that runs already: its processes, cgroups and unit, looked at and judged."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_numa import placement, process
from pytest_numa.errors import HostError, ParseError, ServiceError
from pytest_numa.host import Topology
from pytest_numa.kernel import status
from pytest_numa.process import Depth, Process, ServiceProcesses, Watched
from pytest_numa.services import systemctl, unit_facts
from pytest_numa.services.unit_facts import UnitFacts

_LIVE = Path("/")
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+")
FULL_BYTES = 2**30
"""To look at all pages of a process of this size holds it up for 33 ms at most."""
# More than this many pages of one process take a tenth of a second.
_MOST_SAMPLED = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The service and, where it is a unit's and the host is live, the unit."""

    service: ServiceProcesses
    unit: UnitFacts | None = None


def find(target: str, root: Path = _LIVE) -> Target:
    """Find the service by its process id or its unit; ServiceError where there is none."""
    if target.isdecimal():
        return _of_pid(int(target), root)
    if root != _LIVE:
        return _captured_unit(target if "." in target else f"{target}.service", root)
    if not _UNIT.fullmatch(target):
        raise HostError(f"expected a process id or the name of a unit, found {target!r}")
    found = _loaded_unit(target if "." in target else f"{target}.service")
    if not found.main_pid:
        raise ServiceError(
            f"the unit {found.name} has no main process: it is {found.properties['ActiveState']} "
            f"({found.properties['SubState']}); start it: systemctl start {found.name}"
        )
    return Target(
        service=ServiceProcesses(main_pid=found.main_pid, has_own_cgroup=True), unit=found
    )


def take(
    target: Target,
    wanted: placement.Wanted,
    topology: Topology,
    *,
    depth: Depth | None = None,
    watched: Watched | None = None,
    full_bytes: int = FULL_BYTES,
    listeners: Mapping[int, str] | None = None,
) -> placement.Proof:
    """Look at the service and judge what was seen.

    Without ``depth`` all pages are looked at of processes that have no more than ``full_bytes`` of
    memory, and of larger ones a sample that is large enough for the budget. ``listeners`` are those
    at the address where the service is asked.
    """
    service = target.service
    found: list[Process] = []
    for pid in sorted(service.pids):
        size_bytes = _resident_bytes(pid, service.root)
        own = depth or ("full" if size_bytes <= full_bytes else "sample")
        count = _sampled_pages(size_bytes, wanted)
        found += process.read_processes([pid], service.root, depth=own, sampled_pages=count)
    clues = placement.Clues(
        topology=topology,
        cgroups=service.cgroups(),
        unit=target.unit,
        has_cpuset=_has_cpuset(target),
        listeners=listeners or {},
    )
    return placement.prove(wanted, found, clues, watched)


def _of_pid(pid: int, root: Path) -> Target:
    if not (root / "proc" / str(pid)).is_dir():
        raise ServiceError(
            f"process {pid}: expected a running process, found none"
            + ("" if root == _LIVE else f" in {root / 'proc'}")
        )
    folder = process.service_cgroup(pid, root)
    # Where we are in it ourselves, as in a CI runner's, it is not the service's alone.
    is_own = folder is not None and (
        root != _LIVE or os.getpid() not in process.pids_in_cgroup(folder)
    )
    alone = Target(service=ServiceProcesses(main_pid=pid, has_own_cgroup=is_own, root=root))
    if not is_own or folder is None or root != _LIVE or not folder.name.endswith(".service"):
        return alone
    try:
        unit = _loaded_unit(folder.name)
    except (HostError, ServiceError):
        # No systemd to ask: the unit would explain, and decides nothing.
        return alone
    whole = ServiceProcesses(main_pid=unit.main_pid, has_own_cgroup=True)
    # A unit of that name may belong to another manager.
    is_its = unit.main_pid != 0 and pid in whole.pids
    return Target(service=whole, unit=unit) if is_its else alone


def _captured_unit(name: str, root: Path) -> Target:
    """Find a unit's processes by their cgroup; the main one is what none of the others started."""
    parents: dict[int, int] = {}
    for one in process.read_processes(process.all_pids(root), root, depth="threads"):
        folder = process.service_cgroup(one.pid, root)
        if folder is not None and folder.name == name:
            parents[one.pid] = one.ppid
    if not parents:
        raise ServiceError(f"the unit {name}: expected its processes in {root}/proc, found none")
    main = min(parents, key=lambda pid: (parents[pid] in parents, pid))
    return Target(service=ServiceProcesses(main_pid=main, has_own_cgroup=True, root=root))


def _loaded_unit(name: str) -> UnitFacts:
    """Ask the system's manager, then the user's."""
    if not Path("/run/systemd/system").is_dir():
        raise HostError(
            f"{name}: expected a host booted with systemd, which has a folder /run/systemd/system; "
            "name the service by its process id"
        )
    managers = ["system"] + (["user"] if os.environ.get("XDG_RUNTIME_DIR") else [])
    for manager in managers:
        found = unit_facts.read(systemctl.Scope(manager=manager, unit_folder=Path("/")), name)
        if found.properties["LoadState"] not in ("not-found", ""):
            return found
    raise ServiceError(f"the unit {name} does not exist: systemctl list-units --type=service")


def _has_cpuset(target: Target) -> bool:
    try:
        text = (target.service.root / "sys/fs/cgroup/cgroup.controllers").read_text(
            encoding="utf-8"
        )
    except OSError:
        return False
    return "cpuset" in text.split() and (target.unit is None or target.unit.manager == "system")


def _resident_bytes(pid: int, root: Path) -> int:
    path = root / "proc" / str(pid) / "status"
    try:
        return status.parse(path.read_text(errors="replace"), source=str(path)).vm_rss_bytes or 0
    except (OSError, ParseError):
        return 0


def _sampled_pages(size_bytes: int, wanted: placement.Wanted) -> int:
    allowed = wanted.budgets.memory.allowed_bytes(size_bytes)
    needed = placement.pages_needed(allowed / size_bytes) if size_bytes > allowed else 1
    return max(process.SAMPLED_PAGES, min(needed, _MOST_SAMPLED))
