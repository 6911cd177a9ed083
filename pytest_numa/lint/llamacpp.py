"""Options of llama-server that undo what the unit sets, or that keep it from starting.

Source: llama.cpp's tools/server/README.md and common/arg.cpp.
"""

from collections.abc import Iterator

from pytest_numa.kernel import cpulist
from pytest_numa.lint import ranges
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.openmp import escape
from pytest_numa.lint.subject import Subject

_MASKS = ("-C", "--cpu-mask", "-Cb", "--cpu-mask-batch", "-Cd", "--cpu-mask-draft")
_RANGES = ("-Cr", "--cpu-range", "-Crb", "--cpu-range-batch", "-Crd", "--cpu-range-draft")
OPTIONS = (
    *(name for name in (*_MASKS, *_RANGES) if name.startswith("--")),
    *("--threads", "--threads-batch", "--cpu-strict", "--numa", "--no-mmap", "--mlock"),
    *("--load-mode", "--n-gpu-layers", "--gpu-layers"),
)
# Near to those above, and right.
OTHERS = ("--mmap", "--no-mlock", "--cpu-strict-batch", "--cpu-strict-draft", "--threads-http")
_NUMA = ("distribute", "isolate", "numactl")
_READ = ("none", "mlock", "dio", "direct-io")


def check(subject: Subject) -> Iterator[Finding]:
    """CPUs, nodes, weights."""
    yield from _cpus(subject)
    yield from _numa(subject)
    yield from _weights(subject)
    yield from _priority(subject)


def _cpus(subject: Subject) -> Iterator[Finding]:
    for name in (*_MASKS, *_RANGES):
        text = subject.engine.option(name)
        if text is None or "$" in text:
            continue
        cpus = ranges.mask(text) if name in _MASKS else _range(text)
        if not cpus:
            yield Finding(
                subject=name,
                expected="a hexadecimal mask, such as 0xf" if name in _MASKS else "LOW-HIGH",
                found=f"{text!r}: llama-server ends with an error, or binds nothing",
                fix=f"leave {name} out: the unit does it",
            )
        yield from escape(subject, name, cpus, text, fix=f"leave {name} out: the unit does it")


def _range(text: str) -> frozenset[int] | None:
    return None if "," in text else ranges.plain(text)


def _numa(subject: Subject) -> Iterator[Finding]:
    own = subject.engine
    numa = own.option("--numa") or own.environment.get("LLAMA_ARG_NUMA")
    if numa in ("distribute", "isolate") and subject.cpus:
        yield Finding(
            subject="--numa",
            expected="numactl, or nothing: the unit sets the CPUs",
            found=f"{numa}: with several nodes it sets each thread's CPUs itself, and then all",
            fix="write --numa numactl, or leave it out",
        )
    elif numa is not None and numa not in _NUMA and "$" not in numa:
        yield Finding(
            subject="--numa",
            expected="distribute, isolate or numactl",
            found=f"{numa!r}: llama-server ends with an error",
            fix="write --numa numactl, or leave it out",
        )


def _weights(subject: Subject) -> Iterator[Finding]:
    own = subject.engine
    mode = own.option("--load-mode", "-lm") or own.environment.get("LLAMA_ARG_LOAD_MODE")
    is_read = own.has("--no-mmap", "-dio", "--direct-io") or mode in _READ
    is_read = is_read or own.environment.get("LLAMA_ARG_MMAP", "1") not in ("1", "true", "on")
    # Of the options with a --no- of their own it is the presence that counts.
    is_read = is_read or "LLAMA_ARG_NO_MMAP" in own.environment
    if subject.nodes and subject.has_several_nodes and not is_read:
        yield Finding(
            subject="weights",
            expected="read into the service's own memory: --no-mmap",
            found=f"mapped: they are page cache of {cpulist.format(subject.every_node)}, and lie "
            "where their first reader ever ran",
            fix="add --no-mmap",
        )


def _priority(subject: Subject) -> Iterator[Finding]:
    """--prio: from 1 on its threads ask for the real-time policy SCHED_FIFO (ggml-cpu.c)."""
    is_root = subject.text("User") in (None, "root", "0") and not subject.is_on("DynamicUser")
    may = subject.text("LimitRTPRIO") not in (None, "0") or "CAP_SYS_NICE" in (
        subject.text("AmbientCapabilities") or ""
    )
    for name in ("--prio", "--prio-batch"):
        number = subject.engine.option(name)
        if number not in ("1", "2", "3"):
            continue
        if subject.is_on("RestrictRealtime"):
            found, fix = "RestrictRealtime=yes forbids them", f"leave {name} out"
        elif not is_root and not may:
            found = "the unit's user may not have them"
            fix = f"leave {name} out, or write LimitRTPRIO=90"
        else:
            continue
        yield Finding(
            subject=name,
            expected="0, or a unit that lets its threads be real-time ones",
            found=f"{number}: {found}; llama-server warns in the log and goes on without",
            fix=fix,
        )
