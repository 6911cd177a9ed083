"""Placement over time: what the watch saw of the service while it was loaded."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pytest_numa import formatting
from pytest_numa.kernel import cpulist
from pytest_numa.report.html import drawing, tables
from pytest_numa.report.html.parts import Part, Plot, Section, Table, Text

_LINES = ("-", "--", ":", "-.")
_UNITS = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))


def section(document: Mapping[str, Any]) -> Section | None:
    """Of the unit's last run in plots, of all runs in a table; None where nothing was looked at."""
    placed = [run for run in document.get("runs", ()) if run["placement"]]
    if not placed:
        return None
    unit = [run for run in placed if run["mode"] == "systemd"] or placed
    shown = [run for run in unit if run["placement"]["watch"]][-1:]
    parts: list[Part] = [_processes(unit[-1])]
    parts += [part for run in shown for part in _plots(document, run)]
    parts.append(_runs(placed))
    if shown:
        parts.append(_masks(shown[0]))
    findings = {part.text: part for run in unit for part in tables.findings(run)}
    parts += findings.values()
    if not findings:
        parts.append(Text(text="No look found a thread or a page of the unit off its policy."))
    return Section(name="placement", title="Placement over time", parts=parts)


def _processes(run: Mapping[str, Any]) -> Table:
    processes = run["placement"]["processes"]
    nodes = sorted({int(node) for one in processes for node in one["bytes_by_node"] or {}})
    return Table(
        caption=f"Processes after the last run of {run['mode']}",
        headers=(
            *("PID", "Process", "Role", "Threads", "Allowed CPUs", "Worked on", "Last on"),
            *(f"Node {node}" for node in nodes),
        ),
        rows=[
            (
                str(one["pid"]),
                one["comm"],
                one["role"],
                str(one["threads"]),
                one["allowed_cpus"] or "not known",
                _counted(one["ran_on"]),
                _counted(one["last_cpus"]),
                *(_size(one["bytes_by_node"], node) for node in nodes),
            )
            for one in processes
        ],
        numeric=frozenset({3, *range(7, 7 + len(nodes))}),
    )


def _counted(threads: Mapping[str, int] | None) -> str:
    if threads is None:
        return "not watched"
    return cpulist.format(map(int, threads)) or "none that was seen"


def _size(by_node: Mapping[str, int] | None, node: int) -> str:
    if by_node is None:
        return "not readable"
    return formatting.bytes_iec(by_node.get(str(node), 0))


def _runs(runs: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        caption="Every run's look",
        headers=("Run", "Verdict", "Worked on", "Looks", "Watched for", "Memory by node"),
        rows=[
            (
                f"block {run['block']}, {run['mode']}",
                run["placement"]["verdict"],
                _worked_on(run["placement"]),
                str(watch["looks"]) if watch else "-",
                formatting.duration(watch["duration_s"]) if watch else "-",
                _by_node(run["placement"]["bytes_by_node"]),
            )
            for run in runs
            for watch in (run["placement"]["watch"],)
        ],
        numeric=frozenset({3, 4}),
        is_folded=True,
    )


def _worked_on(placement: Mapping[str, Any]) -> str:
    cpus = {int(cpu) for one in placement["processes"] for cpu in one["ran_on"] or ()}
    return cpulist.format(cpus) or "none that was seen"


def _by_node(by_node: Mapping[str, int]) -> str:
    return (
        ", ".join(f"N{node} {formatting.bytes_iec(size)}" for node, size in by_node.items())
        or "not known"
    )


def _masks(run: Mapping[str, Any]) -> Table:
    return Table(
        caption="Allowed CPUs of the threads that were watched",
        headers=("Allowed CPUs", "Threads", "First seen", "Last seen"),
        rows=[
            (
                one["cpus"],
                str(one["threads"]),
                formatting.duration(one["first_s"]),
                formatting.duration(one["last_s"]),
            )
            for one in run["placement"]["watch"]["masks"]
        ],
        numeric=frozenset({1, 2, 3}),
    )


def _plots(document: Mapping[str, Any], run: Mapping[str, Any]) -> list[Part]:
    name = f"({run['mode']}, block {run['block']})"
    policy = (document.get("policy") or {"cpus": ""})["cpus"]
    return [
        _cpus_plot(run, cpulist.parse(policy, source="the session's document"), name),
        _memory_plot(run, name),
    ]


def _cpus_plot(run: Mapping[str, Any], policy: frozenset[int], name: str) -> Plot:
    watch = run["placement"]["watch"]
    seen = {cpu for one in watch["moments"] for cpu in _cpus(one)}
    astray = cpulist.format(seen - policy)
    caption = f"CPUs at work {name}"
    told = f"{watch['looks']} looks in {formatting.duration(watch['duration_s'])}; " + (
        f"work was seen on CPUs off the policy: {astray}."
        if astray
        else "no work was seen off the policy's CPUs."
    )
    draw = partial(_draw_cpus, watch, policy, _load(run, watch))
    return Plot(
        caption=caption,
        told=told,
        svg=drawing.svg("watch-cpus", f"{caption}. {told}", draw),
        table=_cpu_moments(watch, caption),
    )


def _memory_plot(run: Mapping[str, Any], name: str) -> Part:
    watch = run["placement"]["watch"]
    nodes = sorted({int(n) for one in watch["moments"] for n in one["bytes_by_node"] or {}})
    if not nodes:
        return Text(
            text="How its memory grew on each node is not known: the service's cgroup has no "
            "memory.numa_stat here (version 1, or no memory controller)."
        )
    caption = f"Memory by node {name}"
    most = _by_node(watch["most_bytes_by_node"] or {})
    draw = partial(_draw_memory, watch, nodes, _load(run, watch))
    return Plot(
        caption=caption,
        told=f"Anonymous and shared memory of the cgroup; the most: {most}.",
        svg=drawing.svg("watch-memory", f"{caption}. The most: {most}.", draw),
        table=_memory_moments(watch, nodes, caption),
    )


def _load(run: Mapping[str, Any], watch: Mapping[str, Any]) -> tuple[float, float] | None:
    """When the load lasted, in seconds of the watch."""
    if run["begun_at_s"] is None or watch["began_at_s"] is None:
        return None
    begin_s = run["begun_at_s"] - watch["began_at_s"]
    return begin_s, begin_s + run["duration_s"]


def _cpu_moments(watch: Mapping[str, Any], caption: str) -> Table:
    return Table(
        caption=caption,
        headers=("After", "Threads", "CPUs at work"),
        rows=[
            (f"{one['at_s']:.1f} s", str(one["threads"]), one["ran_on"] or "none that was seen")
            for one in watch["moments"]
        ],
        numeric=frozenset({1}),
    )


def _memory_moments(watch: Mapping[str, Any], nodes: Sequence[int], caption: str) -> Table:
    return Table(
        caption=caption,
        headers=("After", *(f"Node {node}" for node in nodes)),
        rows=[
            (f"{one['at_s']:.1f} s", *(_size(one["bytes_by_node"], node) for node in nodes))
            for one in watch["moments"]
        ],
        numeric=frozenset(range(1, 1 + len(nodes))),
    )


def _cpus(moment: Mapping[str, Any]) -> frozenset[int]:
    return cpulist.parse(moment["ran_on"], source="the session's document")


def _draw_cpus(
    watch: Mapping[str, Any],
    policy: frozenset[int],
    load: tuple[float, float] | None,
    axes: Axes,
) -> None:
    points = [(one["at_s"], cpu) for one in watch["moments"] for cpu in sorted(_cpus(one))]
    for label, marker, colour, own in (
        ("on the policy", "o", "systemd", [one for one in points if one[1] in policy]),
        ("off the policy", "x", "mark", [one for one in points if one[1] not in policy]),
    ):
        if own:
            x, y = zip(*own, strict=True)
            axes.scatter(x, y, marker=marker, color=drawing.COLOURS[colour], label=label, s=22)
    _mark_load(axes, load)
    ends = policy | {cpu for _, cpu in points}
    if ends:
        room = 0.5 + 0.03 * (max(ends) - min(ends))
        axes.set_ylim(min(ends) - room, max(ends) + room)
    axes.set_ylabel("CPU")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _draw_memory(
    watch: Mapping[str, Any],
    nodes: Sequence[int],
    load: tuple[float, float] | None,
    axes: Axes,
) -> None:
    known = [one for one in watch["moments"] if one["bytes_by_node"] is not None]
    most = max(size for one in known for size in one["bytes_by_node"].values())
    unit, size_bytes = next(one for one in _UNITS if most >= one[1] or one[1] == 1)
    for number, node in enumerate(nodes):
        axes.step(
            [one["at_s"] for one in known],
            [one["bytes_by_node"].get(str(node), 0) / size_bytes for one in known],
            where="post",
            label=f"node {node}",
            color=drawing.COLOURS[("systemd", "pinned", "unpinned", "band")[number % 4]],
            linestyle=_LINES[number % 4],
        )
    _mark_load(axes, load)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"Memory ({unit})")


def _mark_load(axes: Axes, load: tuple[float, float] | None) -> None:
    if load is not None:
        axes.axvspan(*load, color=drawing.COLOURS["band"], alpha=0.2, linewidth=0, label="load")
    axes.set_xlabel("Seconds since the service's birth")
