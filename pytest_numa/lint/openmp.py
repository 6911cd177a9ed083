"""What OpenMP is told of CPUs: by libgomp (GOMP_), LLVM and Intel (KMP_), or both (OMP_).

Sources: the OpenMP specification on OMP_PROC_BIND and OMP_PLACES, libgomp's manual ("Environment
Variables"), Intel's description of KMP_AFFINITY.
"""

import re
from collections.abc import Iterator

from pytest_numa.kernel import cpulist
from pytest_numa.lint import ranges
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject

# Each binds the first thread to one place, and what it starts inherits that.
_BINDING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
_OFF = ("false", "none", "disabled", "")


def check(subject: Subject) -> Iterator[Finding]:
    """Binding where there should be none, and CPUs that the unit does not have."""
    # Who says that it is off has turned off the others, too.
    is_off = (subject.environment.get("OMP_PROC_BIND") or "").lower() == "false"
    for name in () if is_off else _BINDING:
        value = subject.environment.get(name)
        if value is None or _is_off(name, value):
            continue
        if subject.engine.is_torch:
            yield Finding(
                subject=name,
                expected="not set: the unit binds",
                found=f"{value!r}: PyTorch leaves the process with one CPU, and all that it starts",
                fix=f"leave {name} out",
            )
        else:
            yield from escape(subject, name, _cpus(name, value), value, fix=f"leave {name} out")


def _is_off(name: str, value: str) -> bool:
    words = re.split(r"[,\s]+", value.lower().strip())
    return words[0] in _OFF or (name == "KMP_AFFINITY" and bool({"none", "disabled"} & {*words}))


def _cpus(name: str, value: str) -> frozenset[int] | None:
    if name == "GOMP_CPU_AFFINITY":
        return ranges.plain(",".join(value.replace(",", " ").split()))
    if name == "OMP_PLACES":
        return ranges.places(value)
    listed = re.search(r"proclist=\[([^\]]*)\]", value)
    return ranges.plain(re.sub(r"[{}\s]", "", listed[1])) if listed else None


def escape(
    subject: Subject, where: str, cpus: frozenset[int] | None, text: str, *, fix: str
) -> Iterator[Finding]:
    """CPUs that the server gives to its threads and that the unit does not give to the server."""
    if not cpus or subject.cpus is None or cpus <= subject.cpus:
        return
    is_held = subject.cpuset_cpus is not None
    yield Finding(
        subject=where,
        expected=f"CPUs of {cpulist.format(subject.cpus)}, which the unit has",
        found=f"{text!r}: "
        + ("the cpuset does not allow them" if is_held else "its threads leave the unit's CPUs"),
        fix=fix,
    )
