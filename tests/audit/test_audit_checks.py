"""Each check of a host: what passes, what fails, and what cannot be known and is no pass."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import audit, host, policy
from pytest_numa.audit.machine import Machine
from pytest_numa.report import audit as report

CPU = "sys/devices/system/cpu"
NODE = "sys/devices/system/node"
GOVERNOR = f"{CPU}/cpufreq/policy0/scaling_governor"
PREFERENCE = f"{CPU}/cpufreq/policy0/energy_performance_preference"
THP = "sys/kernel/mm/transparent_hugepage"
GIB = 2**20

TWO_NODES = {
    f"{CPU}/online": "0-3",
    f"{CPU}/cpufreq/boost": "1",
    **{f"{CPU}/cpu{n}/topology/core_id": str(n) for n in range(4)},
    **{f"{CPU}/cpu{n}/topology/physical_package_id": str(n // 2) for n in range(4)},
    **{f"{CPU}/cpu{n}/topology/thread_siblings": f"{1 << n:x}" for n in range(4)},
    f"{NODE}/online": "0-1",
    f"{NODE}/node0/cpulist": "0-1",
    f"{NODE}/node1/cpulist": "2-3",
    f"{NODE}/node0/meminfo": f"Node 0 MemTotal: {8 * GIB} kB\nNode 0 MemFree: {4 * GIB} kB",
    f"{NODE}/node1/meminfo": f"Node 1 MemTotal: {8 * GIB} kB\nNode 1 MemFree: {6 * GIB} kB",
}
SMT = {
    f"{CPU}/cpu{n}/topology/thread_siblings": text for n, text in enumerate(("5", "a", "5", "a"))
}
GPU = "sys/bus/pci/devices/0000:41:00.0"
A_GPU = {f"{GPU}/class": "0x030200", f"{GPU}/vendor": "0x10de", f"{GPU}/numa_node": "1"}
A_GPU[f"{GPU}/local_cpulist"] = "2-3"
LINK = {
    f"{GPU}/max_link_width": "16",
    f"{GPU}/max_link_speed": "32.0 GT/s PCIe",
    f"{GPU}/current_link_width": "16",
    f"{GPU}/current_link_speed": "32.0 GT/s PCIe",
}
NIC = "sys/bus/pci/devices/0000:00:03.0"
VIRTIO = {f"{NIC}/class": "0x020000", f"{NIC}/vendor": "0x1af4"}
NOISE = {
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "proc/stat": "cpu0 100000 0 100000 500 0 0 0 0 0 0",
    **{
        f"proc/pressure/{name}": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0"
        for name in ("cpu", "memory", "io")
    },
}
SYSCTLS = {
    "proc/sys/vm/max_map_count": "1048576",
    "proc/sys/kernel/pid_max": "4194304",
    "proc/sys/vm/overcommit_memory": "0",
}
HOST = {"proc/1/comm": "systemd", "proc/2/comm": "kthreadd", f"{THP}/enabled": "[never]"}
SLICE_NAMES = ("system.slice", "user.slice", "init.scope")
SLICES = {f"sys/fs/cgroup/{name}/cgroup.procs": "" for name in SLICE_NAMES}


def machine(
    root: Path, files: dict[str, str], cpus: str | None = None, needs_bytes: int | None = None
) -> Machine:
    for name, text in {**TWO_NODES, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    topology = host.read_topology(root)
    asked = cpus and policy.expected(topology, node_option=None, cpus_option=cpus)
    return Machine(root=root, topology=topology, policy=asked or None, needs_bytes=needs_bytes)


def result(here: Machine, check: str) -> audit.Result:
    (found,) = audit.run(here, [check])
    return found


@pytest.mark.parametrize(
    ("check", "files", "cpus", "told"),
    [
        ("N2", {}, None, ("pass", "all 4 CPUs online")),
        ("N2", {f"{CPU}/online": "0-2"}, None, ("unknown", "CPU 3 offline")),
        ("N2", {f"{CPU}/online": "0-2"}, "0-1", ("pass", "CPUs 0-1 online")),
        ("N2", {f"{CPU}/online": "0-2"}, "2-3", ("fail", "CPU 3 cannot run anything")),
        ("N3", {}, None, ("pass", "each core runs one CPU")),
        ("N3", SMT, None, ("skip", "--cpus")),
        ("N3", SMT, "0,2", ("pass", "1 whole cores")),
        ("N3", SMT, "0-1", ("pass", "nothing else should run on 2-3")),
        ("N3", SMT, "0-2", ("fail", "1 cores whole and 1 in part, such as 1 of 1,3")),
        ("N4", {}, None, ("skip", "virtual machine")),
        ("N4", {GOVERNOR: "performance"}, None, ("pass", "1 clock")),
        ("N4", {GOVERNOR: "powersave"}, None, ("fail", "powersave")),
        (
            "N4",
            {
                GOVERNOR: "powersave",
                PREFERENCE: "performance",
            },
            None,
            ("pass", "1 clock"),
        ),
        ("N4", {f"{CPU}/cpu0/cpufreq/cpuinfo_max_freq": "1"}, None,
         ("unknown", "scaling_governor")),
        ("N5", {}, None, ("unknown", "cpuidle/current_driver")),
        ("N5", {f"{CPU}/cpuidle/current_driver": "none"}, None, ("skip", "no idle driver")),
        ("N6", {f"{THP}/enabled": "always [madvise] never", f"{THP}/defrag": "always [madvise]"},
         None, ("pass", "madvise; defrag madvise")),
        ("N6", {f"{THP}/enabled": "always madvise [never]", f"{THP}/defrag": "[always] never"},
         None, ("fail", "never")),
        ("N6", {f"{THP}/enabled": "[always] madvise", f"{THP}/defrag": "[always] never"},
         None, ("fail", "defrag always")),
        ("N6", {f"{THP}/enabled": "always", f"{THP}/defrag": "[never]"}, None,
         ("unknown", "expected [one] of always, madvise, never, found 'always'")),
        ("N6", {}, None, ("unknown", "there is no /sys/kernel/mm")),
        ("N7", {"proc/sys/kernel/numa_balancing": "0"}, None, ("pass", "= 0")),
        ("N7", {"proc/sys/kernel/numa_balancing": "1"}, None, ("fail", "= 1")),
        ("N7", {"proc/sys/kernel/numa_balancing": "x"}, None, ("unknown", "expected a number")),
        ("N8", {"proc/sys/vm/zone_reclaim_mode": "3"}, None, ("fail", "= 3")),
        ("N8", {}, None, ("unknown", "zone_reclaim_mode")),
        ("N9", {"proc/swaps": "Filename Type Size Used Priority"}, None, ("pass", "no swap")),
        ("N9", {"proc/swaps": "Filename\n/a partition 1 " + "9" * 5000 + " 0"}, None,
         ("unknown", "what no kernel writes")),
        ("N9", {"proc/swaps": "Filename\n/dev/sda2 partition 1048576 512 -2"}, None,
         ("unknown", "/dev/sda2, 512.0 KiB used")),
        ("N10", {}, None, ("skip", "no node of memory alone")),
        ("N11", {f"{CPU}/isolated": ""}, "2-3", ("pass", "no CPU")),
        ("N11", {f"{CPU}/isolated": "3"}, "0-1", ("pass", "none of them the service's")),
        ("N11", {f"{CPU}/isolated": "3"}, "2-3", ("fail", "CPU 3 of the service isolated")),
        ("N11", {f"{CPU}/isolated": "3"}, None, ("skip", "CPU 3 isolated")),
        ("N11", {}, "2-3", ("unknown", "isolated")),
        ("N12", SLICES, "2-3", ("fail", "user.slice, init.scope may run on CPUs 2-3")),
        ("N12", {}, "2-3", ("unknown", "system.slice")),
        ("N12", {}, None, ("skip", "--cpus")),
        ("N14", {}, None, ("unknown", "there is no /sys/bus/pci/devices")),
        ("N14", A_GPU, "2-3", ("pass", "0000:41:00.0 on node 1")),
        ("N14", A_GPU, "0-1", ("fail", "none at the service's node 0")),
        ("N14", {**A_GPU, f"{GPU}/numa_node": "-1"}, "2-3", ("unknown", "on node unknown")),
        ("N15", A_GPU, None, ("skip", "no RDMA adapter")),
        ("N15", {**A_GPU, "sys/class/infiniband/mlx5_0/device/numa_node": "1"}, None,
         ("pass", "1 GPUs")),
        ("N15", {**A_GPU, "sys/class/infiniband/mlx5_0/device/numa_node": "0"}, None,
         ("fail", "adapters are on nodes 0")),
        ("N16", {**A_GPU, **LINK}, None, ("pass", "1 devices at full")),
        ("N16", {**A_GPU, **LINK, f"{GPU}/current_link_width": "8"}, None,
         ("fail", "gpu 0000:41:00.0 at x8 32.0 GT/s PCIe of x16 32.0 GT/s PCIe")),
        ("N16", {**A_GPU, **LINK, f"{GPU}/current_link_speed": "2.5 GT/s PCIe"}, None,
         ("unknown", "look again under load")),
        ("N16", {**A_GPU, **LINK, f"{GPU}/current_link_speed": "Unknown"}, None,
         ("unknown", "expected a number, found 'Unknown'")),
        ("N16", {**VIRTIO, **A_GPU, **LINK}, None, ("pass", "1 devices at full")),
        ("N16", VIRTIO, None, ("skip", "no device on a PCI Express link")),
        ("N16", A_GPU, None, ("unknown", "max_link_width")),
        ("N17", {}, None, ("unknown", "hugepages")),
        ("N17", {f"{NODE}/node{n}/hugepages/hugepages-2048kB/nr_hugepages": "0" for n in (0, 1)},
         None, ("skip", "none set aside")),
        ("N17", {f"{NODE}/node{n}/hugepages/hugepages-2048kB/nr_hugepages": str(512 * (1 - n))
                 for n in (0, 1)}, "2-3", ("fail", "1.0 GiB on node 0, 0 B on node 1; none on")),
        ("N20", {}, None, ("pass", "node 0 8.0 GiB, node 1 8.0 GiB")),
        ("N20", {f"{NODE}/node1/meminfo": "Node 1 MemTotal: 0 kB"}, None, ("fail", "node 1 0 B")),
        ("N21", {"proc/vmstat": "nr_free_pages 1\noom_kill 0"}, None, ("pass", "no processes")),
        ("N21", {"proc/vmstat": "oom_kill 2"}, None, ("fail", "killed for want of memory: 2")),
        ("N21", {"proc/vmstat": "nr_free_pages 1"}, None, ("unknown", "neither")),
        ("N22", NOISE, None, ("pass", "clock source tsc, 0.00% stolen")),
        ("N22", {**NOISE, "proc/stat": "cpu0 900 0 0 0 0 0 0 100 0 0"}, None, ("fail", "10.0%")),
        ("N22", {**NOISE, "proc/pressure/io": "some avg10=7.50 avg60=0"}, None, ("fail", "io 7.5")),
        ("N22", {**NOISE, "proc/pressure/io": "full avg10=7.50"}, None, ("unknown", "/io")),
        ("N22", {}, None, ("unknown", "clocksource")),
        ("N23", SYSCTLS, None, ("pass", "vm.max_map_count = 1048576")),
        ("N23", {**SYSCTLS, "proc/sys/vm/overcommit_memory": "2"}, None, ("fail", "= 2")),
        ("N24", {**HOST, "proc/9/comm": "tuned"}, None, ("pass", "tuned")),
        ("N24", {"proc/1/comm": "systemd", "proc/9/comm": "numad"}, None, ("fail", "numad runs")),
        ("N24", {"proc/9/comm": "python"}, None, ("unknown", "there is no /proc/1")),
        ("N24", {**HOST, "proc/2/comm": "sh"}, None, ("unknown", "this is a container")),
        ("N24", {**HOST, "proc/9/status": ""}, None, ("unknown", "/proc/9/comm cannot be read")),
        ("N24", {**HOST, "sys/kernel/mm/ksm/run": "1"}, None, ("fail", "ksm merges")),
        ("N26", {"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory"}, None, ("pass", "2")),
        ("N26", {"sys/fs/cgroup/cgroup.controllers": "cpu memory"}, None, ("fail", "cpuset")),
        ("N26", {"proc/mounts": "c /sys/fs/cgroup/cpu cgroup rw 0 0"}, None, ("fail", "1")),
        ("N26", {"proc/mounts": "c /sys/fs/cgroup cgroup2 rw 0 0"}, None, ("unknown", "2")),
    ],
)  # fmt: skip
def test_a_check_tells_what_the_files_say(
    tmp_path: Path, check: str, files: dict[str, str], cpus: str | None, told: tuple[str, str]
) -> None:
    status, found = told

    one = result(machine(tmp_path, files, cpus), check)

    assert (one.status, found in one.outcome.found) == (status, True), one.outcome.found


def test_of_a_machine_without_any_of_the_files_no_check_passes_for_that(tmp_path: Path) -> None:
    bare = {name: text for name, text in TWO_NODES.items() if "topology" not in name}
    for name, text in bare.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / CPU / "cpu0").mkdir()

    results = audit.run(Machine(root=tmp_path, topology=host.read_topology(tmp_path)))

    # The list of CPUs is there.
    assert [one.check.id for one in results if one.status == "pass"] == ["N2"]


@pytest.mark.parametrize(("latency_us", "disable", "status"), [
    ("133", "0", "fail"), ("133", "1", "pass"), ("10", "0", "pass"),
])  # fmt: skip
def test_a_deep_sleep_counts_unless_it_is_switched_off(
    tmp_path: Path, latency_us: str, disable: str, status: str
) -> None:
    state = f"{CPU}/cpu0/cpuidle/state2"
    files = {
        f"{CPU}/cpuidle/current_driver": "intel_idle",
        f"{state}/latency": latency_us,
        f"{state}/disable": disable,
        f"{state}/name": "C6",
    }

    one = result(machine(tmp_path, files), "N5")

    assert one.status == status


def test_slices_off_the_services_cpus_pass(tmp_path: Path) -> None:
    files = {name.replace("cgroup.procs", "cpuset.cpus.effective"): "0-1" for name in SLICES}

    one = result(machine(tmp_path, {**SLICES, **files}, "2-3"), "N12")

    assert one.status == "pass"


@pytest.mark.parametrize(("affinity", "count", "status"), [
    ("2", "5", "fail"), ("2", "0", "pass"), ("0", "5", "pass"), ("", "5", "pass"),
])  # fmt: skip
def test_interrupts_that_come_to_the_services_cpus_are_found(
    tmp_path: Path, affinity: str, count: str, status: str
) -> None:
    files = {
        "proc/irq/44/effective_affinity_list": affinity,
        "proc/interrupts": f"      CPU0 CPU1\n 44:   0  {count}  GICv3  27 Level  eth0-rx\n",
    }

    one = result(machine(tmp_path, files, "2-3"), "N13")

    assert one.status == status


@pytest.mark.parametrize(("needs_gib", "status"), [(5, "pass"), (6, "fail")])
def test_what_the_service_needs_must_fit_with_a_tenth_to_spare(
    tmp_path: Path, needs_gib: int, status: str
) -> None:
    here = machine(tmp_path, {}, "2-3", needs_bytes=needs_gib * 2**30)

    assert result(here, "N18").status == status


@pytest.mark.parametrize(
    ("change", "status", "found"),
    [
        ({}, "pass", "as before"),
        ({f"{NODE}/node1/meminfo": f"Node 1 MemTotal: {7 * GIB} kB"}, "fail", "node 1: CPUs 2-3"),
        ({f"{NODE}/node1/cpulist": "3", f"{NODE}/node0/cpulist": "0-2"}, "fail", "CPUs 0-1, "),
    ],
)
def test_nodes_are_held_against_an_earlier_audit(
    tmp_path: Path, change: dict[str, str], status: str, found: str
) -> None:
    before = result(machine(tmp_path / "before", {}), "N1")
    now = machine(tmp_path / "now", change)
    here = Machine(root=now.root, topology=now.topology, earlier={"N1": before.outcome.facts})

    one = result(here, "N1")

    assert before.status == "skip"
    assert (one.status, found in one.outcome.found) == (status, True), one.outcome.found


def test_a_changed_mitigation_is_named(tmp_path: Path) -> None:
    files = {"proc/cmdline": "quiet", f"{CPU}/vulnerabilities/meltdown": "Mitigation: PTI"}
    before = result(machine(tmp_path, files), "N25").outcome.facts
    now = machine(tmp_path, {**files, f"{CPU}/vulnerabilities/meltdown": "Vulnerable"})

    one = result(Machine(root=now.root, topology=now.topology, earlier={"N25": before}), "N25")

    assert (one.status, one.outcome.found) == ("fail", "changed: mitigations")


def test_the_scripts_mend_and_undo(tmp_path: Path) -> None:
    here = machine(tmp_path, {GOVERNOR: "powersave; rm -rf /"})
    results = audit.run(here, ["N4"])
    scripts = [
        report.script(results, undo=undo).replace(f"/{GOVERNOR}", f"{tmp_path / GOVERNOR}")
        for undo in (False, True)
    ]

    states = []
    for text in scripts:
        subprocess.run(["/bin/sh", "-c", text], check=True, env={"PATH": os.environ["PATH"]})
        states.append((tmp_path / GOVERNOR).read_text())

    assert states == ["performance\n", "powersave; rm -rf /\n"]


@given(st.dictionaries(st.sampled_from([
    "proc/swaps", "proc/vmstat", "proc/stat", "proc/mounts", "proc/interrupts", f"{THP}/enabled",
    "proc/pressure/cpu", f"{CPU}/isolated", "proc/sys/vm/zone_reclaim_mode",
    f"{CPU}/cpuidle/current_driver", f"{GPU}/max_link_width",
]), st.text(max_size=40)))  # fmt: skip
def test_no_text_of_a_kernel_is_an_exception(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("alien")
    here = machine(root, {**NOISE, **A_GPU, **LINK})
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(errors="surrogatepass"))

    results = audit.run(here)

    assert {one.status for one in results} <= set(audit.STATUSES)
    assert json.loads(json.dumps(report.document(results)))["checks"]
    assert report.text(results)
