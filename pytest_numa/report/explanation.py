"""Why a NUMA policy belongs in the service, and how to keep it the same over a fleet, in words."""

_TEXT = """\
## Encoding NUMA policy in services

The policy of this session, as a unit or a drop-in says it:

```ini
[Service]
Type=exec
AllowedCPUs={cpu_list}
AllowedMemoryNodes={node_list}
CPUAffinity={cpu_list}
NUMAPolicy=bind
NUMAMask={node_list}
```

Why this is sturdier than `numactl` or `taskset` typed by hand:

- **It lasts.** systemd applies it at every start: after a reboot, a restart, an upgrade. A command
  typed by hand holds for the one process that it started.
- **It comes first.** cpuset, CPU mask and memory policy are set before the program is executed, and
  all that it forks inherits them. Memory allocated before a policy was set does not move because of
  it. (What a container engine or a cluster scheduler starts elsewhere inherits nothing.)
- **The cpuset cannot be escaped.** A thread may widen the mask that `taskset`, `numactl` or
  `CPUAffinity=` gave it; a CPU outside `AllowedCPUs=` is refused by the kernel (EINVAL). The
  cpuset is also restored when a CPU was offline for a while; a mask is not.
- **It fails closed, where both forms are given.** An impossible `CPUAffinity=` or `NUMAMask=` stops
  the start (exit status 215 or 242). An impossible `AllowedCPUs=` or `AllowedMemoryNodes=` is
  ignored with a line in the journal, and the service starts *unbound*. With a `numactl` in
  `ExecStart=` that refuses its arguments, `systemctl start` still reports success.
- **It can be reviewed.** The lines stand in a file under version control, and `systemctl show`
  prints them. That is what was asked for; what is, only the kernel knows. Therefore this report
  looks at threads and pages.

How to keep it the same over a fleet:

1. Keep one unit template in git, and render it on each host from the topology of that host.
2. For one service per node, give each instance its own drop-in (`NAME@N.service.d/numa.conf`) with
   literal lists: systemd does not expand `%i` in `NUMAMask=`.
3. Use the system manager and cgroup v2. A user manager usually has no cpuset controller, and then
   ignores `AllowedCPUs=` and `AllowedMemoryNodes=` while it still shows them.
4. Run the acceptance in CI when a host is set up, and again after a reboot and after an upgrade of
   kernel, systemd or engine: `pytest --numa-node {node_list} --cpus {cpu_list}`.
5. Record one pinned baseline per class of host (`pytest --numa-record`); compare within the class.
6. Change the policy in the template, then restart the service: pages do not reliably follow a live
   `systemctl set-property`.
"""


def explanation(cpu_list: str, node_list: str) -> str:
    """Write the section; the lists are kernel lists as a unit takes them, `0-15` and `0`."""
    return _TEXT.format(cpu_list=cpu_list, node_list=node_list)
