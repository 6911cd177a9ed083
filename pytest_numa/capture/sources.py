"""Which files a capture holds: what this package reads, and what an audit of the host asks for.

Never ``environ`` (secrets), ``mem`` and the like, or serial numbers (DMI). Nor files that the
kernel answers by interrupting every CPU: ``scaling_cur_freq``, ``vm/stat_refresh``.
"""

_CPU = "sys/devices/system/cpu"
_NODE = "sys/devices/system/node"
_MM = "sys/kernel/mm"
_PCI = "sys/bus/pci/devices/*"
_KERNEL = "proc/sys/kernel"
_VM = "proc/sys/vm"

MACHINE = (
    # CPUs: which there are, how they share cores and caches, how fast and how asleep they are.
    *(f"{_CPU}/{name}" for name in ("online", "offline", "present", "possible", "isolated")),
    *(f"{_CPU}/{name}" for name in ("nohz_full", "smt/active", "smt/control", "cpuidle/*")),
    f"{_CPU}/cpu[0-9]*/online",
    f"{_CPU}/cpu[0-9]*/topology/*",
    *(f"{_CPU}/cpu[0-9]*/cache/index*/{name}" for name in ("level", "type", "size", "id")),
    f"{_CPU}/cpu[0-9]*/cache/index*/shared_cpu_*",
    *(f"{_CPU}/cpu[0-9]*/cpufreq/{name}" for name in ("scaling_driver", "scaling_governor")),
    *(f"{_CPU}/cpu[0-9]*/cpufreq/*_{name}_freq" for name in ("min", "max")),
    f"{_CPU}/cpu[0-9]*/cpufreq/energy_performance_preference",
    f"{_CPU}/cpu[0-9]*/cpufreq/base_frequency",
    *(f"{_CPU}/cpu[0-9]*/cpuidle/state*/{name}" for name in ("name", "disable", "latency")),
    f"{_CPU}/cpu[0-9]*/thermal_throttle/*_count",
    *(f"{_CPU}/{name}/*" for name in ("cpufreq", "intel_pstate", "amd_pstate", "vulnerabilities")),
    # Nodes: CPUs, memory, distances, pools of huge pages, counters.
    *(f"{_NODE}/{name}" for name in ("online", "possible", "has_*")),
    f"{_NODE}/node[0-9]*/*",
    f"{_NODE}/node[0-9]*/hugepages/*/*",
    f"{_NODE}/node[0-9]*/access[0-9]*/initiators/*",
    # Memory of the host.
    f"{_MM}/transparent_hugepage/*",
    f"{_MM}/transparent_hugepage/*/*",
    *(f"{_MM}/{name}" for name in ("hugepages/*/*", "ksm/*", "numa/*", "lru_gen/*")),
    "sys/devices/virtual/memory_tiering/memory_tier*/nodelist",
    "sys/bus/virtio/devices/*/device",
    "sys/devices/system/xen_memory/*/*",
    # Devices and their node.
    *(f"{_PCI}/{name}" for name in ("class", "vendor", "device", "numa_node", "local_cpu*")),
    *(f"{_PCI}/{name}" for name in ("current_link_*", "max_link_*")),
    *(f"sys/class/{name}/*/device/numa_node" for name in ("net", "nvme", "infiniband")),
    "sys/devices/system/clocksource/clocksource0/*_clocksource",
    "sys/fs/cgroup/cgroup.controllers",
    "sys/fs/cgroup/cpuset.cpus.isolated",
    # What the kernel says of itself.
    *(f"proc/{name}" for name in ("cpuinfo", "meminfo", "cmdline", "version", "mounts", "swaps")),
    *(f"proc/{name}" for name in ("stat", "vmstat", "zoneinfo", "interrupts", "loadavg", "uptime")),
    *("proc/pressure/*", "proc/self/cgroup", "proc/self/mountinfo"),
    *(f"{_KERNEL}/{name}" for name in ("osrelease", "arch", "hostname", "numa_balancing*")),
    *(f"{_KERNEL}/{name}" for name in ("sched_*", "watchdog", "nmi_watchdog", "pid_max")),
    *(f"{_KERNEL}/{name}" for name in ("randomize_va_space", "threads-max", "tainted")),
    *(f"{_VM}/{name}" for name in ("swappiness", "zone_reclaim_mode", "overcommit_*", "dirty_*")),
    *(f"{_VM}/{name}" for name in ("max_map_count", "nr_*", "min_*", "numa_*", "stat_interval")),
    *(f"{_VM}/{name}" for name in ("compact*_*ness", "lowmem_*", "watermark_*", "hugetlb_*")),
    *(f"{_VM}/{name}" for name in ("extfrag_threshold", "page-cluster", "vfs_cache_pressure")),
    "proc/irq/default_smp_affinity",
    *(f"proc/irq/*/{name}" for name in ("smp_affinity_list", "effective_affinity_list", "node")),
)
"""Below the root. As many parts as a path has; those with ``*`` may match any number of names."""

PROCESS = (
    *("stat", "status", "cmdline", "comm", "cgroup", "maps", "numa_maps", "limits", "sched"),
    *("schedstat", "mountinfo", "oom_score_adj"),
    *("task/*/stat", "task/*/status", "task/*/comm", "task/*/schedstat"),
)
"""Below /proc/PID."""

CGROUP = (
    *("cgroup.procs", "cgroup.threads", "cgroup.controllers", "cgroup.type", "cpuset.*", "cpu.*"),
    *("cgroup.subtree_control", "memory.numa_stat", "memory.stat", "memory.current", "memory.max"),
    *("memory.high", "memory.low", "memory.min", "memory.events", "memory.pressure"),
    *("memory.swap.*", "memory.*_in_bytes"),
)
"""Below the directory of a cgroup, of those below it, and of those above it."""
