"""Options and variables of inference servers that undo what the unit sets.

Sources: each server's own documentation and issues, and what was seen of their threads.
"""

import difflib
from collections.abc import Callable, Iterator

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist
from pytest_numa.lint import engine as engines
from pytest_numa.lint import llamacpp
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.openmp import escape
from pytest_numa.lint.subject import Subject

_VARIABLES = (
    *("VLLM_CPU_OMP_THREADS_BIND", "VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_NUM_OF_RESERVED_CPU"),
    *("SGLANG_CPU_OMP_THREADS_BIND", "SGLANG_AUTO_NUMA_BIND", "SGLANG_NUMA_BIND_V2"),
    *("TLLM_NUMA_AWARE_WORKER_AFFINITY", "TLLM_NUMA_BIND", "OMPI_MCA_hwloc_base_binding_policy"),
    *("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY"),
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"),
)
# Those of each that place it; one that is nearly one of them is misspelt.
_OPTIONS = {
    "vllm": ("--numa-bind", "--numa-bind-nodes", "--numa-bind-cpus", "--tensor-parallel-size"),
    "sglang": ("--numa-node", "--tensor-parallel-size"),
    "triton": ("--host-policy", "--http-address", "--grpc-address", "--metrics-address"),
    "llama.cpp": llamacpp.OPTIONS,
}
_RANKS = ("--tensor-parallel-size", "-tp")
_KNOWN = ("--numa-nodes", "--no-numa-bind", *llamacpp.OTHERS)


def check(subject: Subject) -> Iterator[Finding]:
    """What the server is told to do about CPUs and memory itself."""
    yield from _typing_mistakes(subject)
    option = subject.engine.option("--model", "--model-path", "--model-repository")
    if subject.engine.name and option == "":
        yield Finding(
            subject="the model",
            expected="a folder, a file or a name",
            found="an empty word: the server ends with an error",
            fix="name it (--set model= of a template)",
        )
    own = _BY_NAME.get(subject.engine.name or "")
    if own is not None:
        yield from own(subject)


def _typing_mistakes(subject: Subject) -> Iterator[Finding]:
    for name in subject.environment:
        near = difflib.get_close_matches(name, _VARIABLES, n=1, cutoff=0.93)
        if near and name not in _VARIABLES:
            yield Finding(
                subject=f"Environment={name}",
                expected=near[0],
                found=f"{name}, which nothing reads",
                fix=f"write {near[0]}={subject.environment[name]}",
            )
    options = _OPTIONS.get(subject.engine.name or "", ())
    for word in () if subject.engine.is_embedded else subject.argv:
        name = word.partition("=")[0].replace("_", "-")
        near = difflib.get_close_matches(name, options, n=1, cutoff=0.9)
        if near and name not in (*options, *_KNOWN):
            yield Finding(
                subject=f"the option {name}",
                expected=near[0],
                found=f"{name}, which {subject.engine.name} does not have",
                fix=f"write {near[0]}",
            )


def _vllm(subject: Subject) -> Iterator[Finding]:
    own = subject.engine
    yield from _vllm_threads(subject)
    if own.has("--numa-bind") and not own.has("--numa-bind-nodes") and subject.cpus:
        yield Finding(
            subject="--numa-bind",
            expected="--numa-bind-nodes beside it: the unit sets the CPUs already",
            found="none: vLLM does not look for the GPUs' nodes then, and ends with an error",
            fix=f"add --numa-bind-nodes {cpulist.format(subject.nodes or ()) or 'N'} for each GPU, "
            "or leave --numa-bind out",
        )
    yield from _outside_nodes(
        subject, "--numa-bind-nodes", _following(subject, "--numa-bind-nodes")
    )
    cpus = _following(subject, "--numa-bind-cpus")
    yield from escape(
        subject,
        "--numa-bind-cpus",
        cpus,
        cpulist.format(cpus or ()),
        fix="name CPUs that the unit has",
    )


def _vllm_threads(subject: Subject) -> Iterator[Finding]:
    """Its own binding on CPUs."""
    name = "VLLM_CPU_OMP_THREADS_BIND"
    bind = subject.environment.get(name)
    if bind == "auto":
        yield Finding(
            subject=name,
            expected="nobind: the unit binds",
            found="auto: vLLM binds each thread to a CPU of its own choice, and leaves some idle",
            fix=f"write Environment={name}=nobind and OMP_NUM_THREADS=",
        )
    # `all` is what releases up to 0.10 called it.
    elif bind not in (None, "nobind", "all"):
        cpus = engines.lists(str(bind))
        fix = "write nobind, and OMP_NUM_THREADS= with the number of threads"
        if cpus is None and "$" not in str(bind):
            yield Finding(
                subject=name,
                expected="nobind, auto, or a list for each rank, such as 0-31|32-63",
                found=f"{bind!r}: vLLM ends with an error",
                fix=fix,
            )
        ranks, lists = subject.engine.number(*_RANKS) or 1, str(bind).count("|") + 1
        if cpus and ranks > lists:
            yield Finding(
                subject=name,
                expected=f"{ranks} lists with | between, one for each rank",
                found=f"{bind!r}: vLLM ends with an error",
                fix=fix,
            )
        yield from escape(subject, name, cpus, str(bind), fix=fix)


def _sglang(subject: Subject) -> Iterator[Finding]:
    bind = subject.environment.get("SGLANG_CPU_OMP_THREADS_BIND")
    if bind is not None:
        cpus = engines.lists(bind)
        fix = "name CPUs that the unit has, or leave it out"
        yield from escape(subject, "SGLANG_CPU_OMP_THREADS_BIND", cpus, bind, fix=fix)
    yield from _outside_nodes(subject, "--numa-node", _following(subject, "--numa-node"))


def _tensorrt(subject: Subject) -> Iterator[Finding]:
    name = "TLLM_NUMA_AWARE_WORKER_AFFINITY"
    value = subject.environment.get(name)
    if value is None and subject.affinity and subject.cpuset_cpus is None:
        yield Finding(
            subject=name,
            expected="0: the unit sets the CPUs",
            found="not set: TensorRT-LLM undoes an affinity that it finds",
            fix=f"write Environment={name}=0",
        )
    elif value == "1" and subject.cpus:
        yield Finding(
            subject=name,
            expected="0: the unit sets the CPUs",
            found="1: TensorRT-LLM takes all CPUs of the GPU's node",
            fix=f"write Environment={name}=0",
        )
    policy = subject.environment.get("OMPI_MCA_hwloc_base_binding_policy")
    starters = [word for word in subject.argv if word.rpartition("/")[2] in ("mpirun", "mpiexec")]
    if starters and policy != "none" and subject.engine.option("--bind-to", "-bind-to") != "none":
        yield Finding(
            subject="mpirun",
            expected="--bind-to none: the unit binds",
            found="its own binding, of each rank to a core or a socket",
            fix="write Environment=OMPI_MCA_hwloc_base_binding_policy=none",
        )


def _triton(subject: Subject) -> Iterator[Finding]:
    for position, word in enumerate(subject.argv):
        following = subject.argv[position + 1] if position + 1 < len(subject.argv) else ""
        text = word.partition("=")[2] if "=" in word else following
        if not word.startswith("--host-policy"):
            continue
        policy, _, rest = text.partition(",")
        setting, _, value = rest.partition("=")
        if setting == "numa-node":
            where = f"--host-policy={policy},numa-node="
            yield from _outside_nodes(subject, where, _list(value), sign="")
        elif setting == "cpu-cores":
            fix = "name CPUs that the unit has"
            yield from escape(subject, "--host-policy", _list(value), value, fix=fix)
        else:
            yield Finding(
                subject="--host-policy",
                expected=f"{policy},numa-node=N or {policy},cpu-cores=LIST",
                found=f"{text!r}: Triton has no setting {setting!r}",
                fix=f"write --host-policy={policy},numa-node=N",
            )


def _outside_nodes(
    subject: Subject, where: str, nodes: frozenset[int] | None, *, sign: str = " "
) -> Iterator[Finding]:
    if nodes and subject.nodes and nodes - subject.nodes:
        yield Finding(
            subject=where.partition("=")[0],
            expected=f"nodes of {cpulist.format(subject.nodes)}, which the unit has",
            found=f"{cpulist.format(nodes)}: the server sets another policy for its workers",
            fix=f"write {where}{sign}{cpulist.format(subject.nodes)}, or leave it out",
        )


def _following(subject: Subject, option: str) -> frozenset[int] | None:
    """All lists that follow an option, up to the next one."""
    found: frozenset[int] | None = None
    is_own = False
    for word in subject.argv:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            is_own = name.replace("_", "-") == option
            word = value if equals else ""  # noqa: PLW2901 - what follows the sign
        more = _list(word) if is_own and word else None
        found = (found or frozenset()) | more if more else found
    return found


def _list(text: str) -> frozenset[int] | None:
    try:
        return cpulist.parse(text, source="an option") or None
    except ParseError:
        return None


_BY_NAME: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "vllm": _vllm,
    "sglang": _sglang,
    "llama.cpp": llamacpp.check,
    "tensorrt-llm": _tensorrt,
    "triton": _triton,
}
