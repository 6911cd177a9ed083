"""What a session is about, before it begins: host, policy, manager, control, budget."""

from pytest_numa import formatting, settings
from pytest_numa.report import figures, lines


def header(wanted: settings.Settings, *, verbosity: int, width: int) -> list[str]:
    """Lines of at most ``width``; more of them where more is asked for."""
    texts = [
        _host(wanted),
        f"policy: CPUs {wanted.policy.cpu_list}, memory of node {wanted.policy.node_list}; unit "
        f"{wanted.unit.name}",
        f"manager: {wanted.manager.name} ({wanted.manager.reason})",
        f"control: {_control(wanted)}",
        f"load: {wanted.workload.offered}; {figures.client_place(wanted)}",
        f"budget: {_budget(wanted)}",
        *figures.limits(wanted),
        *(_more(wanted) if verbosity > 0 else ()),
    ]
    return [
        str(line)
        for text in texts
        for line in lines.wrapped(text, first="numa: ", width=width, indent=6)
    ]


def _host(wanted: settings.Settings) -> str:
    about, topology = wanted.identity, wanted.topology
    counts = (
        figures.count(about.sockets, "socket"),
        figures.count(len(topology.nodes), "node"),
        figures.count(len(topology.cpus_online), "CPU"),
    )
    return f"host {about.hostname}: {about.cpu_model}, {', '.join(counts)}"


def _control(wanted: settings.Settings) -> str:
    if wanted.is_null_control:
        return "null control: pinned against itself"
    by_hand = "pinned by hand" if "pinned" in wanted.plan.modes else "none pinned by hand"
    return f"{by_hand}; {_record(wanted)}"


def _record(wanted: settings.Settings) -> str:
    recorded = len(wanted.baseline.sessions) if wanted.baseline else 0
    if recorded:
        return f"baseline: {figures.count(recorded, 'session')} recorded"
    if not wanted.lacks_baseline:
        return f"baseline: none{' recorded, and this session is' if wanted.is_recording else ''}"
    if wanted.missing_baseline == "skip":
        return "baseline: none recorded; tests with a ratio will be skipped"
    return "baseline: none recorded, so tests with a ratio will fail: --numa-record makes one"


def _budget(wanted: settings.Settings) -> str:
    plan = wanted.plan
    limit_s = plan.budget.max_time_s
    time = "" if limit_s is None else f" and {formatting.duration(limit_s)}"
    return (
        f"at most {figures.count(plan.budget.max_blocks, 'block')}{time}, each of "
        f"{', '.join(plan.modes)}; margin {wanted.margin:.0%}"
    )


def _more(wanted: settings.Settings) -> list[str]:
    return [
        f"kernel {wanted.identity.kernel_release}, class of host: {wanted.identity.host_class}",
        f"service at {wanted.endpoint.url}, started by: {' '.join(wanted.command.argv)}",
        f"baseline {wanted.baseline_path}",
        f"report {wanted.report_path}",
    ]
