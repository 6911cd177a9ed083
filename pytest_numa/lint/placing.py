"""Whether CPUs, memory and GPUs go together, and are those that were asked for."""

from collections.abc import Iterator

from pytest_numa import formatting
from pytest_numa.host import Device
from pytest_numa.kernel import cpulist
from pytest_numa.lint.engine import Engine
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_RANKS = ("--tensor-parallel-size", "-tp", "--tp", "--tp-size")
_VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def check(subject: Subject) -> Iterator[Finding]:
    """The unit's whole placement against the host."""
    yield from _is_set(subject)
    yield from _as_asked(subject)
    yield from _same_nodes(subject)
    yield from _siblings(subject)
    yield from _gpus(subject)
    yield from _memory(subject)


def _is_set(subject: Subject) -> Iterator[Finding]:
    # A unit that sets something up once is no server, and a slice bounds what others set.
    if subject.text("Type") == "oneshot" and subject.engine.name is None:
        return
    if subject.section == "Slice" or not subject.engine.is_in_its_cgroup:
        return
    named = [key for key in ("AllowedCPUs", "AllowedMemoryNodes") if subject.texts(key)]
    lost = ""
    if named and not subject.has_cpuset:
        lost = f" ({'= and '.join(named)}= have no effect: no cpuset controller for this manager)"
    if not subject.names_cpus:
        yield Finding(
            subject="CPUs",
            expected="set by CPUAffinity=",
            found=f"nothing that sets them{lost}: threads run on every CPU of the host",
            fix="write CPUAffinity= and AllowedCPUs=, as `pytest-numa unit render` does",
        )
    if not subject.names_nodes and subject.has_several_nodes and subject.kind != "local":
        yield Finding(
            subject="memory",
            expected="bound by NUMAPolicy=bind and NUMAMask=",
            found=f"nothing that binds it{lost}: it lies where its first toucher ran",
            fix="write NUMAPolicy=bind, NUMAMask= and AllowedMemoryNodes=, as `pytest-numa unit "
            "render` does",
        )


def _as_asked(subject: Subject) -> Iterator[Finding]:
    wanted = subject.policy
    if wanted is None:
        return
    if subject.cpus is not None and subject.cpus != wanted.cpus:
        yield Finding(
            subject="CPUs",
            expected=f"{wanted.cpu_list}, as asked for by --cpus and --numa-node",
            found=cpulist.format(subject.cpus),
            fix=f"write CPUAffinity={wanted.cpu_list} and AllowedCPUs={wanted.cpu_list}",
        )
    if subject.nodes is not None and subject.nodes != wanted.memory_nodes:
        yield Finding(
            subject="memory",
            expected=f"node {wanted.node_list}, as asked for by --numa-node",
            found=f"node {cpulist.format(subject.nodes)}",
            fix=f"write NUMAMask={wanted.node_list} and AllowedMemoryNodes={wanted.node_list}",
        )


def _same_nodes(subject: Subject) -> Iterator[Finding]:
    if subject.cpus is None or subject.nodes is None or not subject.topology.is_numa:
        return
    strays = frozenset(
        cpu
        for node in subject.topology.nodes
        if node.id not in subject.nodes
        for cpu in node.cpus & subject.cpus
    )
    near = subject.cpus_of(subject.nodes)
    # Memory without CPUs of its own is bound on purpose: that of accelerators, or fast or far one.
    if strays and near:
        nodes = cpulist.format(subject.topology.nodes_of(strays))
        yield Finding(
            subject="CPUs and memory",
            expected=f"CPUs of node {cpulist.format(subject.nodes)}, where the memory is",
            found=f"CPUs {cpulist.format(strays)} of node {nodes}",
            fix=f"take CPUs of {cpulist.format(near)}, or the memory of node {nodes}, too",
        )


def _siblings(subject: Subject) -> Iterator[Finding]:
    cpus = subject.cpus or frozenset()
    cores = {one.siblings for one in subject.topology.cpus if one.id in cpus and one.siblings}
    wide = {core for core in cores if len(core) > 1}
    whole = {core for core in wide if core <= cpus}
    split = {core for core in wide if core - cpus}
    shared = {core for core in split if len(core & cpus) > 1}
    if subject.siblings == "all" and split:
        yield _cores("whole cores, as declared", f"a part of {_shown(split)}")
    elif subject.siblings == "one" and (whole or shared):
        yield _cores("one CPU of each core, as declared", f"several of {_shown(whole | shared)}")
    elif subject.siblings is None and split and (whole or shared):
        yield _cores(
            "whole cores, or one CPU of each",
            f"the whole of {_shown(whole)} and a part of {_shown(split)}: the threads of whole "
            "cores are slower, and each barrier waits for the slowest",
        )


def _cores(expected: str, found: str) -> Finding:
    return Finding(
        subject="cores",
        expected=expected,
        found=found,
        fix="take CPUs by cores: `pytest-numa topology` shows which belong together",
    )


def _shown(cores: set[frozenset[int]]) -> str:
    names = sorted((cpulist.format(core) for core in cores), key=lambda text: (len(text), text))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - enough to see
    return f"core {' and '.join(names[:3])}{more}"


def _gpus(subject: Subject) -> Iterator[Finding]:
    engine = subject.engine
    nodes = subject.nodes or subject.topology.nodes_of(subject.cpus or frozenset())
    if not nodes or not engine.uses_gpus or not subject.topology.accelerators:
        return
    yield from _enough_gpus(subject, engine)
    used = _used(subject, engine)
    known = {one.node for one in subject.topology.accelerators}
    if used is None and len(known) > 1:
        names, shown = _uuids(engine), cpulist.format(nodes)
        yield Finding(
            subject="GPUs",
            expected="to be told which GPUs the service uses",
            found="they are on several nodes, and "
            + (f"{names}: only the driver knows where" if names else "CUDA orders them by speed"),
            fix=f"compare with `nvidia-smi -L` and `nvidia-smi topo -m`: node {shown} is meant"
            if names
            else "add Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID, and CUDA_VISIBLE_DEVICES= with "
            "the GPUs of the node",
            is_unknown=True,
        )
        return
    yield from (_gpu(one, nodes) for one in used or () if one.node not in nodes)


def _enough_gpus(subject: Subject, engine: Engine) -> Iterator[Finding]:
    """GPUs by number that are not there, and ranks without a GPU."""
    gpus = subject.topology.accelerators
    if engine.is_contained:
        return
    text = next((engine.environment[one] for one in _VISIBLE if one in engine.environment), None)
    numbers = [word.strip() for word in text.split(",")] if text else None
    absent = [word for word in numbers or () if word.isdecimal() and int(word[:6]) >= len(gpus)]
    if absent:
        yield Finding(
            subject="GPUs",
            expected=f"numbers from 0 to {len(gpus) - 1}",
            found=f"{', '.join(absent)}: the service sees no GPU from there on",
            fix="name GPUs that `nvidia-smi -L` has",
        )
    n_gpus = len(gpus if numbers is None else numbers)
    ranks = engine.number(*_RANKS)
    is_spread = engine.has("--nnodes", "--distributed-executor-backend", "--ray-address")
    if ranks and not is_spread and not absent and ranks > n_gpus:
        yield Finding(
            subject="GPUs",
            expected=f"{ranks}, one for each rank of tensor parallelism",
            found=f"{n_gpus}: the server ends with an error",
            fix=f"write {n_gpus}, or let it have more GPUs",
        )


def _used(subject: Subject, engine: Engine) -> tuple[Device, ...] | None:
    """The GPUs that the service sees; None where that cannot be told."""
    gpus = sorted(subject.topology.accelerators, key=lambda one: one.address)
    text = next((engine.environment[one] for one in _VISIBLE if one in engine.environment), None)
    if text is None:
        return tuple(gpus) if len({one.node for one in gpus}) == 1 else None
    numbers = text.split(",")
    if len({one.node for one in gpus}) == 1:
        return tuple(gpus)
    is_ordered = engine.environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    if not is_ordered or not all(one.strip().isdigit() for one in numbers):
        return None
    return tuple(gpus[int(one)] for one in numbers if int(one) < len(gpus))


def _uuids(engine: Engine) -> str:
    """GPUs that are named by what is burnt into them, not by number."""
    text = next((engine.environment[one] for one in _VISIBLE if one in engine.environment), "")
    return text if text.upper().startswith(("GPU-", "MIG-")) else ""


def _gpu(gpu: Device, nodes: frozenset[int]) -> Finding:
    shown = cpulist.format(nodes)
    if gpu.node is None:
        return Finding(
            subject=f"GPU {gpu.address}",
            expected=f"on node {shown}",
            found="the firmware does not say which node it is on",
            fix="look it up: nvidia-smi topo -m, or the board's manual",
            is_unknown=True,
        )
    return Finding(
        subject=f"GPU {gpu.address}",
        expected=f"on node {shown}, with the CPUs and the memory",
        found=f"on node {gpu.node}: all that it is sent crosses the sockets",
        fix=f"take --numa-node {gpu.node}, or CUDA_VISIBLE_DEVICES= of GPUs on node {shown}",
    )


def _memory(subject: Subject) -> Iterator[Finding]:
    nodes = [one for one in subject.topology.nodes if one.id in (subject.nodes or ())]
    if subject.needs_bytes is None or not nodes:
        return
    shown = cpulist.format(one.id for one in nodes)
    available = [one.memory_available_bytes for one in nodes]
    known = [one for one in available if one is not None]
    if len(known) < len(available):
        yield Finding(
            subject=f"memory of node {shown}",
            expected=f"{formatting.bytes_iec(subject.needs_bytes)} available",
            found="the host does not say how much is",
            fix=f"look at /sys/devices/system/node/node{nodes[0].id}/meminfo",
            is_unknown=True,
        )
    elif sum(known) < subject.needs_bytes:
        is_bound = subject.is_bound
        yield Finding(
            subject=f"memory of node {shown}",
            expected=f"{formatting.bytes_iec(subject.needs_bytes)} available",
            found=f"{formatting.bytes_iec(sum(known))}: "
            + ("the service is killed when it is full" if is_bound else "the rest goes elsewhere"),
            fix="free memory there, take another node, or take several nodes",
        )
