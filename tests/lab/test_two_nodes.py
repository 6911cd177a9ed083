"""pytest-numa on two nodes, under systemd as process 1: in the virtual machine of docs/lab.md.

What the guest says is compared with what QEMU was told. Its speed is that of emulation: no test
asks for any.
"""

import json
import re
import subprocess
from pathlib import Path

import machine
import pytest
from build_image import PYTHON
from guest import Guest

from pytest_numa.services import catalogue

pytestmark = pytest.mark.lab

TEMPLATE = catalogue.find("inference-llamacpp", directory=Path("/nonexistent"))
PLUGIN = Path(__file__).with_name("seen_from_outside.py")

POLICY = "--numa-manager system --numa-node 1 --cpus 2-3"
# A token takes seconds under emulation. What cannot be decided from one block is no failure here.
WORKLOAD = (
    "--numa-concurrency 2 --numa-warmup 1 --numa-prompt-tokens 1 --numa-output-tokens 2 "
    "--numa-starts 1 --numa-timeout 300 --numa-inconclusive pass --numa-report report.md "
    "--numa-missing-baseline record "
    "--numa-set ctx_size=512 --numa-set parallel=2"
)
MIB = 2**20

# All that a session installs, starts or notes; directories change their times, files must not.
STATE = """
find /etc/systemd/system /run/systemd/system -type f -exec sha256sum {} + | sort
find /etc/systemd/system /run/systemd/system -type l -printf '%p -> %l\\n' | sort
find /run/pytest-numa 2>/dev/null
systemctl list-units --all --plain --no-legend 'inference*'
pgrep --list-full --full '[p]ytest_numa.llamacpp_server'
true
"""


def session(
    guest: Guest, folder: str, arguments: str, timeout_s: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder of the guest."""
    return guest.run(f"cd {folder} && PYTHONPATH=. {PYTHON} -m pytest {arguments}", timeout_s)


def test_the_topology_is_the_one_that_qemu_was_told(guest: Guest) -> None:
    found = json.loads(guest.must("/opt/lab/bin/pytest-numa topology --json", 120))

    assert {node["id"]: node["cpus"] for node in found["nodes"]} == machine.CPUS
    assert {
        node["id"]: {int(other): value for other, value in node["distances"].items()}
        for node in found["nodes"]
    } == machine.DISTANCES
    assert found["sockets"] == [0, 1]
    assert sorted((device["kind"], str(device["node"])) for device in found["devices"]) == [
        ("gpu", str(machine.DEVICE_NODE)),
        ("gpu", "None"),
        ("nic", str(machine.DEVICE_NODE)),
    ]


def test_the_memory_of_each_node_is_the_one_that_qemu_was_told(guest: Guest) -> None:
    found = json.loads(guest.must("/opt/lab/bin/pytest-numa topology --json", 120))

    sizes_mib = {node["id"]: node["memory_bytes"] / MIB for node in found["nodes"]}
    # The kernel keeps some of each node for itself.
    assert sizes_mib == pytest.approx(machine.MEMORY_MIB, rel=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--numa-node 2", "expected a node with online CPUs, found none: it is memory only"),
        ("--numa-node 1 --cpus 0-1", "expected CPUs of node 1 (2-3), found '0-1'"),
    ],
)
def test_a_policy_that_cannot_be_had_is_refused_before_anything_starts(
    guest: Guest, options: str, message: str
) -> None:
    before = guest.must(STATE, 60)

    done = session(guest, "/root", f"--numa-manager system {options}", 180)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
    assert guest.must(STATE, 60) == before


def test_auto_does_not_take_a_gpu_without_a_node_for_one_on_node_0(guest: Guest) -> None:
    done = session(guest, "/root", "--numa-manager system --numa-node auto --collect-only", 180)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.search(
        r"auto: expected all GPUs on one known node, found \S+ on node unknown, \S+ on node 1; "
        "name the node: --numa-node N",
        done.stderr,
    )


def test_auto_takes_the_node_of_the_one_gpu(guest: Guest) -> None:
    devices = json.loads(guest.must("/opt/lab/bin/pytest-numa topology --json", 120))["devices"]
    unknown = next(one["address"] for one in devices if one["node"] is None)
    guest.must(f"echo 1 > /sys/bus/pci/devices/{unknown}/remove", 60)

    done = session(guest, "/root", "--numa-manager system --numa-node auto --collect-only", 180)
    guest.must("echo 1 > /sys/bus/pci/rescan", 60)

    assert done.returncode == 0, done.stderr
    assert "numa: policy: CPUs 2-3, memory of node 1" in done.stdout


@pytest.fixture(scope="module")
def state_before(guest: Guest) -> str:
    """What is installed and running before the acceptance."""
    return guest.must(STATE, 60)


@pytest.fixture(scope="module")
def accepted(guest: Guest, state_before: str) -> subprocess.CompletedProcess[str]:
    """The packaged acceptance, as a user types it, with a look at the service from outside."""
    guest.must("mkdir /root/accepted", 60)
    guest.copy_in(PLUGIN, "/root/accepted")
    options = f"-p {PLUGIN.stem} --numa-modes pinned,systemd --numa-n-requests 4"
    return session(guest, "/root/accepted", f"{POLICY} {WORKLOAD} {options}")


def test_the_acceptance_passes_on_the_node_that_was_asked_for(
    accepted: subprocess.CompletedProcess[str],
) -> None:
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert "manager: system" in accepted.stdout
    assert re.search(r"= \d+ passed in ", accepted.stdout)


@pytest.mark.usefixtures("accepted")
def test_the_kernel_says_the_same_of_the_placement(guest: Guest) -> None:
    seen = json.loads(guest.must("cat /root/accepted/seen.json", 60))

    anonymous_bytes = seen.pop("anonymous_bytes")
    assert seen == {
        "cgroup": "/inference.slice/inference-llamacpp.service",
        "allowed_cpus": ["2-3"],
        "allowed_nodes": ["1"],
        "cpuset_cpus": "2-3",
        "cpuset_nodes": "1",
    }
    assert anonymous_bytes["N1"] > 100 * MIB
    assert anonymous_bytes["N0"] == anonymous_bytes["N2"] == 0


@pytest.mark.usefixtures("accepted")
def test_the_report_tells_the_placement(guest: Guest, tmp_path: Path) -> None:
    guest.copy_out("/root/accepted/report.md", tmp_path / "report.md")

    report = (tmp_path / "report.md").read_text()
    assert "Placement is as the policy says" in report
    assert re.search(
        # Nodes 0, 1 and 2: the weights are on node 1.
        r"^\| +\d+ \| python +\| default +\| +\d+ \| 2-3 +\|[^|]*\| +\d{2,}\.\d MiB \|[^|]*\|$",
        report,
        re.MULTILINE,
    )


@pytest.mark.usefixtures("accepted")
def test_nothing_stays_behind(guest: Guest, state_before: str) -> None:
    assert guest.must(STATE, 60) == state_before


def install_template(guest: Guest, folder: str, tmp_path: Path, text: str) -> None:
    """Give a folder of the guest its own template, and one test that asks for placement."""
    project = tmp_path / "project"
    (project / "units").mkdir(parents=True)
    (project / "units" / TEMPLATE.path.name).write_text(text)
    (project / "test_placement.py").write_text(
        "import pytest\n\n@pytest.mark.numa_placement\ndef test_placement():\n    pass\n"
    )
    guest.copy_in(project, folder)


def test_a_unit_with_its_memory_on_another_node_fails_the_placement(
    guest: Guest, tmp_path: Path
) -> None:
    text = TEMPLATE.whole()
    wrong = re.sub(r"(?m)^AllowedMemoryNodes=.*$", "AllowedMemoryNodes=0", text)
    wrong = re.sub(r"(?m)^NUMA(Policy|Mask)=.*\n", "", wrong)
    install_template(guest, "/root/wrong", tmp_path, wrong)
    before = guest.must(STATE, 60)

    options = "--numa-modes systemd --numa-n-requests 1 test_placement.py"
    done = session(guest, "/root/wrong", f"{POLICY} {WORKLOAD} {options}")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed" in done.stdout
    assert re.search(r"expected +all on node 1\b.*\n +found +\d+\.\d MiB on node 0", done.stdout)
    assert guest.must(STATE, 60) == before


def test_a_unit_that_contradicts_itself_is_an_error_that_names_the_exit_status(
    guest: Guest, tmp_path: Path
) -> None:
    text = TEMPLATE.whole()
    contradictory = re.sub(r"(?m)^AllowedMemoryNodes=.*$", "AllowedMemoryNodes=0", text)
    install_template(guest, "/root/contradictory", tmp_path, contradictory)
    before = guest.must(STATE, 60)

    options = "--numa-modes systemd --numa-n-requests 1 test_placement.py"
    done = session(guest, "/root/contradictory", f"{POLICY} {WORKLOAD} {options}")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 error" in done.stdout
    assert "242/NUMA_POLICY" in done.stdout
    assert guest.must(STATE, 60) == before
