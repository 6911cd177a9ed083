"""A host of two nodes with SMT, and units for it, right until a case makes them wrong."""

from pytest_numa.host import Cpu, Device, Node, Topology
from pytest_numa.lint import checks
from pytest_numa.lint.around import Surroundings
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject
from pytest_numa.policy import Policy
from pytest_numa.services.unit import Unit

GIB = 2**30
NAME = "inference-x.service"
VLLM = "/opt/vllm/bin/vllm serve /srv/m --host 127.0.0.1"
SGLANG = "/opt/sglang/bin/python -m sglang.launch_server --model-path /srv/m"
LLAMA = "/usr/bin/llama-server --model /srv/m.gguf --threads 4 --no-mmap"
TRTLLM = "/opt/trt/bin/trtllm-serve /srv/m"
TRITON = "/opt/tritonserver/bin/tritonserver --http-address 127.0.0.1 --grpc-address 127.0.0.1"
GENERIC = "/opt/server --port 8000"


def _node(number: int, cpus: frozenset[int], *, offline: frozenset[int] = frozenset()) -> Node:
    return Node(
        id=number,
        cpus=cpus,
        cpus_offline=offline,
        memory_bytes=64 * GIB,
        memory_free_bytes=40 * GIB,
        memory_available_bytes=48 * GIB,
        distances={},
    )


def _gpu(address: str, node: int | None) -> Device:
    return Device(address=address, kind="GPU", node=node, is_accelerator=True)


def host(gpus: tuple[int | None, ...] = ()) -> Topology:
    """Nodes 0 (CPUs 0-3) and 1 (4-7, 8 and 9 offline), and 2 of memory alone; cores are pairs."""
    return Topology(
        nodes=(
            _node(0, frozenset(range(4))),
            _node(1, frozenset(range(4, 8)), offline=frozenset({8, 9})),
            _node(2, frozenset()),
        ),
        cpus=tuple(
            Cpu(
                id=number,
                is_online=number < 8,
                core_id=number // 2,
                socket_id=int(number > 3),
                siblings=frozenset({number // 2 * 2, number // 2 * 2 + 1}),
            )
            for number in range(10)
        ),
        devices=tuple(_gpu(f"0000:{n:02}:00.0", node) for n, node in enumerate(gpus)),
        is_numa=True,
    )


def text(*changed: str, command: str = GENERIC, without: tuple[str, ...] = ()) -> str:
    """A right unit for node 0, with lines added, or in the place of those of the same key."""
    lines = {
        "Type": "exec",
        "AllowedCPUs": "0-3",
        "AllowedMemoryNodes": "0",
        "CPUAffinity": "0-3",
        "NUMAPolicy": "bind",
        "NUMAMask": "0",
        "ExecStart": command,
    }
    for line in changed:
        key = line.partition("=")[0]
        lines.pop(key, None)
    kept = [f"{key}={value}" for key, value in lines.items() if key not in without]
    return "\n".join(["[Service]", *kept, *changed, ""])


def findings(
    unit_text: str,
    *,
    name: str = NAME,
    gpus: tuple[int | None, ...] = (),
    manager: str = "system",
    policy: Policy | None = None,
    needs_bytes: int | None = None,
    siblings: str | None = None,
    is_exposed: bool = False,
    around: Surroundings | None = None,
) -> list[Finding]:
    """All that the checks find of it."""
    return checks.run(
        Subject(
            unit=Unit(name=name, text=unit_text),
            topology=host(gpus),
            manager=manager,
            policy=policy,
            needs_bytes=needs_bytes,
            siblings=siblings,
            is_exposed=is_exposed,
            around=around or Surroundings(),
        )
    )
