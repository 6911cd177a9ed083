"""CPU governors on a tree of files: what is offered, what is set, and that it is put back."""

import signal
import subprocess
import sys
from pathlib import Path

import clock_trees
import pytest

from pytest_numa.conditions import governors
from pytest_numa.errors import HostError

CPUS = frozenset(range(4))
BEFORE = ["powersave", "powersave", "balance_performance", "balance_performance"]
UNDER = ["performance", "performance", "balance_performance", "balance_performance"]

# Dies at the given call that reaches a file, just before or just after it.
KILLED = r"""
import os, signal, sys
from pathlib import Path
from pytest_numa.conditions import governors

moment, root, noted = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
count = 0

def profile(frame, event, argument):
    global count
    name = getattr(argument, "__name__", "")
    if event in ("c_call", "c_return") and name in ("write", "fsync", "replace", "unlink"):
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

domains = governors.of_cpus(frozenset(range(4)), root)
sys.setprofile(profile)
with governors.held("performance", domains, noted):
    # As the driver does where the governor decides on the preference, too.
    for domain in domains:
        with open(domain.folder / "energy_performance_preference", "r+") as file:
            file.write("performance\n")
sys.setprofile(None)
print(count)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return clock_trees.build(tmp_path / "host")


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    return tmp_path / "governors.json"


def killed(root: Path, noted: Path, *, moment: int) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", KILLED, str(moment), str(root), str(noted)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_the_governor_holds_for_the_block_and_the_old_one_after_it(root: Path, noted: Path) -> None:
    with governors.held("performance", governors.of_cpus(CPUS, root), noted):
        assert clock_trees.seen(root) == UNDER

    assert clock_trees.seen(root) == BEFORE
    assert not noted.exists()


def test_only_the_clocks_of_the_policys_cpus_are_set(root: Path, noted: Path) -> None:
    with governors.held("performance", governors.of_cpus(frozenset({2}), root), noted):
        assert clock_trees.seen(root)[:2] == ["powersave", "performance"]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), HostError("the service died"), SystemExit()]
)
def test_the_old_governor_is_back_after_any_end_of_the_block(
    root: Path, noted: Path, error: BaseException
) -> None:
    with (
        pytest.raises(type(error)),
        governors.held("performance", governors.of_cpus(CPUS, root), noted),
    ):
        raise error

    assert clock_trees.seen(root) == BEFORE
    assert not noted.exists()


def test_a_preference_that_changed_with_the_governor_is_put_back(root: Path, noted: Path) -> None:
    domains = governors.of_cpus(CPUS, root)

    with governors.held("performance", domains, noted):
        (domains[0].folder / "energy_performance_preference").write_text("performance\n")

    assert clock_trees.seen(root) == BEFORE


def test_the_speed_of_the_governor_userspace_is_put_back(root: Path, noted: Path) -> None:
    (domain,) = governors.of_cpus(frozenset({0}), root)
    (domain.folder / "scaling_governor").write_text("userspace\n")
    speed = domain.folder / "scaling_setspeed"
    speed.write_text("2400000\n")

    with governors.held("performance", [domain], noted):
        speed.write_text("<unsupported>\n")

    assert domain.governor == "userspace"
    assert speed.read_text().splitlines()[0] == "2400000"


@pytest.mark.parametrize("moment", range(25))
def test_the_next_session_puts_back_what_a_killed_one_has_set(
    root: Path, noted: Path, moment: int
) -> None:
    done = killed(root, noted, moment=moment)

    governors.put_back(noted)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert clock_trees.seen(root) == BEFORE
    assert [path.name for path in noted.parent.iterdir()] == ["host"]


def test_a_killed_session_has_left_another_governor(root: Path, noted: Path) -> None:
    killed(root, noted, moment=12)

    assert clock_trees.seen(root) != BEFORE
    assert noted.exists()


def test_a_governor_that_somebody_else_has_set_meanwhile_is_left_to_them(
    root: Path, noted: Path
) -> None:
    killed(root, noted, moment=12)
    policy = root / "sys/devices/system/cpu/cpufreq/policy0"
    (policy / "scaling_governor").write_text("schedutil\n")

    governors.put_back(noted)

    assert clock_trees.seen(root)[:2] == ["schedutil", "powersave"]


def test_clocks_of_cpus_that_were_switched_off_meanwhile_are_nothing_to_put_back(
    root: Path, noted: Path
) -> None:
    killed(root, noted, moment=12)
    (root / "sys/devices/system/cpu/cpufreq/policy0").rename(root / "policy0")

    governors.put_back(noted)

    assert not noted.exists()


def test_a_governor_that_cannot_be_put_back_is_an_error_that_says_what_to_type(
    root: Path, noted: Path
) -> None:
    killed(root, noted, moment=12)
    file = root / "sys/devices/system/cpu/cpufreq/policy0/energy_performance_preference"
    file.unlink()
    # Not even root can write to a folder.
    file.mkdir()

    with pytest.raises(HostError, match=f"echo balance_performance > {file}: Is a directory"):
        governors.put_back(noted)

    assert noted.exists()


def test_a_damaged_note_is_not_taken_for_none(noted: Path) -> None:
    noted.write_text('[{"folder": "/sys"')

    with pytest.raises(HostError, match="expected what CPU governors were before a session"):
        governors.put_back(noted)

    assert noted.exists()


def test_nothing_noted_is_nothing_to_put_back(noted: Path) -> None:
    governors.put_back(noted)

    assert not noted.exists()


def test_a_host_without_clocks_to_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sys/devices/system/cpu/cpufreq").mkdir(parents=True)

    with pytest.raises(HostError, match=r"found none for CPUs 0-3 below .*a virtual machine"):
        governors.check(["performance"], CPUS, tmp_path)


def test_a_cpu_without_a_clock_is_named(root: Path) -> None:
    with pytest.raises(HostError, match="found none for CPUs 4 below"):
        governors.check(["performance"], CPUS | {4}, root)


def test_a_governor_that_is_not_offered_is_refused_with_those_that_are(root: Path) -> None:
    with pytest.raises(HostError, match=r"\(performance, powersave\), found 'ondemand'"):
        governors.check(["performance", "ondemand"], CPUS, root)


def test_a_governor_that_cannot_be_written_is_refused(root: Path) -> None:
    (root / "sys/devices/system/cpu/cpufreq/policy2/scaling_governor").unlink()

    with pytest.raises(HostError, match="policy2/scaling_governor cannot be written: run as root"):
        governors.check(["performance"], CPUS, root)


def test_a_governor_that_does_not_take_is_an_error_and_nothing_stays(
    root: Path, noted: Path
) -> None:
    domains = governors.of_cpus(CPUS, root)
    (domains[1].folder / "scaling_governor").unlink()
    (domains[1].folder / "scaling_governor").symlink_to("/dev/null")

    with (
        pytest.raises(HostError, match="expected 'performance' after it was set, found ''"),
        governors.held("performance", domains, noted),
    ):
        pass

    assert domains[0].governor == "powersave"


def test_no_wish_is_checked_against_nothing(tmp_path: Path) -> None:
    governors.check([], CPUS, tmp_path)
