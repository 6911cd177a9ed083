"""What cannot be read is never a pass, and no tree makes the audit stumble."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_numa import audit, cli, host, policy
from pytest_numa.audit.machine import Machine
from pytest_numa.errors import PytestNumaError

CPU = "sys/devices/system/cpu"
NODE = "sys/devices/system/node"
MM = "sys/kernel/mm"
PCI = "sys/bus/pci/devices"
GPU = f"{PCI}/0000:41:00.0"
GIB = 2**20
CGROUPS = "sys/fs/cgroup"

# A host of two nodes on which every check that applies passes for a service on node 1.
WHOLE = {
    f"{CPU}/online": "0-3",
    f"{CPU}/isolated": "",
    f"{CPU}/cpuidle/current_driver": "intel_idle",
    f"{CPU}/vulnerabilities/meltdown": "Mitigation: PTI",
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": str(n) for n in range(4)},
    **{f"{CPU}/cpufreq/policy{n}/scaling_governor": "performance" for n in range(4)},
    **{f"{CPU}/cpu{n}/cpuidle/state1/latency": "133" for n in range(4)},
    **{f"{CPU}/cpu{n}/cpuidle/state1/disable": "1" for n in range(4)},
    **{f"{CPU}/cpu{n}/thermal_throttle/package_throttle_count": "0" for n in range(4)},
    f"{NODE}/online": "0-2",
    f"{NODE}/node0/cpulist": "0-1",
    f"{NODE}/node1/cpulist": "2-3",
    f"{NODE}/node2/cpulist": "",
    **{
        f"{NODE}/node{n}/meminfo": f"Node {n} MemTotal: {8 * GIB} kB\n"
        f"Node {n} MemFree: {6 * GIB} kB"
        for n in range(3)
    },
    **{f"{NODE}/node{n}/hugepages/hugepages-2048kB/nr_hugepages": "8" for n in range(3)},
    f"{MM}/numa/demotion_enabled": "false",
    f"{MM}/ksm/run": "0",
    f"{MM}/transparent_hugepage/enabled": "always [madvise] never",
    f"{MM}/transparent_hugepage/defrag": "always defer [madvise] never",
    f"{GPU}/class": "0x030000",
    f"{GPU}/vendor": "0x10de",
    f"{GPU}/numa_node": "1",
    f"{GPU}/local_cpulist": "2-3",
    **{f"{GPU}/{which}_link_width": "16" for which in ("current", "max")},
    **{f"{GPU}/{which}_link_speed": "32.0 GT/s PCIe" for which in ("current", "max")},
    "sys/class/infiniband/mlx5_0/device/numa_node": "1",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "sys/devices/system/edac/mc/mc0/ue_count": "0",
    f"{CGROUPS}/cgroup.controllers": "cpuset cpu io memory pids",
    **{
        f"{CGROUPS}/{name}/cpuset.cpus.effective": "0-1"
        for name in ("system.slice", "user.slice", "init.scope")
    },
    "proc/1/comm": "systemd",
    "proc/2/comm": "kthreadd",
    "proc/cmdline": "quiet",
    "proc/cpuinfo": "processor\t: 0\nmicrocode\t: 0x1",
    "proc/interrupts": "   CPU0 CPU1 CPU2 CPU3\n 44:  9 0 0 0 PCI-MSI 1-edge eth0\nNMI: 0 0 0 0",
    "proc/irq/44/effective_affinity_list": "0",
    **{f"proc/pressure/{name}": "some avg10=0.00 avg60=0.00" for name in ("cpu", "memory", "io")},
    "proc/stat": "cpu0 100000 0 100000 500 0 0 0 0 0 0",
    "proc/swaps": "Filename Type Size Used Priority",
    "proc/sys/kernel/numa_balancing": "0",
    "proc/sys/kernel/osrelease": "6.12.9",
    "proc/sys/kernel/pid_max": "4194304",
    "proc/sys/vm/max_map_count": "1048576",
    "proc/sys/vm/overcommit_memory": "0",
    "proc/sys/vm/zone_reclaim_mode": "0",
    "proc/vmstat": "oom_kill 0",
}  # fmt: skip
# The same host, with all that can be wrong.
ILL = WHOLE | {
    f"{CPU}/online": "0-2",
    f"{CPU}/isolated": "3",
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": "0,2" for n in (0, 2)},
    f"{CPU}/cpufreq/policy2/scaling_governor": "powersave",
    f"{CPU}/cpu2/cpuidle/state1/disable": "0",
    f"{CPU}/cpu2/thermal_throttle/package_throttle_count": "7",
    f"{NODE}/node1/meminfo": f"Node 1 MemTotal: {GIB} kB\nNode 1 MemFree: {GIB} kB",
    f"{NODE}/node1/hugepages/hugepages-2048kB/nr_hugepages": "0",
    f"{MM}/numa/demotion_enabled": "true",
    f"{MM}/ksm/run": "1",
    f"{MM}/transparent_hugepage/defrag": "[always] never",
    f"{GPU}/numa_node": "0",
    f"{GPU}/local_cpulist": "0-1",
    f"{GPU}/current_link_width": "4",
    f"{CGROUPS}/cgroup.controllers": "pids",
    f"{CGROUPS}/system.slice/cpuset.cpus.effective": "0-3",
    "proc/9/comm": "numad",
    "proc/irq/44/effective_affinity_list": "2",
    "proc/pressure/io": "some avg10=50.00 avg60=0.00",
    "proc/swaps": "Filename Type Size Used Priority\n/dev/sda partition 8 0 -2",
    "proc/sys/kernel/numa_balancing": "1",
    "proc/sys/vm/max_map_count": "1",
    "proc/sys/vm/zone_reclaim_mode": "1",
    "proc/vmstat": "oom_kill 3",
}


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


def machine(root: Path, earlier: dict[str, dict[str, object]] | None = None) -> Machine:
    topology = host.read_topology(root)
    wanted = policy.Policy(cpus=frozenset({2, 3}), memory_nodes=frozenset({1}))
    return Machine(
        root=root, topology=topology, policy=wanted, needs_bytes=2**32, earlier=earlier or {}
    )


def statuses(here: Machine) -> dict[str, str]:
    return {one.check.id: one.status for one in audit.run(here)}


def facts(here: Machine) -> dict[str, dict[str, object]]:
    return {one.check.id: dict(one.outcome.facts) for one in audit.run(here)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay(tmp_path_factory.mktemp("whole"), WHOLE)


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay(tmp_path_factory.mktemp("ill"), ILL)


def without(root: Path, names: set[str], earlier: dict[str, dict[str, object]]) -> dict[str, str]:
    """The statuses while these files are away; none where the tree is refused."""
    taken = {name: (root / name).read_bytes() for name in names}
    for name in names:
        (root / name).unlink()
    try:
        return statuses(machine(root, earlier))
    except PytestNumaError:
        return {}
    finally:
        for name, content in taken.items():
            (root / name).write_bytes(content)


def test_a_whole_host_passes_every_check_but_the_one_that_nobody_makes(whole: Path) -> None:
    found = statuses(machine(whole, facts(machine(whole))))

    assert {check for check, status in found.items() if status != "pass"} == {"N19"}


def test_on_an_ill_host_no_check_passes_that_looks_at_what_is_wrong(whole: Path, ill: Path) -> None:
    found = statuses(machine(ill, facts(machine(whole))))

    assert {check for check, status in found.items() if status == "pass"} == {"N25"}


# Read with the topology, for the checks that rest on it.
_BY_TOPOLOGY = {
    f"{CPU}/online": {"N2"},
    f"{CPU}/cpu2/topology/thread_siblings_list": {"N3"},
    f"{NODE}/node1/cpulist": {"N1", "N20"},
    f"{GPU}/class": {"N14", "N15", "N16"},
    f"{GPU}/vendor": {"N14", "N15"},
    f"{GPU}/numa_node": {"N14", "N15"},
    f"{GPU}/local_cpulist": {"N14"},
}


@pytest.fixture(scope="module")
def readers(whole: Path) -> dict[str, set[str]]:
    """The checks that read a file, by its name."""
    found: dict[str, set[str]] = {name: set(checks) for name, checks in _BY_TOPOLOGY.items()}
    here = machine(whole, facts(machine(whole)))
    read = Machine.read
    with pytest.MonkeyPatch.context() as patched:
        for check in audit.CHECKS:

            def noted(one: Machine, asked: str, check: str = check.id) -> str:
                found.setdefault(asked, set()).add(check)
                return read(one, asked)

            patched.setattr(Machine, "read", noted)
            audit.run(here, [check.id])
    return found


@pytest.fixture(scope="module")
def before(whole: Path) -> dict[str, dict[str, object]]:
    """What an earlier audit of the whole host has found."""
    return facts(machine(whole))


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_no_check_passes_without_a_file_that_it_reads(
    whole: Path, name: str, readers: dict[str, set[str]], before: dict[str, dict[str, object]]
) -> None:
    resting = readers.get(name, set())

    found = without(whole, {name}, before)

    assert {check for check in resting if found.get(check) == "pass"} == set()


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(names=st.sets(st.sampled_from(sorted(ILL)), min_size=1, max_size=12))
def test_no_check_begins_to_pass_when_files_are_gone(
    ill: Path, names: set[str], before: dict[str, dict[str, object]]
) -> None:
    complete = statuses(machine(ill, before))

    now = without(ill, names, before)

    assert {one for one in now if now[one] == "pass"} <= {
        one for one in complete if complete[one] == "pass"
    }


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        # A sparse file: no disk is taken.
        file.truncate(2**40)


def _digits(path: Path) -> None:
    path.write_text("9" * 5000)


@pytest.mark.parametrize("spoil", [_empty, _binary, _folder, _pipe, _loop, _digits])
def test_a_spoilt_tree_passes_nothing_and_ends_in_words(
    tmp_path: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, WHOLE)
    for name in WHOLE:
        # Without its topology it would be refused as a whole.
        if not name.startswith((NODE, PCI, f"{CPU}/online")) and "/topology/" not in name:
            spoil(tmp_path / name)

    code = cli.main(["audit", "--root", str(tmp_path), "--cpus", "2-3", "--json"])

    told = capsys.readouterr()
    assert code in (0, 1)
    assert set(_passed(told.out)) <= {"N2", "N3", "N14", "N16", "N17", "N20"}


def _passed(document: str) -> Iterator[str]:
    return (one["id"] for one in json.loads(document)["checks"] if one["status"] == "pass")


@pytest.mark.parametrize("name", [
    "proc/interrupts", f"{CPU}/online", f"{NODE}/node0/meminfo", f"{GPU}/class",
])  # fmt: skip
@pytest.mark.parametrize("spoil", [_binary, _folder, _pipe, _loop, _huge, _digits])
def test_one_spoilt_file_is_no_traceback(
    tmp_path: Path, name: str, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, WHOLE)
    spoil(tmp_path / name)

    code = cli.main(["audit", "--root", str(tmp_path), "--cpus", "2-3"])

    told = capsys.readouterr()
    assert code in (0, 1)
    assert told.out or told.err.count("\n") == 1


def test_what_may_not_be_read_is_unknown(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv: apt-get install util-linux")
    lay(tmp_path, WHOLE)
    for name in ("proc/sys/vm", f"{CGROUPS}/system.slice"):
        (tmp_path / name).chmod(0o000)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)

    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-m",
         "pytest_numa.cli", "audit", "--root", str(tmp_path), "--cpus", "2-3"],
        capture_output=True, text=True, check=False, cwd="/",
        env={"PYTHONPATH": str(Path(audit.__file__).parents[2])},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    for check in ("N8 ", "N12", "N23"):
        assert f"unknown   {check}" in done.stdout


def test_names_and_texts_of_a_tree_run_nothing_in_the_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, WHOLE)
    evil = tmp_path / f"{CPU}/cpufreq/policy9$(touch evil)"
    evil.mkdir()
    (evil / "scaling_governor").write_text("`touch evil`\\n\n")
    (tmp_path / f"{CPU}/cpufreq/policy2/scaling_governor").write_text(
        "\x1b[2J\udcff'\n", "utf-8", "surrogateescape"
    )

    cli.main(["audit", "--root", str(tmp_path), "--fix-script", "--only", "N4"])
    fixing = capsys.readouterr().out
    cli.main(["audit", "--root", str(tmp_path), "--only", "N4"])
    told = capsys.readouterr().out

    subprocess.run(["/bin/sh", "-c", fixing], cwd=tmp_path, check=False, capture_output=True)
    assert "\x1b" not in fixing + told
    assert not (tmp_path / "evil").exists()
