"""What the kernel counted, by mode: medians of what is known and is not nothing."""

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from pytest_numa import evidence
from pytest_numa.evidence import Change
from pytest_numa.load import results
from pytest_numa.load.results import Client
from pytest_numa.measurement import Measurement, Run
from pytest_numa.report import evidence_table

_EMPTY = evidence.read([], None, Path("/nowhere"))
UNKNOWN = evidence.between(_EMPTY, _EMPTY)


def run(mode: str, change: Change | None) -> Run:
    client = Client(cpu_s=0.1, lag_p99_ms=0.1, bound=False)
    return Run(
        mode=mode,
        result=results.summarise([], client=client, workload={}),
        main_pid=1,
        proofs=(),
        evidence=change,
    )


def table(**changes: list[Change | None]) -> str:
    block = {mode: [run(mode, one) for one in some] for mode, some in changes.items()}
    return evidence_table.table(Measurement(begun_at=datetime.now(timezone.utc), blocks=[block]))


def rows(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_median_of_each_modes_runs_stands_under_its_mode() -> None:
    text = table(
        pinned=[replace(UNKNOWN, involuntary_switches=count) for count in (4, 900, 6)],
        systemd=[replace(UNKNOWN, involuntary_switches=8)],
    )

    assert rows(text) == ["| involuntary context switches | 6 | 8 |"]
    assert "| Per run" in text


def test_what_is_zero_in_all_modes_is_left_out() -> None:
    none = replace(UNKNOWN, migrations=0, numa_miss_by_node={0: 0, 1: 0}, steal_s=0.0004)
    some = replace(none, numa_miss_by_node={0: 3, 1: 1})

    text = table(pinned=[none], systemd=[some])

    assert rows(text) == ["| pages off their preferred node (host) | 0 | 4 |"]


def test_what_only_one_mode_knows_is_unknown_in_the_others() -> None:
    text = table(pinned=[UNKNOWN], systemd=[replace(UNKNOWN, quota_throttled_s=1.25)])

    assert rows(text) == ["| held back by the CPU quota | unknown | 1.2 s |"]


def test_nodes_and_resources_have_a_row_each() -> None:
    known = replace(
        UNKNOWN,
        cpu_time_by_node_s={0: 0.25, 1: 12.5},
        host_pressure_s={"cpu some": 0.5, "cpu full": 0.0, "io some": 0.0},
    )

    text = table(pinned=[replace(known, cpu_time_by_node_s={1: 12.0})], systemd=[known])

    assert rows(text) == [
        "| CPU time on node 0 | 0 ms | 250 ms |",
        "| CPU time on node 1 | 12.0 s | 12.5 s |",
        "| work waited for a CPU (host) | 500 ms | 500 ms |",
    ]


def test_perfs_counters_become_clock_and_ratios() -> None:
    counted = {"task-clock": 2000.0, "cycles": 6e9, "instructions": 12e9, "cache-misses": 24e6}

    text = table(systemd=[replace(UNKNOWN, hardware=counted)])

    assert rows(text) == [
        "| CPU clock while it ran (perf) | 3000 MHz |",
        "| instructions per cycle (perf) | 2.000 |",
        "| cache misses per 1000 instructions (perf) | 2.000 |",
    ]


def test_without_anything_known_there_is_no_table() -> None:
    assert table(pinned=[None], systemd=[UNKNOWN]) == ""
