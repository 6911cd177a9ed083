"""All that a session works with, checked against the host before anything is started."""

import hashlib
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_numa import (
    __version__,
    baseline,
    client_place,
    history_sql,
    host,
    load_options,
    policy,
    rendering,
    subject,
)
from pytest_numa.conditions import governors, page_cache, places
from pytest_numa.conditions.wanted import Wanted as WantedConditions
from pytest_numa.errors import HostError, LoadError
from pytest_numa.experiment import Budget, Plan
from pytest_numa.load import prompts
from pytest_numa.load.results import Limits
from pytest_numa.load.target import Target
from pytest_numa.load.workload import Workload
from pytest_numa.placement import Budgets, Role, Wanted
from pytest_numa.services import endpoint, managers
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.unit import Command, Unit

_USUAL_BLOCKS = 16
_PACKAGES = {"numactl": "numactl", "taskset": "util-linux", "setpriv": "util-linux"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The session's facts and wishes. Paths are absolute."""

    topology: host.Topology
    identity: host.HostIdentity
    policy: policy.Policy
    bundle: Bundle
    command: Command
    endpoint: endpoint.Endpoint
    manager: managers.Choice
    workload: Workload
    limits: Limits
    headers: Mapping[str, str] = field(repr=False)
    api_key: str | None = field(repr=False)
    plan: Plan
    page_cache: page_cache.Wish
    conditions: WantedConditions
    margin: float
    inconclusive: str
    start_timeout_s: float
    subject: baseline.Subject
    baseline_path: Path
    baseline: baseline.Baseline | None
    report_path: Path
    openmetrics_path: Path | None
    json_path: Path | None
    html_path: Path | None
    history_path: Path
    history_url: str | None = field(repr=False)
    is_null_control: bool
    record: str | None
    """``append`` or ``replace``, or None."""
    missing_baseline: str
    is_resumed: bool
    is_kept: bool

    def target(self, url: str) -> Target:
        """The service at ``url``, as the load generator is to speak to it."""
        return Target(url=url, headers=self.headers, api_key=self.api_key)

    @property
    def unfinished_path(self) -> Path:
        """Where finished blocks are kept while others are measured."""
        return self.report_path.with_name(f".{self.report_path.name}.blocks")

    def inputs(self, plan: Plan) -> str:
        """A digest of all that blocks of one session have in common."""
        parts = (__version__, self.subject.facts, self.unit.text, plan.modes, plan.runs)
        # A host of the same class may share the folder; a null control has no unit in it.
        where = (self.identity.hostname, self.is_null_control)
        others = (self.workload, self.limits, self.page_cache.choice, *where)
        return hashlib.sha256(repr((*parts, *others)).encode()).hexdigest()

    @property
    def lacks_baseline(self) -> bool:
        """Whether ratios have no record to be held against, and none is being made."""
        return self.baseline is None and not (self.is_recording or self.is_null_control)

    @property
    def is_recording(self) -> bool:
        """Whether the pinned runs are to be recorded."""
        is_first = self.baseline is None and self.missing_baseline == "record"
        return self.record is not None or is_first

    @property
    def unit(self) -> Unit:
        """What comes of the bundle's files."""
        return self.bundle.unit

    @property
    def wanted(self) -> Wanted:
        """The placement that is to be proven."""
        return Wanted(policy=self.policy)

    def wanted_by(
        self,
        *,
        numa_node: str | None,
        cpus: str | None,
        roles: Sequence[tuple[str, str, str | None]],
        **budgets: float | None,
    ) -> Wanted:
        """The placement that a test wants; where it says nothing, the session's."""
        own = self.policy
        if numa_node is not None or cpus is not None:
            own = policy.expected(self.topology, node_option=numa_node, cpus_option=cpus)
        return Wanted(
            policy=own,
            roles=tuple(
                Role(
                    name=pattern,
                    pattern=pattern,
                    policy=policy.expected(self.topology, node_option=nodes, cpus_option=role_cpus),
                )
                for pattern, nodes, role_cpus in roles
            ),
            budgets=Budgets.usual(**budgets),
        )

    @property
    def client_cpus(self) -> frozenset[int] | None:
        """The CPUs of the load generator: off the policy's; None where no CPU is left over."""
        return _client_cpus(self.topology, self.policy)


def build(values: Mapping[str, Any], *, directory: Path) -> Settings:
    """Check and combine the options' values; PytestNumaError on the first that cannot be."""
    topology = host.read_topology(Path("/"))
    identity = host.read_identity(Path("/"))
    wanted = policy.resolve(
        topology,
        node_option=values["node"],
        cpus_option=values["cpus"],
        allowed_cpus=client_place.cpus_in_reach(topology),
    )
    manager = managers.choose(values["manager"])
    rendered = rendering.render(
        values["unit"],
        directory=directory,
        policy=wanted,
        given=values["set"],
        manager=manager.name,
        cpus_online=topology.cpus_online,
    )
    variables = rendered.variables
    command = rendered.bundle.unit.command()
    _check_tools(values["modes"])
    _check_keep(values, manager)
    workload = _workload(values, directory)
    about = subject.of(identity, wanted, workload, command, port=variables["port"])
    baseline_path = baseline.locate(directory / values["baseline"], about)
    return Settings(
        topology=topology,
        identity=identity,
        policy=wanted,
        bundle=rendered.bundle,
        command=command,
        endpoint=endpoint.of(command, host=variables["host"], port=variables["port"]),
        manager=manager,
        workload=workload,
        limits=load_options.limits(values),
        headers=values["header"],
        api_key=load_options.key(values, directory=directory),
        plan=_plan(values),
        page_cache=page_cache.wish(
            values["page_cache"], nodes=sum(node.memory_bytes > 0 for node in topology.nodes)
        ),
        conditions=_conditions(values, topology, wanted),
        margin=values["margin"],
        inconclusive=values["inconclusive"],
        start_timeout_s=values["start_timeout"],
        subject=about,
        baseline_path=baseline_path,
        baseline=_recorded(values, baseline_path, about),
        report_path=directory / values["report"],
        openmetrics_path=directory / values["openmetrics"] if values["openmetrics"] else None,
        json_path=directory / values["json"] if values["json"] else None,
        html_path=directory / values["html"] if values["html"] else None,
        history_path=directory / values["history"],
        history_url=_database(values["history_url"]),
        is_null_control=values["null_control"],
        record=values["record"],
        missing_baseline=values["missing_baseline"],
        is_resumed=values["resume"],
        is_kept=values["keep"],
    )


def _recorded(
    values: Mapping[str, Any], path: Path, about: baseline.Subject
) -> baseline.Baseline | None:
    """What verdicts are held against: nothing for the null control, or where a record begins."""
    if values["null_control"]:
        return None
    if values["record"] or values["missing_baseline"] == "record":
        baseline.check_writable(path)
    return None if values["record"] == "replace" else baseline.load(path, about)


def _database(url: str | None) -> str | None:
    if url is not None:
        history_sql.check(url)
    return url


def _check_tools(modes: tuple[str, ...]) -> None:
    needed = [name for name in _PACKAGES if name == "setpriv" or "pinned" in modes]
    lacking = [name for name in needed if shutil.which(name) is None]
    if lacking:
        packages = sorted({_PACKAGES[name] for name in lacking})
        raise HostError(
            f"{' and '.join(lacking)} not found, needed to launch the service by hand: "
            f"install {' '.join(packages)}"
        )


def _check_keep(values: Mapping[str, Any], manager: managers.Choice) -> None:
    if values["keep"] and manager.name == "private":
        raise HostError(
            "--numa-keep: the private manager ends with the session, and the service with it; "
            "it can be kept under the manager `system` or `user`"
        )


def _workload(values: Mapping[str, Any], directory: Path) -> Workload:
    try:
        found = load_options.workload(values, directory=directory)
    except ValueError as error:
        raise LoadError(f"the workload cannot be: {error}") from None
    if found.prompts is not None:
        # Before a model is loaded, and not by the client after that.
        found.body(0, model="", prompts=prompts.read(Path(found.prompts)))
    return found


def _plan(values: Mapping[str, Any]) -> Plan:
    blocks = values["blocks"] or values["starts"] or _USUAL_BLOCKS
    starts = min(values["starts"] or blocks, blocks)
    return Plan(
        modes=("pinned", "systemd") if values["null_control"] else values["modes"],
        budget=Budget(max_blocks=starts, max_time_s=values["time"]),
        # What is measured in one start shares its luck: it is one block, of more runs.
        runs=values["runs"] * math.ceil(blocks / starts),
        cool_down_s=values["cool_down"],
    )


def _conditions(
    values: Mapping[str, Any], topology: host.Topology, wanted: policy.Policy
) -> WantedConditions:
    governors.check(values["governor"] or (), wanted.cpus)
    in_reach = client_place.cpus_in_reach(topology)
    client_cpus = _client_cpus(topology, wanted)
    return WantedConditions(
        governors=values["governor"] or (),
        neighbours=tuple(
            places.find(where, topology, wanted, in_reach=in_reach, client_cpus=client_cpus)
            for where in values["neighbour"] or ()
        ),
        cpus=wanted.cpus,
        blocks=values["condition_blocks"],
    )


def _client_cpus(topology: host.Topology, wanted: policy.Policy) -> frozenset[int] | None:
    return client_place.choose(
        topology,
        wanted,
        own=frozenset(os.sched_getaffinity(0)),
        in_reach=client_place.cpus_in_reach(topology),
    )
