"""How often the change points of ``pytest-numa history`` err, beside another library. A script.

Series of sessions, of which the later half is slower by so much; the noise between sessions is
normal in the logs. "Found" means within one session of where it is. Needs the extra `history` and
ruptures (PELT, least squares, penalty of 3 or 5 log n, spread by the differences' MAD).
"""

import argparse
import math
import random
from collections.abc import Callable, Sequence

from tabulate import tabulate

from pytest_numa import trend


def otava(values: Sequence[float], max_p_value: float) -> list[int]:
    from otava.analysis import compute_change_points  # noqa: PLC0415 - an extra

    logs = [math.log(value) for value in values]
    points, _ = compute_change_points(logs, window_len=50, max_pvalue=max_p_value)
    return [int(point.index) for point in points]


def pelt(values: Sequence[float], penalty: float) -> list[int]:
    import numpy as np  # noqa: PLC0415 - as otava
    import ruptures  # noqa: PLC0415 - only for the comparison

    logs = np.log(np.array(values))
    steps = np.diff(logs)
    spread = float(np.median(np.abs(steps - np.median(steps)))) * 1.4826 / math.sqrt(2)
    model = ruptures.Pelt(model="l2", min_size=3, jump=1).fit(logs / max(spread, 1e-3))
    found: list[int] = model.predict(pen=penalty * math.log(len(logs)))[:-1]
    return found


FINDERS: dict[str, Callable[[Sequence[float]], list[int]]] = {
    "otava, p 0.001 (ours)": lambda values: otava(values, trend.MAX_P_VALUE),
    "otava, p 0.0001": lambda values: otava(values, 0.0001),
    "PELT, 3 log n": lambda values: pelt(values, 3.0),
    "PELT, 5 log n": lambda values: pelt(values, 5.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=500)
    given = parser.parse_args()
    rows = []
    for count in (12, 30, 60):
        for slowdown in (0.0, 0.03, 0.06):
            rng = random.Random(1)
            series = [
                [
                    100 * math.exp(rng.gauss(0, 0.02)) * (1 - slowdown * (at >= count // 2))
                    for at in range(count)
                ]
                for _ in range(given.repetitions)
            ]
            cells = []
            for find in FINDERS.values():
                found = [find(values) for values in series]
                hits = sum(any(abs(at - count // 2) <= 1 for at in points) for points in found)
                share = (sum(map(bool, found)) if slowdown == 0 else hits) / len(found)
                cells.append(f"{share:.3f}")
            what = "any (false alarm)" if slowdown == 0 else f"found, {slowdown:.0%}"
            rows.append((count, what, *cells))
    print(tabulate(rows, headers=("Sessions", "Share", *FINDERS), tablefmt="pipe"))


if __name__ == "__main__":
    main()
