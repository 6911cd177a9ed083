"""Limits and priorities of a unit against what its server takes."""

import re
from collections.abc import Iterator

from pytest_numa import formatting
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

# PyTorch's servers have from 60 to some hundred threads, whatever the number of CPUs.
_THREADS = 128
_CONNECTIONS = 1024
_UNITS = {"": 1, **{unit: 1024**power for power, unit in enumerate("KMGTPE", start=1)}}


def check(subject: Subject) -> Iterator[Finding]:
    """CPU time, memory, then counts."""
    yield from _time(subject)
    yield from _memory(subject)
    yield from _locked(subject)
    yield from _counts(subject)


def _time(subject: Subject) -> Iterator[Finding]:
    if subject.text("CPUQuota") not in (None, "infinity"):
        yield Finding(
            subject="CPUQuota=",
            expected="none: the CPUs are the service's own",
            found=f"{subject.text('CPUQuota')}: threads are stopped in the middle of a token",
            fix="leave it out",
        )
    if subject.text("LimitCPU") not in (None, "infinity"):
        yield Finding(
            subject="LimitCPU=",
            expected="infinity",
            found=f"{subject.text('LimitCPU')}: the server is killed when it has computed so long",
            fix="leave it out",
        )
    policy = subject.text("CPUSchedulingPolicy")
    if policy in ("idle", "batch", "fifo", "rr"):
        yield Finding(
            subject="CPUSchedulingPolicy=",
            expected="other",
            found=f"{policy}: "
            + (
                "everything else goes first"
                if policy in ("idle", "batch")
                else "threads that spin keep the kernel's own off their CPUs"
            ),
            fix="leave it out",
        )
    if re.fullmatch(r"[1-9]|1\d", subject.text("Nice") or ""):
        yield _last("Nice=", subject.text("Nice"), "0 or less")
    if subject.text("CPUWeight") == "idle":
        yield _last("CPUWeight=", "idle", "100 or more")


def _last(key: str, text: str | None, expected: str) -> Finding:
    return Finding(
        subject=key,
        expected=expected,
        found=f"{text}: everything else goes first",
        fix="leave it out",
    )


def _memory(subject: Subject) -> Iterator[Finding]:
    outcomes = {
        "MemoryMax": "it is killed",
        "MemoryLimit": "it is killed",
        "MemoryHigh": "it is slowed down to a crawl",
    }
    for key, outcome in outcomes.items():
        most = _bytes(subject, key)
        if most is not None and subject.needs_bytes is not None and most < subject.needs_bytes:
            yield Finding(
                subject=f"{key}=",
                expected=f"at least {formatting.bytes_iec(subject.needs_bytes)}, which the service "
                "takes",
                found=f"{subject.text(key)}: {outcome}",
                fix="write more, or leave it out",
            )
    if subject.text("LimitAS") not in (None, "infinity") and subject.engine.is_torch:
        yield Finding(
            subject="LimitAS=",
            expected="infinity: address space is not memory",
            found=f"{subject.text('LimitAS')}: PyTorch and CUDA reserve far more than they use",
            fix="leave it out, and write MemoryMax= where memory is to be limited",
        )
    if subject.text("OOMPolicy") == "continue" and subject.engine.is_torch:
        yield Finding(
            subject="OOMPolicy=",
            expected="stop, or kill",
            found="continue: when the kernel kills a worker the service stays up without it",
            fix="leave it out",
        )


def _bytes(subject: Subject, key: str) -> int | None:
    text = subject.text(key) or ""
    size = re.fullmatch(r"(\d{1,18})([KMGTPE]?)", text)
    share = re.fullmatch(r"(\d{1,3}(?:\.\d{1,2})?)%", text)
    if share:
        total = sum(node.memory_bytes for node in subject.topology.nodes)
        return int(total * float(share[1]) / 100)
    return int(size[1]) * _UNITS[size[2]] if size else None


def _locked(subject: Subject) -> Iterator[Finding]:
    """--mlock against RLIMIT_MEMLOCK, which systemd sets to 8 MiB where the unit says nothing."""
    engine = subject.engine
    mode = (
        engine.option("--load-mode", "-lm") or engine.environment.get("LLAMA_ARG_LOAD_MODE") or ""
    )
    is_locking = engine.has("--mlock") or "mlock" in mode or engine.is_on("LLAMA_ARG_MLOCK")
    if engine.name != "llama.cpp" or not is_locking:
        return
    user = subject.text("User")
    is_root = user in (None, "root", "0") and not subject.is_on("DynamicUser")
    ambient = " ".join(subject.texts("AmbientCapabilities"))
    bounding = subject.texts("CapabilityBoundingSet")
    is_able = "CAP_IPC_LOCK" in ambient or (
        is_root and (not bounding or "CAP_IPC_LOCK" in " ".join(bounding))
    )
    limit = subject.text("LimitMEMLOCK")
    most = _bytes(subject, "LimitMEMLOCK")
    enough = subject.needs_bytes or 1024**3
    if limit == "infinity" or (most is not None and most >= enough) or (is_able and limit is None):
        return
    outcome = (
        "only CAP_IPC_LOCK lifts it"
        if is_able
        else "the weights are not locked, and one line of the log says so"
    )
    yield Finding(
        subject="LimitMEMLOCK=",
        expected="infinity, for --mlock",
        found=f"{limit or 'none, which is 8 MiB'}: {outcome}",
        fix="write LimitMEMLOCK=infinity",
    )


def _counts(subject: Subject) -> Iterator[Finding]:
    for key in ("TasksMax", "LimitNPROC"):
        most = subject.text(key) or ""
        if subject.engine.is_torch and most.isdecimal() and int(most[:9]) < _THREADS:
            yield Finding(
                subject=f"{key}=",
                expected="some hundreds, or infinity",
                found=f"{most}: threads of {subject.engine.name} cannot be started",
                fix="leave it out",
            )
    files = (subject.text("LimitNOFILE") or "").partition(":")[0]
    if files.isdecimal() and int(files[:9]) < _CONNECTIONS:
        yield Finding(
            subject="LimitNOFILE=",
            expected=f"{_CONNECTIONS} or more: each request in flight is an open file",
            found=f"{files}: further requests are refused",
            fix="write LimitNOFILE=65536",
        )
