from pathlib import Path

import pytest

from pytest_numa.errors import ParseError
from pytest_numa.kernel import mountinfo
from pytest_numa.kernel.mountinfo import Mount


@pytest.mark.parametrize(
    ("line", "mount"),
    [
        (
            "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
            Mount(
                root="/",
                mount_point="/sys/fs/cgroup/unified",
                kind="cgroup2",
                super_options=frozenset({"rw"}),
            ),
        ),
        (
            (
                "33 32 0:29 /docker/a1 /sys/fs/cgroup/cpu,cpuacct ro shared:9 master:1 - cgroup "
                "cgroup rw,cpu,cpuacct"
            ),
            Mount(
                root="/docker/a1",
                mount_point="/sys/fs/cgroup/cpu,cpuacct",
                kind="cgroup",
                super_options=frozenset({"rw", "cpu", "cpuacct"}),
            ),
        ),
        (
            r"90 27 8:1 / /mnt/my\040disk rw - ext4 /dev/sda1 rw",
            Mount(
                root="/",
                mount_point="/mnt/my disk",
                kind="ext4",
                super_options=frozenset({"rw"}),
            ),
        ),
    ],
)
def test_a_mount_is_read_whatever_optional_fields_it_has(line: str, mount: Mount) -> None:
    assert mountinfo.parse(f"{line}\n", source="mountinfo") == (mount,)


def test_the_running_kernel_is_understood() -> None:
    path = Path("/proc/self/mountinfo")

    mounts = mountinfo.parse(path.read_text(), source=str(path))

    assert "proc" in {mount.kind for mount in mounts}


@pytest.mark.parametrize("line", ["?", "1 2 0:3 / /a rw cgroup2 none rw", "1 2 / /a - x y z"])
def test_a_line_in_another_format_is_refused(line: str) -> None:
    with pytest.raises(ParseError, match=r"^m:1: expected ID PARENT DEVICE"):
        mountinfo.parse(line, source="m")
