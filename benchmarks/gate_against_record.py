"""How often a verdict against recorded sessions is wrong, by simulation.

Sessions differ by a spread of their own, runs by 2 %; each recorded session has eight blocks, and
the present one goes on until it is decided, or 16 blocks are spent. Run it as a script.
"""

import argparse
import math
import multiprocessing
import random
from collections import Counter
from functools import partial

from gate_operating_characteristics import MARGIN, wilson
from tabulate import tabulate

from pytest_numa import gate

SPREADS = (0.0, 0.01, 0.02, 0.03)
RUN_CV = 0.02
RECORDED = 8
MOST_BLOCKS = 16


def session(
    drawn: random.Random, spread: float, slowdown: float = 0.0, blocks: int = RECORDED
) -> list[list[float]]:
    level = drawn.gauss(0, spread) + math.log1p(slowdown)
    return [[math.exp(level + drawn.gauss(0, RUN_CV))] for _ in range(blocks)]


def decided(drawn: random.Random, spread: float, sessions: int, slowdown: float) -> str:
    recorded = [session(drawn, spread) for _ in range(sessions)]
    present = session(drawn, spread, slowdown, MOST_BLOCKS)
    outcome = "inconclusive"
    for count in range(gate.FIRST_LOOK, MOST_BLOCKS + 1):
        found = gate.judge_against_record(recorded, present[:count], margin=MARGIN, better="lower")
        outcome = found.outcome
        if outcome != "inconclusive":
            break
    return outcome


def row(cell: tuple[float, int], given: argparse.Namespace) -> list[str]:
    """One line of the table."""
    spread, sessions = cell
    found = [f"{spread:.0%}", str(sessions)]
    for slowdown in (0.0, MARGIN, 2 * MARGIN):
        drawn = random.Random(f"{given.seed}/{spread}/{sessions}/{slowdown}")
        outcomes = Counter(
            decided(drawn, spread, sessions, slowdown) for _ in range(given.repetitions)
        )
        found += [wilson(outcomes[name], given.repetitions) for name in ("pass", "fail")]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="processes at once [one for each CPU]")
    given = parser.parse_args()
    cells = [(spread, count) for spread in SPREADS for count in (1, 2, 3, 5, 10)]
    with multiprocessing.Pool(given.jobs) as pool:
        rows = pool.map(partial(row, given=given), cells, chunksize=1)
    headers = ["Session spread", "Recorded"]
    headers += [f"P({name}) at {at}" for at in ("0 %", "5 %", "10 %") for name in ("pass", "fail")]
    print(f"{given.repetitions} repetitions a cell, seed {given.seed}, margin {MARGIN:.0%}\n")
    print(tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True))


if __name__ == "__main__":
    main()
