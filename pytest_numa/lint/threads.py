"""Whether there are as many threads as CPUs, and a cache that the nodes hold."""

from collections.abc import Iterator

from pytest_numa import formatting
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

_GIB = 1024**3


def check(subject: Subject) -> Iterator[Finding]:
    """Threads first."""
    yield from _counts(subject)
    yield from _unsaid(subject)
    yield from _cache(subject)


def _counts(subject: Subject) -> Iterator[Finding]:
    own, n_cpus = subject.engine, len(subject.cpus or ())
    given = {"OMP_NUM_THREADS": own.number(variable="OMP_NUM_THREADS")}
    if own.name == "llama.cpp":
        given["--threads"] = own.number("-t", "--threads", variable="LLAMA_ARG_THREADS")
        given["--threads-batch"] = own.number("-tb", "--threads-batch")
    text = own.environment.get("OMP_NUM_THREADS", "")
    if text and not given["OMP_NUM_THREADS"] and not set(text) & set("$%"):
        yield Finding(
            subject="OMP_NUM_THREADS",
            expected="a number of threads",
            found=f"{text!r}: OpenMP leaves it aside, and takes as many as there are CPUs",
            fix=f"write {n_cpus}" if n_cpus else "write the number of the unit's CPUs",
        )
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


def _cache(subject: Subject) -> Iterator[Finding]:
    """VLLM's memory for the KV cache on CPUs, which each rank takes."""
    name, own = "VLLM_CPU_KVCACHE_SPACE", subject.engine
    text, space = own.environment.get(name), own.number(variable=name)
    if text and space is None and not set(text) & set("$%"):
        yield Finding(
            subject=name,
            expected="a whole number of GiB",
            found=f"{text!r}: vLLM ends with an error",
            fix=f"write Environment={name}=40",
        )
    ranks = own.number("--tensor-parallel-size", "-tp") or 1
    total = sum(one.memory_bytes for one in subject.topology.nodes if one.id in _nodes(subject))
    if space and total and space * ranks * _GIB > total:
        yield Finding(
            subject=name,
            expected=f"less than the {formatting.bytes_iec(total)} of the unit's nodes",
            found=f"{space} GiB{f' for each of {ranks} ranks' if ranks > 1 else ''}: the service "
            "is killed when the node is full",
            fix="write a smaller number of GiB",
        )


def _nodes(subject: Subject) -> frozenset[int]:
    return subject.nodes or frozenset()
