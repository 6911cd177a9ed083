"""Where the load generator runs: as far from the service as the host allows."""

import os
from concurrent.futures import ThreadPoolExecutor

from pytest_numa.host import Topology
from pytest_numa.policy import Policy


def choose(
    topology: Topology, policy: Policy, *, own: frozenset[int], in_reach: frozenset[int]
) -> frozenset[int] | None:
    """CPUs off the policy's; None where no CPU is left over.

    ``own`` is where the user has put us, and where we stay if we can; ``in_reach`` is what we could
    have. Of what is left over best are CPUs of a node that the service has neither CPUs nor memory
    of; then those that share no core with the service's.
    """
    left = (own - policy.cpus) or (in_reach - policy.cpus)
    nodes = topology.nodes_of(policy.cpus) | policy.memory_nodes
    near: frozenset[int] = frozenset().union(
        *(node.cpus for node in topology.nodes if node.id in nodes)
    )
    shared: frozenset[int] = frozenset().union(
        *(cpu.siblings for cpu in topology.cpus if cpu.id in policy.cpus)
    )
    return (left - near) or (left - shared) or left or None


def cpus_in_reach(topology: Topology) -> frozenset[int]:
    """The CPUs that a cpuset lets us use, also where our own mask is narrower (taskset)."""

    def widen() -> frozenset[int]:
        # A mask is a thread's own: this one ends with the question. What is outside the cpuset
        # the kernel leaves out (sched_setaffinity(2)).
        os.sched_setaffinity(0, topology.cpus_online)
        return frozenset(os.sched_getaffinity(0))

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(widen).result()
