"""Which files a capture holds: what this package reads, and what an audit of the host asks for.

Never ``environ`` (secrets), ``mem`` and the like, or serial numbers (DMI). Patterns are those of
pathlib's glob below the root.
"""

_CPU = "sys/devices/system/cpu"
_NODE = "sys/devices/system/node"
_PCI = "sys/bus/pci/devices/*"
_KERNEL = "proc/sys/kernel"

MACHINE = (
    # CPUs: which there are, how they share cores and caches, how fast and how asleep they are.
    *(f"{_CPU}/{name}" for name in ("online", "offline", "present", "possible", "isolated")),
    *(f"{_CPU}/{name}" for name in ("nohz_full", "smt/active", "smt/control")),
    f"{_CPU}/cpu[0-9]*/online",
    f"{_CPU}/cpu[0-9]*/topology/*",
    f"{_CPU}/cpu[0-9]*/cache/index*/*",
    f"{_CPU}/cpu[0-9]*/cpufreq/*",
    f"{_CPU}/cpu[0-9]*/cpuidle/state*/*",
    f"{_CPU}/cpu[0-9]*/thermal_throttle/*",
    f"{_CPU}/cpuidle/*",
    f"{_CPU}/cpufreq/*",
    f"{_CPU}/cpufreq/policy*/*",
    f"{_CPU}/intel_pstate/*",
    f"{_CPU}/amd_pstate/*",
    f"{_CPU}/vulnerabilities/*",
    # Nodes: CPUs, memory, distances, pools of huge pages, counters.
    f"{_NODE}/*",
    f"{_NODE}/node[0-9]*/*",
    f"{_NODE}/node[0-9]*/hugepages/*/*",
    # Memory of the host.
    "sys/kernel/mm/transparent_hugepage/*",
    "sys/kernel/mm/transparent_hugepage/khugepaged/*",
    "sys/kernel/mm/hugepages/*/*",
    "sys/kernel/mm/ksm/*",
    "sys/kernel/mm/numa/*",
    "sys/devices/virtual/memory_tiering/*/*",
    "sys/bus/virtio/devices/*/device",
    "sys/devices/xen_memory/*/*",
    # Devices and their node.
    *(f"{_PCI}/{name}" for name in ("class", "vendor", "device", "numa_node", "local_cpulist")),
    *(f"{_PCI}/{name}" for name in ("current_link_speed", "current_link_width")),
    *(f"{_PCI}/{name}" for name in ("max_link_speed", "max_link_width", "local_cpus")),
    "sys/class/net/*/device/numa_node",
    "sys/class/nvme/*/device/numa_node",
    "sys/devices/system/clocksource/clocksource0/*_clocksource",
    "sys/fs/cgroup/cgroup.controllers",
    # What the kernel says of itself.
    *(f"proc/{name}" for name in ("cpuinfo", "meminfo", "cmdline", "version", "mounts", "swaps")),
    *(f"proc/{name}" for name in ("stat", "vmstat", "zoneinfo", "interrupts", "loadavg", "uptime")),
    *("proc/pressure/*", "proc/self/cgroup", "proc/self/mountinfo"),
    *(f"{_KERNEL}/{name}" for name in ("osrelease", "arch", "hostname", "numa_balancing*")),
    *(f"{_KERNEL}/{name}" for name in ("sched_*", "watchdog", "nmi_watchdog", "pid_max")),
    *(f"{_KERNEL}/{name}" for name in ("randomize_va_space", "threads-max", "tainted")),
    *(f"proc/sys/vm/{name}" for name in ("swappiness", "zone_reclaim_mode", "overcommit_*")),
    *(f"proc/sys/vm/{name}" for name in ("max_map_count", "nr_hugepages*", "nr_overcommit*")),
    *(f"proc/irq/*/{name}" for name in ("smp_affinity_list", "effective_affinity_list", "node")),
)

PROCESS = (
    *("stat", "status", "cmdline", "comm", "cgroup", "maps", "numa_maps", "limits", "sched"),
    *("schedstat", "mountinfo", "oom_score_adj"),
    *("task/*/stat", "task/*/status", "task/*/comm", "task/*/schedstat"),
)
"""Below /proc/PID."""

CGROUP = (
    *("cgroup.procs", "cgroup.threads", "cgroup.controllers", "cgroup.type", "cpuset.*", "cpu.*"),
    *("cgroup.subtree_control", "memory.numa_stat", "memory.stat", "memory.current", "memory.max"),
    *("memory.high", "memory.events", "memory.pressure", "memory.swap.*"),
)
"""Below the directory of a cgroup, of those below it, and of those above it."""
