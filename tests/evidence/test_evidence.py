"""Two readings of a tree of counters, and what is said to have changed between them."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from counter_trees import add_thread, cpu, host, pressure, write

from pytest_numa import evidence
from pytest_numa.evidence import Change

CPUS = frozenset({2, 3})


def change(before: Path, after: Path, *, cgroup: str | None = None, pid: int = 7) -> Change:
    first, last = (
        evidence.read([pid], root / cgroup if cgroup else None, root, cpus=CPUS)
        for root in (before, after)
    )
    return evidence.between(first, last)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    write(tmp_path / "before", host())
    return tmp_path / "before"


@pytest.fixture
def after(tmp_path: Path) -> Path:
    write(tmp_path / "after", host())
    return tmp_path / "after"


def test_the_counts_of_all_threads_are_added_up(before: Path, after: Path) -> None:
    for tid in (7, 8):
        add_thread(before, 7, tid, voluntary=100, involuntary=10, migrations=1, wait_ns=10**9)
        add_thread(after, 7, tid, voluntary=130, involuntary=15, migrations=3, wait_ns=4 * 10**9)

    found = change(before, after)

    assert (found.threads, found.threads_born, found.threads_ended) == (2, 0, 0)
    assert (found.voluntary_switches, found.involuntary_switches) == (60, 10)
    assert (found.migrations, found.run_queue_delay_s) == (4, 6.0)


def test_a_new_thread_counts_from_zero_and_an_ended_one_not_at_all(
    before: Path, after: Path
) -> None:
    add_thread(before, 7, 7, voluntary=10)
    add_thread(before, 7, 8, voluntary=1000)
    add_thread(after, 7, 7, voluntary=11)
    add_thread(after, 7, 9, voluntary=5)

    found = change(before, after)

    assert (found.threads, found.threads_born, found.threads_ended) == (2, 1, 1)
    assert found.voluntary_switches == 1 + 5


def test_a_thread_that_got_the_id_of_another_is_new(before: Path, after: Path) -> None:
    add_thread(before, 7, 7, voluntary=1000, start=900)
    add_thread(after, 7, 7, voluntary=5, start=950)

    found = change(before, after)

    assert (found.threads_born, found.threads_ended, found.voluntary_switches) == (1, 1, 5)


def test_cpu_time_counts_for_the_node_where_a_thread_ran_last(before: Path, after: Path) -> None:
    add_thread(before, 7, 7, cpu=0, run_ns=10**9)
    add_thread(before, 7, 8, cpu=2, run_ns=10**9)
    add_thread(after, 7, 7, cpu=1, run_ns=3 * 10**9)
    add_thread(after, 7, 8, cpu=3, run_ns=6 * 10**9)

    found = change(before, after)

    assert found.cpu_time_by_node_s == {0: 2.0, 1: 5.0}


def test_page_faults_of_the_process_are_told(before: Path, after: Path) -> None:
    add_thread(before, 7, 7, minor=5, major=1)
    add_thread(after, 7, 7, minor=25, major=4)

    found = change(before, after)

    assert (found.minor_faults, found.major_faults) == (20, 3)


def test_what_the_host_counted_is_told(tmp_path: Path, after: Path) -> None:
    write(after, host(miss=4, other=6, migrated=9, steal=50, stalled_us=250_000))
    write(tmp_path / "before", host())

    found = change(tmp_path / "before", after)

    assert found.numa_miss_by_node == {0: 4, 1: 0}
    assert found.other_node_by_node == {0: 6, 1: 0}
    assert (found.numa_pages_migrated, found.numa_hint_faults) == (9, 0)
    assert found.steal_s == len(CPUS) * 50 / os.sysconf("SC_CLK_TCK")
    assert found.host_pressure_s == {
        **{f"{name} some": 0.25 for name in ("cpu", "memory", "io")},
        **{f"{name} full": 0.0 for name in ("cpu", "memory", "io")},
    }


def test_heat_and_frequency_of_the_policys_cpus_are_told(before: Path, after: Path) -> None:
    write(before, {**cpu(2, khz=800_000), **cpu(3, khz=800_000)})
    write(after, {**cpu(2, khz=3_000_000, core=2, package=5)})
    write(after, {**cpu(3, khz=2_000_000, core=1, package=5)})

    found = change(before, after)

    assert (found.core_throttles, found.package_throttles) == (3, 5)
    assert found.frequency_mhz == 2500.0


def test_the_cgroup_tells_of_its_quota_and_its_limits(before: Path, after: Path) -> None:
    for root, periods, limits, stalled_us in ((before, 1, 0, 0), (after, 5, 2, 500_000)):
        files = {
            "cpu.stat": f"usage_usec 1\nnr_throttled {periods}\nthrottled_usec {periods}00000\n",
            "memory.events": f"low 0\nhigh {limits}\nmax 0\noom 0\n",
            **{f"{name}.pressure": pressure(stalled_us, 0) for name in ("cpu", "memory", "io")},
        }
        write(root, {f"group/{name}": text for name, text in files.items()})

    found = change(before, after, cgroup="group")

    assert (found.quota_throttled_periods, found.quota_throttled_s) == (4, 0.4)
    assert found.memory_events == {"high": 2, "max": 0, "oom": 0}
    assert found.cgroup_pressure_s is not None
    assert found.cgroup_pressure_s["memory some"] == 0.5


def test_without_a_cgroup_of_its_own_that_is_the_reason(before: Path, after: Path) -> None:
    found = change(before, after)

    assert found.quota_throttled_s is None
    assert found.unknown["quota_throttled_s"] == "the service had no cgroup of its own in this mode"


def test_switches_come_from_status_where_the_scheduler_has_no_file(
    before: Path, after: Path
) -> None:
    add_thread(before, 7, 7, has_sched=False, voluntary=10, involuntary=1)
    add_thread(after, 7, 7, has_sched=False, voluntary=30, involuntary=2)

    found = change(before, after)

    assert (found.voluntary_switches, found.involuntary_switches) == (20, 1)
    assert found.migrations is None
    assert found.unknown["migrations"].startswith("the kernel tells no migrations")


def test_an_account_that_is_switched_off_is_unknown_and_not_zero(before: Path, after: Path) -> None:
    for root in (before, after):
        add_thread(root, 7, 7)
        write(root, {"proc/7/task/7/schedstat": "0 0 0\n"})

    found = change(before, after)

    assert found.run_queue_delay_s is None
    assert "run_queue_delay_s" in found.unknown


def test_an_empty_root_is_all_unknown_with_a_reason_each(tmp_path: Path) -> None:
    found = change(tmp_path, tmp_path)

    known = {"elapsed_s", "threads", "threads_born", "threads_ended", "unknown"}
    assert set(found.as_document()) == known
    assert set(found.unknown) == set(Change.__dataclass_fields__) - known
    assert found.unknown["frequency_mhz"].endswith("No such file or directory")


def test_an_alien_text_is_unknown_with_the_place(before: Path, after: Path) -> None:
    write(after, {"proc/vmstat": "garbage"})

    found = change(before, after)

    assert found.numa_pages_migrated is None
    assert found.unknown["numa_pages_migrated"].startswith("proc/vmstat:1: expected NAME COUNT")


def test_alien_threads_do_not_take_the_rest_along(before: Path, after: Path) -> None:
    add_thread(after, 7, 7)
    write(after, {"proc/7/task/7/stat": "garbage"})

    found = change(before, after)

    assert found.voluntary_switches is None
    assert found.unknown["threads"].startswith("task/7/stat: expected PID (NAME)")
    assert found.numa_miss_by_node == {0: 0, 1: 0}


def test_where_the_process_has_ended_the_host_is_still_told(before: Path, after: Path) -> None:
    add_thread(before, 7, 7, voluntary=10)

    found = change(before, after)

    assert found.unknown["minor_faults"] == "there was no process to look at"
    assert (found.threads, found.threads_ended) == (0, 1)
    assert found.numa_pages_migrated == 0


def test_it_is_written_as_json(before: Path, after: Path) -> None:
    add_thread(before, 7, 7)
    add_thread(after, 7, 7, run_ns=10**9 + 1)

    document = change(before, after).as_document()

    assert json.loads(json.dumps(document)) == document
    assert document["cpu_time_by_node_s"] == {"0": 1.0}
    assert "migrations" in document
    assert "frequency_mhz" not in document


def test_the_running_kernel_is_understood() -> None:
    done = threading.Event()
    first = evidence.read([os.getpid()], None)
    thread = threading.Thread(target=done.wait)
    thread.start()
    last = evidence.read([os.getpid()], None)
    done.set()
    thread.join()

    found = evidence.between(first, last)

    assert found.threads_born >= 1
    assert found.voluntary_switches is not None
    assert found.minor_faults is not None
    assert found.elapsed_s > 0


def test_a_block_is_counted_from_its_begin_to_its_end() -> None:
    counted = evidence.Counted([os.getpid()], None, cpus=frozenset(), perf_lacks="not asked for")
    unknown_yet = counted.change

    begun_s = time.monotonic()
    with counted:
        time.sleep(0.2)
    ended_s = time.monotonic()
    time.sleep(0.1)

    found = counted.change
    assert unknown_yet is None
    assert found is not None
    assert 0.2 <= found.elapsed_s <= ended_s - begun_s
    assert (found.voluntary_switches or 0) >= 1
    assert found.unknown["hardware"] == "not asked for"
