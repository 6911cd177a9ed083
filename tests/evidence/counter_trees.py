"""Builds /proc and /sys trees of counters for tests."""

from collections.abc import Mapping
from pathlib import Path

_STAT = (
    "{tid} (llama-server) S 1 1 1 0 -1 0 {minor} 0 {major} 0 30 12 0 0 20 0 1 0 {start} "
    "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 {cpu} 0 0 0 0 0\n"
)
_SCHED = (
    "llama-server ({tid}, #threads: 2)\n----\nse.nr_migrations : {migrations}\n"
    "nr_voluntary_switches : {voluntary}\nnr_involuntary_switches : {involuntary}\n"
)
_STATUS = (
    "Name:\tllama-server\nState:\tS (sleeping)\nTgid:\t1\nPid:\t{tid}\nPPid:\t1\nThreads:\t2\n"
    "voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{involuntary}\n"
)


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files by their path below the root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def add_thread(root: Path, pid: int, tid: int, *, has_sched: bool = True, **counts: int) -> None:
    """Add a thread with these counts, the others being 0; the main one is the process, too."""
    facts = {
        **dict.fromkeys(("minor", "major", "cpu", "migrations", "voluntary", "involuntary"), 0),
        "start": 900,
        "run_ns": 1,
        "wait_ns": 0,
        **counts,
    }
    folder = f"proc/{pid}/task/{tid}"
    texts = {
        f"{folder}/stat": _STAT.format(tid=tid, **facts),
        f"{folder}/schedstat": f"{facts['run_ns']} {facts['wait_ns']} 1\n",
        f"{folder}/{'sched' if has_sched else 'status'}": (_SCHED if has_sched else _STATUS).format(
            tid=tid, **facts
        ),
    }
    write(root, texts)
    if pid == tid:
        write(root, {f"proc/{pid}/stat": texts[f"{folder}/stat"]})


def pressure(some_us: int, full_us: int) -> str:
    """A file of PSI."""
    averages = "avg10=0.00 avg60=0.00 avg300=0.00"
    return f"some {averages} total={some_us}\nfull {averages} total={full_us}\n"


def host(
    *, miss: int = 0, other: int = 0, migrated: int = 0, steal: int = 0, stalled_us: int = 0
) -> dict[str, str]:
    """The host's files: two nodes of two CPUs each, the first of which get the counts."""
    nodes = {
        f"sys/devices/system/node/node{node}/{name}": text
        for node, cpus, counts in ((0, "0-1", (miss, other)), (1, "2-3", (0, 0)))
        for name, text in (
            ("cpulist", f"{cpus}\n"),
            (
                "numastat",
                f"numa_hit 900\nnuma_miss {counts[0]}\nnuma_foreign 0\ninterleave_hit 0\n"
                f"local_node 900\nother_node {counts[1]}\n",
            ),
        )
    }
    return {
        **nodes,
        **{f"proc/pressure/{name}": pressure(stalled_us, 0) for name in ("cpu", "memory", "io")},
        "proc/vmstat": f"numa_hint_faults 0\nnuma_pages_migrated {migrated}\n",
        "proc/stat": "cpu  1 1 1 1 1 1 1 1 0 0\n"
        + "".join(f"cpu{cpu} 1 1 1 1 1 1 1 {steal} 0 0\n" for cpu in range(4)),
    }


def cpu(number: int, *, khz: int, core: int = 0, package: int = 0) -> dict[str, str]:
    """Frequency and throttling of one CPU."""
    folder = f"sys/devices/system/cpu/cpu{number}"
    return {
        f"{folder}/cpufreq/scaling_cur_freq": f"{khz}\n",
        f"{folder}/thermal_throttle/core_throttle_count": f"{core}\n",
        f"{folder}/thermal_throttle/package_throttle_count": f"{package}\n",
    }
