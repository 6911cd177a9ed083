"""perf's output, and how it is started and ended; a script stands in where perf is needed."""

import os
import time
from pathlib import Path

import pytest

from pytest_numa.errors import ParseError
from pytest_numa.evidence import perf

# perf 6.1, as a user that may not see the kernel.
COUNTED = """\
2001.53,msec,task-clock:u,2001532913,100.00,0.998,CPUs utilized
5804445789,,cycles:u,2001532913,100.00,2.900,GHz
11608891578,,instructions:u,2001532913,100.00,2.00,insn per cycle
<not counted>,,cache-misses:u,0,0.00,,
"""
# perf 6.12 in a virtual machine.
UNSUPPORTED = """\
0.93,msec,task-clock,934273,100.00,0.161,CPUs utilized
<not supported>,,cycles,0,100.00,,
<not supported>,,instructions,0,100.00,,
<not supported>,,cache-misses,0,100.00,,
"""
REFUSED = """\
Error:
Access to performance monitoring and observability operations is limited.
Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to open
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "perf"


def install(fake: Path, said: str) -> None:
    fake.with_name("said").write_text(said)
    fake.write_text(
        f'#!/bin/sh\necho "$@" > {fake}.args\n'
        f"trap 'cat {fake.with_name('said')} >&2; exit 0' INT\n"
        f'case "$*" in *-p*) touch {fake}.ready; while :; do sleep 0.01; done;; esac\n'
        f"cat {fake.with_name('said')} >&2\n"
    )
    fake.chmod(0o755)


def wait_ready(fake: Path) -> None:
    deadline = time.monotonic() + 10
    while not Path(f"{fake}.ready").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def fail_once_ready(fake: Path) -> None:
    wait_ready(fake)
    raise RuntimeError


def test_counts_are_read_by_event_whatever_their_modifier() -> None:
    assert perf.parse(COUNTED, source="perf") == {
        "task-clock": 2001.53,
        "cycles": 5804445789.0,
        "instructions": 11608891578.0,
    }


@pytest.mark.parametrize("said", [UNSUPPORTED, REFUSED, "", ",,,,", "1"])
def test_a_text_without_a_hardware_counter_is_refused(said: str) -> None:
    with pytest.raises(ParseError) as caught:
        perf.parse(said, source="perf")

    assert str(caught.value).startswith("perf: expected a count of cycles or instructions")


def test_perf_counts_while_the_block_runs_and_ends_with_it(fake: Path) -> None:
    install(fake, COUNTED)

    with perf.counting([7, 5], lacks=None) as counts:
        wait_ready(fake)

    assert isinstance(counts.found, dict)
    assert counts.found["cycles"] == 5804445789.0
    assert Path(f"{fake}.args").read_text().endswith("-p 5,7\n")


def test_perf_ends_when_the_block_fails(fake: Path) -> None:
    install(fake, REFUSED)

    with pytest.raises(RuntimeError), perf.counting([7], lacks=None) as counts:
        fail_once_ready(fake)

    assert counts.found == (
        "perf: Access to performance monitoring and observability operations is limited."
    )


def test_where_perf_can_count_it_lacks_nothing(fake: Path) -> None:
    install(fake, COUNTED)

    assert perf.lacking() is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (UNSUPPORTED, "perf: this CPU or hypervisor offers no hardware counters"),
        (REFUSED, "perf: Access to performance monitoring and observability operations is *"),
        ("", "perf: it said nothing"),
    ],
)
def test_why_perf_cannot_count_is_said(fake: Path, said: str, reason: str) -> None:
    install(fake, said)

    found = perf.lacking()

    assert found is not None
    assert found.startswith(reason.rstrip("*"))


def test_without_perf_that_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    lacks = perf.lacking()
    with perf.counting([7], lacks=lacks) as counts:
        pass

    assert counts.found == lacks == "perf is not installed"
