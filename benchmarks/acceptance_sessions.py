"""Real acceptance sessions in which nothing changed, and ones whose service is slowed. A script.

Each session is the packaged suite on the embedded server, with CPU 0 for the service: the unit as
it is, and the same unit whose process gets a CPU quota once it has been started (so the control,
which is the unit's command by hand, does not). It prints a table of the sessions, of what each
decided, and of the blocks that took. Needs root, and the cgroup controller `cpu` of version 1 or 2.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabulate import tabulate

ROOT = Path(__file__).parents[1]
CGROUPS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
OPTIONS = (
    *("--numa-node", "0", "--cpus", "0", "--numa-modes", "pinned,systemd", "-p", "no:benchmark"),
    *("--numa-concurrency", "1", "--numa-output-tokens", "8"),
    # Each session by itself: what came before it is no record.
    *("--numa-missing-baseline", "skip"),
)


@contextmanager
def quota(percent: float) -> Iterator[Path]:
    """A cgroup whose processes get so much of a CPU."""
    parent = next(folder for folder in CGROUPS if folder.is_dir())
    group = parent / "slowed-by-a-benchmark"
    group.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    try:
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_quota_us").write_text(str(round(1000 * percent)))
        else:
            (group / "cpu.max").write_text(f"{round(1000 * percent)} 100000")
        yield group
    finally:
        group.rmdir()


def slowed_unit(folder: Path, group: Path) -> Path:
    """The packaged unit, which moves its own process into the cgroup."""
    text = (ROOT / "units/inference-llamacpp.service.j2").read_text(encoding="utf-8")
    line = f"ExecStartPost=+/bin/sh -c 'echo $MAINPID > {group}/cgroup.procs'\n\n[Install]"
    units = folder / "units"
    units.mkdir(exist_ok=True)
    (units / "slowed.service.j2").write_text(
        text.replace('{% include "parts/install.j2" %}', f"{line}\nWantedBy=multi-user.target")
    )
    return units


def session(folder: Path, name: str, options: tuple[str, ...]) -> Mapping[str, Any]:
    """One session; its JSON."""
    path = folder / f"{name}.json"
    argv = [sys.executable, "-m", "pytest", *OPTIONS, *options, "--numa-json", str(path)]
    argv += ["--numa-report", str(folder / f"{name}.md")]
    with (
        (folder / f"{name}.log").open("w") as log,
        subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log) as running,
    ):
        try:
            running.wait()
        except BaseException:
            # It takes away what it has started, which else would keep the cgroup busy.
            running.terminate()
            raise
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"verdicts": []}
    return found


def row(kind: str, number: int, found: Mapping[str, Any]) -> tuple[object, ...]:
    verdicts = found["verdicts"]
    outcomes = {one["outcome"] for one in verdicts} or {"error"}
    worst = next(
        one for one in ("error", "fail", "inconclusive", "pass", "advisory") if one in outcomes
    )
    throughput = next((one for one in verdicts if one["figure"] == "tokens_per_s"), None)
    interval = throughput["interval"] if throughput else None
    return (
        kind,
        number,
        worst,
        throughput["blocks"] if throughput else "",
        f"{throughput['slowdown']:+.1%}" if throughput else "",
        f"{interval[0]:+.1%} to {interval[1]:+.1%}" if interval else "",
        f"{found['took_s']:.0f}" if found.get("took_s") else "",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="for what the sessions write; made at need")
    parser.add_argument("--sessions", type=int, default=20, help="of each kind [20]")
    parser.add_argument("--requests", default="6", help="of a run; more where it is noisy [6]")
    parser.add_argument("--quota", type=float, default=90.0, help="percent of a CPU [90]")
    parser.add_argument("--time", default="240", help="seconds for the blocks of one [240]")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    each = ("--numa-blocks", "16", "--numa-time", given.time, "--numa-n-requests", given.requests)
    rows = []
    with quota(given.quota) as group:
        slowed_unit(given.folder, group)
        kinds = {"unchanged": (), f"quota {given.quota:g} %": ("--numa-unit", "slowed")}
        for number in range(1, given.sessions + 1):
            for kind, options in kinds.items():
                name = f"{kind.split()[0]}-{number}"
                rows.append(row(kind, number, session(given.folder, name, (*each, *options))))
                print(*rows[-1], sep="\t", file=sys.stderr, flush=True)
    headers = ("Service", "Session", "Outcome", "Blocks", "Throughput slower by", "99 %", "Seconds")
    rows.sort(key=lambda one: (one[0] != "unchanged", one[1]))
    print(tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True))
    for which in dict.fromkeys(one[0] for one in rows):
        counts = Counter(one[2] for one in rows if one[0] == which)
        print(f"\n{which}: {', '.join(f'{count} {what}' for what, count in counts.items())}")


if __name__ == "__main__":
    main()
