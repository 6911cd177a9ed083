"""How often the gate is wrong, by simulation. Run it as a script; --help says how.

Each repetition is a session: blocks are drawn, and judged after each, until the verdict is in or 16
blocks are spent. Beside the gate stands what one would use instead: a fixed threshold on one run,
and on the mean of five; gate_against_peers.py has the others. With --figures N a session judges N
figures of the same runs together, and its outcome is that of the worst.

The noise of one run, in log: session level N(0, 1 %) + drift 0.2 % a block + N(0, CV) + with
probability 5 % an outlier |N(8 %, 4 %)|. The worse kinds change one thing each.
"""

import argparse
import math
import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist, fmean

from tabulate import tabulate

from pytest_numa import gate

MARGIN = 0.05
MOST_BLOCKS = 16
KINDS = (
    "model",
    "lognormal tail",
    "autocorrelation 0.5",
    "the same within each mode",
    "step of 3 %",
    "outliers twice",
    "outliers twice in the control",
    "3 % shared by a block",
)
# CV of one run, runs a block, true slowdown.
CELLS = (
    (0.01, 1, 0.0),
    (0.01, 1, 0.05),
    (0.02, 1, 0.0),
    (0.02, 1, 0.05),
    (0.02, 1, 0.10),
    (0.04, 3, 0.0),
    (0.04, 3, 0.05),
    (0.04, 3, 0.10),
)


@dataclass
class Host:
    """The noise of one session of two modes; log values, measured in the order of time."""

    kind: str
    cv: float
    drawn: random.Random

    def __post_init__(self) -> None:
        self.level = self.drawn.gauss(0, 0.01)
        self.step_at = self.drawn.randrange(2, 10)
        # The run before: of the host, or of each mode.
        self.last = [self.drawn.gauss(0, self.cv) for _ in range(2)]
        self.shared = (-1, 0.0)

    def run(self, *, block: int, is_candidate: bool) -> float:
        noise = self.drawn.gauss(0, self.cv)
        if self.kind == "lognormal tail":
            # Skewed to the slow side, with the same spread and no shift of the mean.
            width = 0.8
            raw = math.exp(self.drawn.gauss(0, width)) - math.exp(width**2 / 2)
            noise = self.cv * raw / math.sqrt(math.expm1(width**2) * math.exp(width**2))
        if self.kind in ("autocorrelation 0.5", "the same within each mode"):
            series = is_candidate and self.kind == "the same within each mode"
            noise = self.last[series] = 0.5 * self.last[series] + math.sqrt(0.75) * noise
        outlier = 0.0
        if self.drawn.random() < self._chance(is_candidate=is_candidate):
            outlier = abs(self.drawn.gauss(0.08, 0.04))
        return self.level + 0.002 * block + self._host(block) + noise + outlier

    def _chance(self, *, is_candidate: bool) -> float:
        struck = {"outliers twice": True, "outliers twice in the control": False}.get(self.kind)
        return 0.10 if struck is is_candidate else 0.05

    def _host(self, block: int) -> float:
        """What strikes both modes."""
        if self.kind == "3 % shared by a block" and self.shared[0] != block:
            self.shared = (block, self.drawn.gauss(0, 0.03))
        step = 0.03 if self.kind == "step of 3 %" and block >= self.step_at else 0.0
        return step + self.shared[1]


Blocks = list[list[float]]


def session(host: Host, runs: int, slowdown: float) -> Iterator[tuple[Blocks, Blocks]]:
    """All blocks so far, after each block."""
    control: Blocks = []
    candidate: Blocks = []
    for block in range(MOST_BLOCKS):
        sides = (False, True) if block % 2 == 0 else (True, False)
        for is_candidate in sides:
            logs = [host.run(block=block, is_candidate=is_candidate) for _ in range(runs)]
            shift = math.log1p(slowdown) if is_candidate else 0.0
            values = [math.exp(log + shift) for log in logs]
            (candidate if is_candidate else control).append(values)
        yield control, candidate


def likewise(host: Host, values: list[float]) -> list[float]:
    """Another figure of the same runs: two thirds of what moves it moves the first one, too."""
    return [value * math.exp(host.drawn.gauss(0, host.cv / 2)) for value in values]


def decide(host: Host, runs: int, slowdown: float, figures: int = 1) -> tuple[str, int]:
    """The verdict of a session, and the blocks it took."""
    sides: list[tuple[Blocks, Blocks]] = [([], []) for _ in range(figures)]
    for control, candidate in session(host, runs, slowdown):
        for number, (then, now) in enumerate(sides):
            then.append(likewise(host, control[-1]) if number else control[-1])
            now.append(likewise(host, candidate[-1]) if number else candidate[-1])
        outcome = of_all(sides)
        if outcome != "inconclusive":
            break
    return outcome, len(sides[0][0])


def of_all(sides: list[tuple[Blocks, Blocks]]) -> str:
    """The session's outcome: a failure once all figures are decided and one has failed."""
    judged = [partial(gate.judge, then, now, margin=MARGIN, better="lower") for then, now in sides]
    outcomes = {one.outcome for one in gate.judge_together([by_share(one) for one in judged])}
    return next(word for word in ("inconclusive", "fail", "pass") if word in outcomes)


def by_share(judged: Callable[..., gate.Verdict]) -> gate.Comparison:
    return lambda share: judged(share=share)


def fixed(host: Host, slowdown: float, repeats: int) -> bool:
    """Whether a fixed threshold calls a regression: one session recorded, another one measured."""
    other = Host(kind=host.kind, cv=host.cv, drawn=host.drawn)
    before = fmean(math.exp(host.run(block=0, is_candidate=False)) for _ in range(repeats))
    now = fmean(math.exp(other.run(block=0, is_candidate=True)) for _ in range(repeats))
    return now * (1 + slowdown) / before > 1 + MARGIN


def wilson(count: int, total: int) -> str:
    """A share with its 95 % interval (Wilson 1927)."""
    z = NormalDist().inv_cdf(0.975)
    share = count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    reach /= 1 + z * z / total
    return f"{share:.4f} ({max(0.0, middle - reach):.4f}-{middle + reach:.4f})"


def row(cell: tuple[str, float, int, float], given: argparse.Namespace) -> tuple[object, ...]:
    """One line of the table."""
    kind, cv, runs, slowdown = cell
    drawn = random.Random(f"{given.seed}/{kind}/{cv}/{runs}/{slowdown}")
    hosts = [Host(kind=kind, cv=cv, drawn=drawn) for _ in range(given.repetitions)]
    found = [decide(host, runs, slowdown, given.figures) for host in hosts]
    outcomes = Counter(outcome for outcome, _ in found)
    return (
        kind,
        f"{cv:.0%}",
        runs,
        f"{slowdown:.0%}",
        wilson(outcomes["pass"], given.repetitions),
        wilson(outcomes["fail"], given.repetitions),
        f"{fmean(blocks for _, blocks in found):.1f}",
        f"{fmean(fixed(host, slowdown, 1) for host in hosts):.3f}",
        f"{fmean(fixed(host, slowdown, 5) for host in hosts):.3f}",
    )


def _cell(text: str) -> tuple[float, int, float]:
    cv, runs, slowdown = text.split(",")
    return float(cv), int(runs), float(slowdown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="processes at once [one for each CPU]")
    parser.add_argument("--figures", type=int, default=1, help="judged together in a session [1]")
    parser.add_argument("--noise", choices=KINDS, action="append", help="this kind only")
    parser.add_argument(
        "--cell",
        action="append",
        type=_cell,
        metavar="CV,RUNS,SLOWDOWN",
        help="as in 0.04,1,0; instead of the table's",
    )
    given = parser.parse_args()
    cells = [(kind, *cell) for kind in given.noise or KINDS for cell in given.cell or CELLS]
    with multiprocessing.Pool(given.jobs) as pool:
        rows = pool.map(partial(row, given=given), cells, chunksize=1)
    print(
        f"{given.repetitions} repetitions a cell, seed {given.seed}, margin {MARGIN:.0%}, "
        f"{given.figures} figure(s)\n"
    )
    headers = (
        *("Noise", "CV", "Runs", "Slowdown", "P(pass)", "P(fail)", "Blocks"),
        *("Fixed 5 %, 1 run: P(fail)", "mean of 5: P(fail)"),
    )
    print(tabulate(rows, headers=headers, tablefmt="pipe"))


if __name__ == "__main__":
    main()
