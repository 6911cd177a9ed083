"""Ten failures, each understood from the last 30 lines on the terminal: what, why, what to do."""

from collections.abc import Callable
from dataclasses import replace

import measured
import pytest
from facts import CLUES, MIB, THREAD, exec_start, memory, process, region, unit
from measured import BOUND, NOISE, SETTINGS, block, measurement, proof, recorded
from test_reasons import NOTHING

from pytest_numa import problem
from pytest_numa.measurement import Measurement, Run
from pytest_numa.placement import Proof
from pytest_numa.report import terminal
from pytest_numa.services import installed_unit

WITHOUT_RECORD = replace(SETTINGS, baseline=None)
NOISY = (1.3, 0.8, 1.1, 0.9, 1.25, 0.85, 1.2, 0.7)


def last_lines(end: terminal.End) -> str:
    """What stands there before pytest's own last line, below the title; as one line of words."""
    shown = measured.text(terminal.summary(end))
    assert len(shown.splitlines()) <= 28
    assert all(len(line) <= 80 for line in shown.splitlines())
    return " ".join(shown.split())


def session(pinned_s: float, systemd_s: float, *proofs: Proof) -> Measurement:
    return measurement(
        *(block(*proofs, pinned=pinned_s * one, systemd=systemd_s) for one in NOISE * 2)
    )


def misplaced_thread() -> terminal.End:
    stray = process(threads=(replace(THREAD, cpus_allowed=frozenset({0, 1})),))
    command = exec_start("/usr/bin/taskset", "--cpu-list", "0-1", "/opt/llama-server", "-m", "m")
    clues = replace(CLUES, unit=unit({"ExecStart": command, "CPUAffinity": "2-3"}))
    return measured.end(session(1.0, 1.0, proof(process=stray, clues=clues)))


def remote_pages() -> terminal.End:
    far = process(memory=memory(region(bytes_by_node={1: 3 * 1024 * MIB, 0: 5 * 1024 * MIB})))
    return measured.end(session(1.0, 1.0, proof(process=far)))


def regression() -> terminal.End:
    def run_with(one: Run) -> Run:
        held = 0.4 if one.mode == "systemd" else 0.0
        return replace(one, evidence=replace(NOTHING, quota_throttled_s=held))

    blocks = [
        {mode: [run_with(one) for one in runs] for mode, runs in found.items()}
        for found in session(1.0, 1.4).blocks
    ]
    return measured.end(measurement(*blocks))


def host_drift() -> terminal.End:
    then = replace(SETTINGS, baseline=recorded(*(0.7 * one for one in NOISE), kernel="6.1.0-31"))
    return measured.end(session(1.0, 1.0), then)


def inconclusive() -> terminal.End:
    pairs = zip(NOISY, NOISY[::-1], strict=True)
    blocks = (block(pinned=one, systemd=other) for one, other in pairs)
    recording = replace(SETTINGS, baseline=None, missing_baseline="record")
    return measured.end(measurement(*blocks), recording)


def server_died() -> terminal.End:
    text = (
        "mode systemd: inference-vllm.service ended: killed by SIGKILL (failed, failed, result "
        f"oom-kill)\n{installed_unit.advice('2', '9')}\nits log ends:\nINFO loading weights"
    )
    died = problem.parsed(text, weight="error")
    return terminal.End(wanted=SETTINGS, problems=[died])


def no_baseline() -> terminal.End:
    return measured.end(session(1.0, 1.0), WITHOUT_RECORD)


def client_bound() -> terminal.End:
    blocks = (block(pinned=one, systemd=one, client=BOUND) for one in NOISE)
    return measured.end(measurement(*blocks))


def no_permission() -> terminal.End:
    text = (
        "no private systemd manager can be started: the cgroup tree cannot be written ([Errno 13] "
        "Permission denied: '/sys/fs/cgroup/x'): run as root, or in a container with a writable "
        "/sys/fs/cgroup"
    )
    return terminal.End(wanted=SETTINGS, problems=[problem.parsed(text, weight="error")])


@pytest.mark.parametrize(
    ("failure", "what", "why", "fix"),
    [
        (
            misplaced_thread,
            "FAILED 1 of 1 threads of process llama-server (70) may run off the policy's CPUs",
            "probably taskset in ExecStart= sets another mask after systemd has set the unit's",
            "to fix leave taskset out of ExecStart= and write AllowedCPUs=2-3",
        ),
        (
            remote_pages,
            "FAILED memory of process llama-server (70) lies off the policy's nodes",
            "found 5.0 GiB on node 0, 3.0 GiB on node 1",
            "to fix NUMAPolicy=bind",
        ),
        (
            regression,
            "FAILED the service under systemd is slower than the same command pinned by hand",
            "probably a CPU quota held it back",
            "to fix take CPUQuota= out of the unit and of its slice",
        ),
        (
            host_drift,
            "FAILED the host has become slower, not the unit: `pinned` itself is slower than its",
            "probably since the record kernel 6.1.0-31 became ",
            "to fix look for what changed: pytest-numa audit, pytest-numa history",
        ),
        (
            inconclusive,
            "INCONCLUSIVE not decided whether the service under systemd is slower than the same",
            "probably the runs differ by more than so few blocks can average out",
            "a quieter host (pytest-numa audit), more --numa-n-requests, or a larger --numa-margin",
        ),
        (
            server_died,
            "ERROR mode systemd: inference-vllm.service ended: killed by SIGKILL",
            "probably the kernel ended it for want of memory (or MemoryMax=), or somebody did",
            "to fix look for `Killed process` in dmesg",
        ),
        (
            no_baseline,
            "FAILED no pinned baseline is recorded for this class of host, workload, server and",
            "found none, so nothing says whether the host is as fast as it once was",
            "to fix where the host is good now, run the same command with --numa-record",
        ),
        (
            client_bound,
            "INCONCLUSIVE not decided: the load generator, which sends the requests, was",
            "probably one CPU is too slow to take in the answers of so many requests at a time",
            "offer less (a lower --numa-concurrency or --numa-rate)",
        ),
        (
            no_permission,
            "ERROR no private systemd manager can be started",
            "the cgroup tree cannot be written ([Errno 13] Permission denied",
            "run as root",
        ),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_the_last_lines_tell_what_why_and_what_to_do(
    failure: Callable[[], terminal.End], what: str, why: str, fix: str
) -> None:
    shown = last_lines(failure())

    assert shown.startswith(what)
    assert why in shown
    assert fix in shown


def test_a_failure_that_is_not_confirmed_yet_says_that_it_has_to_be() -> None:
    then = replace(SETTINGS, baseline=recorded(*(0.7 * one for one in NOISE)))
    few = measurement(*(block(pinned=one, systemd=one) for one in (*NOISE, 1.0)))

    shown = last_lines(measured.end(few, then))

    assert "INCONCLUSIVE not decided whether the service under systemd is slower than the" in shown
    assert "a failure against a record must be found twice: it was in the first 4 blocks" in shown
    assert "to fix --numa-blocks 16" in shown
