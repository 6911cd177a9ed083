"""Whether there are as many threads as CPUs, and whether OpenMP leaves them where they are."""

from collections.abc import Iterator

from pytest_numa import formatting
from pytest_numa.kernel import cpulist
from pytest_numa.lint.engine import lists
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_SHRINKING = ("OMP_PROC_BIND", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
_GIB = 1024**3


def check(subject: Subject) -> Iterator[Finding]:
    """Counts first, then OpenMP's own binding."""
    yield from _counts(subject)
    yield from _unsaid(subject)
    yield from _openmp(subject)
    yield from _cache(subject)


def _counts(subject: Subject) -> Iterator[Finding]:
    own, n_cpus = subject.engine, len(subject.cpus or ())
    given = {"OMP_NUM_THREADS": own.number(variable="OMP_NUM_THREADS")}
    if own.name == "llama.cpp":
        given["--threads"] = own.number("-t", "--threads", variable="LLAMA_ARG_THREADS")
        given["--threads-batch"] = own.number("-tb", "--threads-batch")
    for name, count in given.items():
        if n_cpus and count is not None and count > n_cpus:
            yield Finding(
                subject=name,
                expected=f"at most {n_cpus}, the number of the unit's CPUs",
                found=f"{count}: each barrier waits for threads that have no CPU",
                fix=f"write {n_cpus}, or less",
            )


def _unsaid(subject: Subject) -> Iterator[Finding]:
    """llama.cpp counts the cores of the whole host, whatever its own affinity is."""
    own = subject.engine
    if own.name != "llama.cpp" or own.is_embedded or not subject.cpus:
        return
    cores = len({one.siblings for one in subject.topology.cpus if one.is_online})
    is_said = own.has("-t", "--threads") or "LLAMA_ARG_THREADS" in own.environment
    if not is_said and cores > len(subject.cpus):
        yield Finding(
            subject="--threads",
            expected=f"given: the unit has {len(subject.cpus)} CPUs",
            found=f"not given: llama.cpp starts one for each of the host's {cores} cores",
            fix=f"add --threads {len(subject.cpus)}",
        )


def _openmp(subject: Subject) -> Iterator[Finding]:
    given = {name: subject.environment.get(name) for name in _SHRINKING}
    for name, value in given.items():
        is_off = value is None or value.lower() in ("false", "none", "disabled", "")
        if not is_off and subject.engine.is_torch:
            yield Finding(
                subject=name,
                expected="not set: the unit binds",
                found=f"{value!r}: PyTorch leaves the process with one CPU, and all that it starts",
                fix=f"leave {name} out",
            )
        elif name == "GOMP_CPU_AFFINITY" and value and subject.cpus:
            cpus = lists(value.replace(" ", ","))
            if cpus and cpus - subject.cpus:
                yield Finding(
                    subject=name,
                    expected=f"CPUs of {cpulist.format(subject.cpus)}, which the unit has",
                    found=f"{value!r}: threads leave the unit's CPUs",
                    fix=f"leave {name} out",
                )


def _cache(subject: Subject) -> Iterator[Finding]:
    space = subject.engine.number(variable="VLLM_CPU_KVCACHE_SPACE")
    nodes = [one for one in subject.topology.nodes if one.id in (subject.nodes or ())]
    total = sum(one.memory_bytes for one in nodes)
    if space and total and space * _GIB > total:
        yield Finding(
            subject="VLLM_CPU_KVCACHE_SPACE",
            expected=f"less than the {formatting.bytes_iec(total)} of the unit's nodes",
            found=f"{space} GiB: the service is killed when the node is full",
            fix="write a smaller number of GiB",
        )
