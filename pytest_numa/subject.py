"""What two sessions must have in common to be compared."""

from pytest_numa import baseline, host, policy
from pytest_numa.load.workload import Workload
from pytest_numa.services.unit import Command


def of(
    identity: host.HostIdentity,
    wanted: policy.Policy,
    workload: Workload,
    command: Command,
    *,
    port: str,
) -> baseline.Subject:
    """Class of host, workload, server with its model, and policy; the port says nothing."""
    return baseline.Subject(
        facts={
            "host class": identity.host_class,
            "workload": f"{workload.api}, {workload.offered}",
            "server and model": _without_paths(command, port),
            "policy": f"CPUs {wanted.cpu_list}, memory of node {wanted.node_list}",
        }
    )


def _without_paths(command: Command, port: str) -> str:
    """The command with file names for paths: the same server elsewhere is the same server."""
    words = (word.rpartition("/")[2] or word for word in command.argv if word != port)
    return " ".join(words)
