"""How often the gate is wrong, by simulation. Run it as a script; --help says how.

Each repetition is a session: blocks are drawn, and judged after each, until the verdict is in or 16
blocks are spent. Beside the gate stands what one would use instead: a fixed threshold on one run,
and on the mean of five.

The noise of one run, in log: session level N(0, 1 %) + drift 0.2 % a block + N(0, CV) + with
probability 5 % an outlier |N(8 %, 4 %)|. The worse kinds change one thing each.
"""

import argparse
import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
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
)
# CV of one run, runs a block, true slowdown.
CELLS = (
    (0.01, 1, 0.0),
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
        self.last = [0.0, 0.0]

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
        chance = 0.10 if self.kind == "outliers twice" and is_candidate else 0.05
        outlier = abs(self.drawn.gauss(0.08, 0.04)) if self.drawn.random() < chance else 0.0
        step = 0.03 if self.kind == "step of 3 %" and block >= self.step_at else 0.0
        return self.level + 0.002 * block + step + noise + outlier


def session(
    host: Host, runs: int, slowdown: float
) -> Iterator[tuple[list[list[float]], list[list[float]]]]:
    """All blocks so far, after each block."""
    control: list[list[float]] = []
    candidate: list[list[float]] = []
    for block in range(MOST_BLOCKS):
        sides = (False, True) if block % 2 == 0 else (True, False)
        for is_candidate in sides:
            logs = [host.run(block=block, is_candidate=is_candidate) for _ in range(runs)]
            shift = math.log1p(slowdown) if is_candidate else 0.0
            values = [math.exp(log + shift) for log in logs]
            (candidate if is_candidate else control).append(values)
        yield control, candidate


def decide(host: Host, runs: int, slowdown: float) -> tuple[str, int]:
    """The gate's verdict, and the blocks it took."""
    verdict = None
    for control, candidate in session(host, runs, slowdown):
        verdict = gate.judge(control, candidate, margin=MARGIN, better="lower")
        if verdict.outcome != "inconclusive":
            break
    assert verdict is not None  # noqa: S101 - there is at least one block
    return verdict.outcome, verdict.blocks


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = []
    for kind in KINDS:
        for cv, runs, slowdown in CELLS:
            drawn = random.Random(f"{given.seed}/{kind}/{cv}/{runs}/{slowdown}")
            hosts = [Host(kind=kind, cv=cv, drawn=drawn) for _ in range(given.repetitions)]
            found = [decide(host, runs, slowdown) for host in hosts]
            outcomes = Counter(outcome for outcome, _ in found)
            rows.append(
                (
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
            )
    print(f"{given.repetitions} repetitions a cell, seed {given.seed}, margin {MARGIN:.0%}\n")
    headers = (
        *("Noise", "CV", "Runs", "Slowdown", "P(pass)", "P(fail)", "Blocks"),
        *("Fixed 5 %, 1 run: P(fail)", "mean of 5: P(fail)"),
    )
    print(tabulate(rows, headers=headers, tablefmt="pipe"))


if __name__ == "__main__":
    main()
