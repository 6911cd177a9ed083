"""What one would use instead of the gate, on the same simulated runs. Run it as a script.

Each repetition is a service with a true slowdown, measured side by side with its control; noise as
in gate_operating_characteristics.py, 30 requests a run whose latencies scatter by 30 %. The peers
are called through their own functions where they have any: install benchmatrix, apache-otava and
scipy beside this package, or they are left out.
"""

import argparse
import importlib.util
import math
import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from statistics import fmean

from gate_operating_characteristics import KINDS, MARGIN, Host, session, wilson
from tabulate import tabulate

from pytest_numa import gate

REQUESTS = 30
SCATTER = 0.3
RUNS = 5
BEFORE = 20
DEFAULT_KINDS = ("model", "the same within each mode")
Verdict = tuple[str, float]


def requests(drawn: random.Random, mean: float) -> list[float]:
    """The latencies of one run with that mean."""
    found = [drawn.lognormvariate(0, SCATTER) for _ in range(REQUESTS)]
    scale = mean / fmean(found)
    return [value * scale for value in found]


def ours(host: Host, slowdown: float) -> Verdict:
    """The gate: a block of one run of each side at a time, until it decides."""
    for control, candidate in session(host, 1, slowdown):
        found = gate.judge(control, candidate, margin=MARGIN, better="lower")
        if found.outcome != "inconclusive":
            break
    return found.outcome, found.blocks


def runs(host: Host, slowdown: float, count: int) -> tuple[list[float], list[float]]:
    """So many runs of each side, in alternating order."""
    blocks = session(host, 1, slowdown)
    control, candidate = next(both for both in blocks if len(both[0]) == count)
    return [value for (value,) in control], [value for (value,) in candidate]


def fixed(host: Host, slowdown: float, count: int) -> Verdict:
    """A threshold on the mean; with one run that is --benchmark-compare-fail=mean:5%."""
    control, candidate = runs(host, slowdown, count)
    is_slower = fmean(candidate) > (1 + MARGIN) * fmean(control)
    return ("fail" if is_slower else "pass"), count


def pooled(host: Host, slowdown: float, *, test: str) -> Verdict:
    """A test of significance on all requests of five runs of each side."""
    from scipy import stats  # noqa: PLC0415 - only where it is there

    sides = [
        [one for mean in side for one in requests(host.drawn, mean)]
        for side in runs(host, slowdown, RUNS)
    ]
    if test == "welch":
        found = stats.ttest_ind(sides[1], sides[0], equal_var=False, alternative="greater")
    else:
        found = stats.mannwhitneyu(sides[1], sides[0], alternative="greater")
    return ("fail" if found.pvalue < 0.05 else "pass"), RUNS


def benchmatrix(host: Host, slowdown: float, count: int) -> Verdict:
    """Its paired interval wholly beyond, or wholly within, the threshold."""
    from benchmatrix import bench_statistics  # noqa: PLC0415 - only where it is there

    control, candidate = runs(host, slowdown, count)
    found = bench_statistics.bootstrap_paired_median_ratio_interval(
        control,
        candidate,
        lower_is_better=True,
        confidence_level=0.95,
        resamples=1000,
        random_seed=1,
    )
    if found.low is None or found.high is None:
        return "inconclusive", count
    # In percent, below 0 where the candidate is slower.
    if found.high < -100 * MARGIN:
        return "fail", count
    return ("pass" if found.low > -100 * MARGIN else "inconclusive"), count


def otava(host: Host, slowdown: float) -> Verdict:
    """Runs of the candidate are appended to a series of the control's, until it sees a change.

    No more than 16; a change that is not seen by then counts as a pass.
    """
    from otava.analysis import compute_change_points  # noqa: PLC0415 - only where it is there

    series = [math.exp(host.run(block=0, is_candidate=False)) for _ in range(BEFORE)]
    for count in range(1, 17):
        run = host.run(block=0, is_candidate=True)
        series.append(math.exp(run + math.log1p(slowdown)))
        points, _ = compute_change_points(series, window_len=50, max_pvalue=0.001)
        # What it finds among the control's runs blames nobody here.
        new = [point.stats for point in points if point.index >= BEFORE]
        if any(one.mean_2 > one.mean_1 for one in new):
            return "fail", count
    return "pass", 16


PEERS: Mapping[str, tuple[str, Callable[[Host, float], Verdict]]] = {
    "this gate": ("", ours),
    "threshold 5 %, one run (pytest-benchmark mean:5%)": ("", partial(fixed, count=1)),
    "threshold 5 %, mean of five runs": ("", partial(fixed, count=RUNS)),
    "Welch's t on the requests of five runs": ("scipy", partial(pooled, test="welch")),
    "Mann-Whitney on the requests of five runs": ("scipy", partial(pooled, test="mwu")),
    "benchmatrix, five pairs": ("benchmatrix", partial(benchmatrix, count=RUNS)),
    "benchmatrix, ten pairs": ("benchmatrix", partial(benchmatrix, count=10)),
    "otava, runs appended to a series of 20": ("otava", otava),
}


def row(cell: tuple[str, str], given: argparse.Namespace) -> list[str]:
    """One peer on one kind of noise: what it calls at 0, at the margin, and at twice the margin."""
    name, kind = cell
    _, decide = PEERS[name]
    cells = [name, kind]
    for slowdown in (0.0, MARGIN, 2 * MARGIN):
        drawn = random.Random(f"{given.seed}/{kind}/{slowdown}")
        hosts = [Host(kind=kind, cv=given.cv / 100, drawn=drawn) for _ in range(given.repetitions)]
        found = [decide(host, slowdown) for host in hosts]
        outcomes = Counter(outcome for outcome, _ in found)
        cells.append(wilson(outcomes["fail"], given.repetitions))
        cells.append(f"{outcomes['pass'] / given.repetitions:.3f}")
        cells.append(f"{fmean(count for _, count in found):.1f}")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="processes at once [one for each CPU]")
    parser.add_argument("--cv", type=float, default=2.0, help="of one run, in percent [2]")
    parser.add_argument("--noise", action="append", choices=KINDS, help="this kind only")
    parser.add_argument("--peer", action="append", choices=tuple(PEERS), help="this one only")
    given = parser.parse_args()
    names = [
        name
        for name, (needs, _) in PEERS.items()
        if name in (given.peer or PEERS) and (not needs or importlib.util.find_spec(needs))
    ]
    cells = [(name, kind) for kind in given.noise or DEFAULT_KINDS for name in names]
    with multiprocessing.Pool(given.jobs) as pool:
        rows = pool.map(partial(row, given=given), cells, chunksize=1)
    print(
        f"{given.repetitions} repetitions a cell, seed {given.seed}, margin {MARGIN:.0%}, CV of a "
        f"run {given.cv:g} %\n"
    )
    headers = ["", "Noise"]
    for at in ("0 %", "5 %", "10 %"):
        headers += [f"fail at {at}", f"pass at {at}", f"runs at {at}"]
    print(tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True))


if __name__ == "__main__":
    main()
