"""All checks of a host, with what is wanted and what comes of it where it is not so."""

from collections.abc import Callable

from pytest_numa.audit import devices, kernel_state, memory, processor, record
from pytest_numa.audit.check import Check, Outcome, skipped
from pytest_numa.audit.machine import Machine


def _bandwidth(_: Machine) -> Outcome:
    """N19: not by us."""
    return skipped("to measure it loads the whole host: run STREAM or likwid-bench on each node")


_Row = tuple[str, str, str, str, Callable[[Machine], Outcome]]
_ROWS: tuple[_Row, ...] = (
    (
        "N1", "nodes", "nodes, CPUs and memory as recorded",
        "the policy's CPUs and nodes are no longer what they were", record.inventory,
    ),
    (
        "N2", "CPUs online", "all CPUs of the policy online",
        "threads lose a CPU, and systemd drops it without a word", processor.online,
    ),
    (
        "N3", "SMT siblings", "whole cores, or one CPU of each",
        "two threads share a core while another core has one", processor.siblings,
    ),
    (
        "N4", "governor", "performance",
        "the clock rises only after load has come: latency jitters", processor.governor,
    ),
    (
        "N5", "idle states", "none that takes long to wake from",
        "the first token waits for sleeping CPUs", processor.idle,
    ),
    (
        "N6", "transparent huge pages", "always or madvise, no compaction in page faults",
        "address translation costs more, or page faults stall", memory.huge_pages,
    ),
    (
        "N7", "NUMA balancing", "off",
        "threads stall for 16 to 31 ms while pages are made to fault", memory.balancing,
    ),
    (
        "N8", "zone reclaim", "off",
        "a node throws its page cache away before it uses another", memory.reclaim,
    ),
    ("N9", "swap", "none for the service", "a token waits for a disk", memory.swap),
    (
        "N10", "demotion", "off, or wanted",
        "cold pages go to slower memory, against the cpuset", memory.demotion,
    ),
    (
        "N11", "isolated CPUs", "none among the service's",
        "all threads pile up on one CPU", processor.isolation,
    ),
    (
        "N12", "housekeeping", "kept off the service's CPUs",
        "other work takes turns with the service", kernel_state.housekeeping,
    ),
    (
        "N13", "interrupts", "none on the service's CPUs",
        "threads are interrupted: jitter in every token", devices.interrupts,
    ),
    (
        "N14", "GPU locality", "the service at its GPU's node",
        "every transfer crosses the link between sockets", devices.accelerators,
    ),
    (
        "N15", "RDMA locality", "an adapter at each GPU's node",
        "collectives cross the link between sockets", devices.fabric,
    ),
    (
        "N16", "PCI Express links", "full width and speed",
        "transfers take a multiple of their time", devices.links,
    ),
    (
        "N17", "huge pages set aside", "on the service's nodes",
        "the service cannot map them under bind", memory.reserved,
    ),
    (
        "N18", "available memory", "what the service needs and a tenth, on its node",
        "bind kills the service when the node is full", memory.room,
    ),
    (
        "N19", "memory bandwidth", "alike on all nodes",
        "decoding is as fast as memory is", _bandwidth,
    ),
    (
        "N20", "memory by node", "alike on nodes with CPUs",
        "a node with fewer channels decodes slower", memory.symmetry,
    ),
    (
        "N21", "kernel health", "no kills, memory errors or heat since boot",
        "what is measured is a sick host", kernel_state.health,
    ),
    (
        "N22", "timing noise", "a cheap clock, no steal, no pressure",
        "figures are those of the neighbours", kernel_state.noise,
    ),
    (
        "N23", "limits", "enough maps and processes, memory not rationed",
        "the engine fails while it loads", kernel_state.limits,
    ),
    (
        "N24", "daemons", "none that moves, merges or kills",
        "the placement is undone behind systemd's back", kernel_state.daemons,
    ),
    (
        "N25", "kernel and microcode", "as recorded",
        "a change of speed that nobody can explain", record.software,
    ),
    (
        "N26", "cgroups", "version 2 with cpuset and memory",
        "AllowedCPUs= and AllowedMemoryNodes= are ignored without a word", kernel_state.cgroups,
    ),
)  # fmt: skip
CHECKS = tuple(
    Check(id=number, name=name, wanted=wanted, risk=risk, look=look)
    for number, name, wanted, risk, look in _ROWS
)
