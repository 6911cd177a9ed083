"""CPUs, nodes and GPUs that a unit cannot have, or that do not go together."""

import pytest
from lint_sample import GIB, LLAMA, VLLM, findings, text

from pytest_numa.lint.around import Surroundings
from pytest_numa.policy import Policy

NODE_0 = Policy(cpus=frozenset(range(4)), memory_nodes=frozenset({0}))
NODE_1 = Policy(cpus=frozenset(range(4, 8)), memory_nodes=frozenset({1}))
ORDERED = "Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES="


@pytest.mark.parametrize(
    "unit_text",
    [
        text(),
        text("CPUAffinity=0,1 2 3"),
        text("CPUAffinity=0-1", "CPUAffinity=2-3"),
        text("CPUAffinity=7", "CPUAffinity=", "CPUAffinity=0-3"),
        text("CPUAffinity=numa"),
        text(without=("AllowedCPUs", "AllowedMemoryNodes")),
        text(without=("CPUAffinity", "NUMAPolicy", "NUMAMask")),
        text("AllowedCPUs=0,2", "CPUAffinity=0,2"),
        text("AllowedCPUs=2-3", "CPUAffinity=2-3"),
        text(
            "AllowedCPUs=0-7", "CPUAffinity=0-7", "NUMAMask=0-1", "AllowedMemoryNodes=0-1",
        ),
        text("NUMAPolicy=interleave"),
        text("NUMAMask=0-2", "AllowedMemoryNodes=0-2"),
        text("NUMAMask=all", "AllowedMemoryNodes=0-2"),
    ],
)  # fmt: skip
def test_a_right_placement_has_no_finding(unit_text: str) -> None:
    assert findings(unit_text) == []


@pytest.mark.parametrize(
    ("unit_text", "subject", "found"),
    [
        (text("CPUAffinity=0-99"), "CPUAffinity=", "10-99, which do not exist: they are left out"),
        (text("CPUAffinity=99"), "CPUAffinity=", "99, which do not exist: the start fails (215"),
        (text("AllowedCPUs=99"), "AllowedCPUs=", "99, which do not exist: the kernel refuses"),
        (text("StartupAllowedCPUs=99"), "StartupAllowedCPUs=", "99, which do not exist"),
        (text("CPUAffinity=8"), "CPUAffinity=", "8, offline: the start fails (215"),
        (text("AllowedCPUs=0-3,9"), "AllowedCPUs=", "9, offline"),
        (text("CPUAffinity=0-3-5"), "CPUAffinity=", "'0-3-5': systemd drops the line"),
        (text("CPUAffinity=3-0"), "CPUAffinity=", "'3-0': systemd drops the line"),
        (text("AllowedCPUs=a-b"), "AllowedCPUs=", "'a-b': systemd drops the line"),
        (text("NUMAMask=5"), "NUMAMask=", "5, which do not exist: the start fails (242"),
        (text("AllowedMemoryNodes=5"), "AllowedMemoryNodes=", "5, which do not exist: the kernel"),
        (text("NUMAMask=0,5"), "NUMAMask=", "5, which do not exist: they are left out"),
        (text("CPUAffinity=numa", "NUMAMask=0,5"), "NUMAMask=", "answers nothing about the unit"),
        (text("NUMAMask=zz"), "NUMAMask=", "'zz': systemd drops the line"),
        (text("NUMAMask=%i"), "NUMAMask=", "'%i': systemd expands no specifier here"),
        (text("AllowedMemoryNodes=0;1"), "AllowedMemoryNodes=", "'0;1': systemd drops the line"),
        (text("NUMAMask=1", "AllowedMemoryNodes=1"), "CPUs and memory", "CPUs 0-3 of node 0"),
        (
            text("CPUAffinity=2-5", "AllowedCPUs=2-5"),
            "CPUs and memory",
            "CPUs 4-5 of node 1",
        ),
        (
            text("CPUAffinity=0-2", "AllowedCPUs=0-2"),
            "cores",
            "the whole of core 0-1 and a part of core 2-3",
        ),
        (
            text(without=("CPUAffinity", "AllowedCPUs")),
            "CPUs",
            "nothing that sets them: threads run on every CPU",
        ),
        (
            text(without=("NUMAPolicy", "NUMAMask", "AllowedMemoryNodes")),
            "memory",
            "nothing that binds it",
        ),
        (text("CPUAffinity=numa", without=("NUMAMask",)), "CPUAffinity=numa", "none: the start"),
        (text("CPUAffinity=numa", "NUMAMask=2"), "CPUAffinity=numa", "2: the start fails (215"),
    ],
)
def test_an_impossible_placement_is_found(unit_text: str, subject: str, found: str) -> None:
    told = findings(unit_text)

    assert [one for one in told if one.subject == subject and found in one.found and one.fix]


@pytest.mark.parametrize(
    ("asked", "subject", "found"),
    [(NODE_1, "CPUs", "0-3"), (NODE_1, "memory", "node 0")],
)
def test_a_unit_that_is_not_what_was_asked_for_is_found(
    asked: Policy, subject: str, found: str
) -> None:
    told = findings(text(), policy=asked)

    assert (subject, found) in [(one.subject, one.found) for one in told]


def test_a_unit_that_is_what_was_asked_for_has_no_finding() -> None:
    assert findings(text(), policy=NODE_0) == []


@pytest.mark.parametrize(
    ("cpus", "declared", "found"),
    [
        ("0,2", "all", "a part of core 0-1 and 2-3"),
        ("0-3", "one", "several of core 0-1 and 2-3"),
    ],
)
def test_cores_are_held_against_what_was_declared(cpus: str, declared: str, found: str) -> None:
    unit_text = text(f"CPUAffinity={cpus}", f"AllowedCPUs={cpus}")

    told = findings(unit_text, siblings=declared)

    assert [(one.subject, one.found) for one in told] == [("cores", found)]


@pytest.mark.parametrize(("cpus", "declared"), [("0-3", "all"), ("0,2", "one")])
def test_cores_as_declared_have_no_finding(cpus: str, declared: str) -> None:
    unit_text = text(f"CPUAffinity={cpus}", f"AllowedCPUs={cpus}")

    assert findings(unit_text, siblings=declared) == []


@pytest.mark.parametrize(
    ("unit_text", "gpus", "found"),
    [
        (text(command=VLLM), (1,), "on node 1: all that it is sent crosses the sockets"),
        (text(f"{ORDERED}1", command=VLLM), (0, 1), "on node 1"),
        (text(f"{ORDERED}0,1", command=VLLM), (0, 1), "on node 1"),
        (text(command=f"{LLAMA} -ngl 99"), (1,), "on node 1"),
    ],
)
def test_a_gpu_on_another_node_is_found(
    unit_text: str, gpus: tuple[int | None, ...], found: str
) -> None:
    told = findings(unit_text, gpus=gpus)

    assert [one for one in told if one.subject.startswith("GPU 0000:") and found in one.found]


@pytest.mark.parametrize(
    ("unit_text", "gpus"),
    [
        (text(command=VLLM), (0, 0)),
        (text(f"{ORDERED}0", command=VLLM), (0, 1)),
        (text("Environment=CUDA_VISIBLE_DEVICES=", command=VLLM), (1,)),
        (text("Environment=VLLM_CPU_KVCACHE_SPACE=8", command=VLLM), (1,)),
        (text(command=LLAMA), (1,)),
        (text(), (1,)),
    ],
)
def test_gpus_on_the_node_or_out_of_use_have_no_finding(
    unit_text: str, gpus: tuple[int | None, ...]
) -> None:
    assert findings(unit_text, gpus=gpus) == []


@pytest.mark.parametrize("gpus", [(None,), (0, 1)])
def test_a_gpu_whose_node_cannot_be_told_is_unknown(gpus: tuple[int | None, ...]) -> None:
    told = findings(text(command=VLLM), gpus=gpus)

    assert [one.is_unknown for one in told] == [True]


def test_a_node_that_is_too_small_is_found() -> None:
    told = findings(text(), needs_bytes=50 * GIB)

    assert [(one.subject, one.found) for one in told] == [
        ("memory of node 0", "48.0 GiB: the service is killed when it is full")
    ]


def test_a_node_that_is_large_enough_has_no_finding() -> None:
    assert findings(text(), needs_bytes=40 * GIB) == []


def test_cpusets_that_have_no_effect_set_nothing() -> None:
    unit_text = text(without=("CPUAffinity", "NUMAPolicy", "NUMAMask"))

    told = findings(unit_text, manager="user")

    assert [one.subject for one in told] == ["CPUs", "memory"]
    assert "AllowedCPUs= and AllowedMemoryNodes= have no effect" in told[0].found


def test_cpusets_without_effect_beside_what_has_one_are_no_finding() -> None:
    assert findings(text(), around=Surroundings(has_cpuset=False)) == []


def test_a_slice_that_is_smaller_than_its_unit_is_found() -> None:
    around = Surroundings(slice_cpus=frozenset({0, 1}), slice_nodes=frozenset({0}))

    told = findings(text("Slice=a.slice"), around=around)

    assert [(one.subject, one.found) for one in told] == [
        ("a.slice", "AllowedCPUs=0-1: a unit never gets more than its slice")
    ]


def test_the_instance_stands_for_its_specifier() -> None:
    unit_text = text("AllowedMemoryNodes=%i", "NUMAMask=0")

    assert findings(unit_text, name="inference-x@0.service") == []


def test_gpus_by_name_are_not_said_to_be_ordered_by_speed() -> None:
    unit_text = text("Environment=CUDA_VISIBLE_DEVICES=GPU-1", command=VLLM)

    (told,) = findings(unit_text, gpus=(0, 1))

    assert told.is_unknown
    assert told.found.endswith("GPU-1: only the driver knows where")
    assert "CUDA_DEVICE_ORDER" not in told.fix
