"""What is private in the files of a host goes; what they say of the machine is read the same."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.capture import texts
from pytest_numa.capture.blanking import Blanker
from pytest_numa.kernel import cgroup, maps, mountinfo, numa_maps, stat

NAME = "gpu-box-17"
NUMA_MAPS = sorted((Path(__file__).parents[3] / "shared/samples/numa_maps").glob("*"))


def blanked(path: str, text: str, name: str = NAME) -> str:
    return texts.blank(PurePath(path), text, Blanker(names=(name,))).text


def test_names_in_paths_go_and_the_structure_stays() -> None:
    line = f"7f00 bind:0 file=/home/alice/m/{NAME}/w.gguf mapped=5 N0=5 kernelpagesize_kB=4\n"

    found = texts.blank(PurePath("proc/1/numa_maps"), line, Blanker(names=(NAME,)))

    assert found.text == line.replace("alice", "user").replace(NAME, "host")
    assert set(found.what) == {"the host's name", "a user's name"}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("proc/sys/kernel/hostname", "pc\n", "host\n"),
        ("proc/1/comm", f"{NAME}\n", "host\n"),
        ("proc/1/task/1/stat", f"1 ({NAME}) S 0 1", "1 (host) S 0 1"),
        ("proc/1/status", f"Name:\t{NAME}\nUmask:\t0022\n", "Name:\thost\nUmask:\t0022\n"),
        ("proc/1/sched", f"{NAME} (1, #threads: 2)\n---\n", "host (1, #threads: 2)\n---\n"),
        (
            "proc/swaps",
            f"Filename\tType\n/dev/mapper/vg-{NAME}-swap\tpartition\n",
            "Filename\tType\n/dev/mapper/vg-host-swap\tpartition\n",
        ),
        (
            "proc/1/maps",
            f"1000-2000 r--p 00000000 fe:00 12    /home/al/{NAME}/x y.so (deleted)\n"
            "2000-3000 rw-p 00000000 00:00 0 \n3000-4000 rw-p 00000000 00:00 0    [heap]\n",
            "1000-2000 r--p 00000000 fe:00 12    /home/user/host/x y.so (deleted)\n"
            "2000-3000 rw-p 00000000 00:00 0 \n3000-4000 rw-p 00000000 00:00 0    [heap]\n",
        ),
        (
            "proc/1/mountinfo",
            "36 35 0:31 / /home/al rw shared:1 - nfs4 10.1.2.3:/al rw,vers=4.2,addr=10.1.2.3\n"
            "37 35 0:32 / /mnt/x rw - cifs //nas/x rw,username=al,password=se=cret,cache=strict\n"
            "38 35 0:33 / /d rw - fuse.sshfs al@gpu-box-17:/d rw,user_id=0\n",
            "36 35 0:31 / /home/user rw shared:1 - nfs4 192.0.2.1:/al rw,vers=4.2,addr=192.0.2.1\n"
            "37 35 0:32 / /mnt/x rw - cifs //nas/x rw,username=user,password=blanked,cache=strict\n"
            "38 35 0:33 / /d rw - fuse.sshfs user@host:/d rw,user_id=0\n",
        ),
        (
            "proc/cmdline",
            "root=/dev/disk/by-id/nvme-SAMSUNG_S64GNE0R1 rd.iscsi.initiator=iqn.1994-05.com.x:ab\n",
            "root=/dev/disk/by-id/blanked rd.iscsi.initiator=iqn.1994-05.blanked\n",
        ),
        ("proc/interrupts", " 36: 1 2  enx0cc47a112233-rx-0\n", " 36: 1 2  enx000000000001-rx-0\n"),
    ],
)
def test_each_file_is_blanked_where_people_have_named_things(
    path: str, text: str, expected: str
) -> None:
    assert blanked(path, text) == expected


# Names that a host may have, and that are in the kernel's formats too.
AWKWARD = ["default", "heap", "memory", "Name", "N0", "rw", "nfs4", "cgroup", "cgroup2", "bind"]
AWKWARD += ["anon", "system.slice", "file", "kernelpagesize_kB", "host", "user", "blanked", NAME]
PATHS = (
    st.from_regex(r"\A(/[a-z0-9][a-z0-9._@-]{0,11}){1,4}\Z")
    .map(
        lambda path: (
            path.replace("/x", f"/{NAME}/").replace("/h", "/home/").replace("//", "/").rstrip("/")
        )
    )
    .filter(
        # The kernel shows none of these, and PurePath drops them.
        lambda path: "/./" not in f"{path}/"
    )
)


@given(st.sampled_from(AWKWARD), PATHS, st.sampled_from(["bind:0", "default", "prefer (many):0-1"]))
def test_numa_maps_have_the_same_pages_and_policies(name: str, path: str, policy: str) -> None:
    text = (
        f"7f00 {policy} file={path} mapped=5 active=1 N0=4 N1=1 kernelpagesize_kB=4\n"
        f"7f10 {policy} heap anon=3 dirty=3 N0=3 kernelpagesize_kB=4\n7f20 {policy}\n"
    )

    found = blanked("proc/1/numa_maps", text, name)

    before = [one._replace(file=None) for one in numa_maps.parse(text, source="")]
    after = [one._replace(file=None) for one in numa_maps.parse(found, source="")]
    assert after == before
    assert found.count(" file=") == 1


@given(st.sampled_from(AWKWARD), PATHS)
def test_maps_have_the_same_ranges(name: str, path: str) -> None:
    text = f"1000-2000 r--p 0000f000 fe:00 12    {path}\n2000-3000 rw-p 00000000 00:00 0 [heap]\n"

    found = blanked("proc/1/maps", text, name)

    before = [one._replace(path="") for one in maps.parse(text, source="")]
    after = [one._replace(path="") for one in maps.parse(found, source="")]
    assert after == before


@given(st.sampled_from(AWKWARD), PATHS)
def test_a_path_is_still_on_its_mount_and_in_its_cgroup(name: str, path: str) -> None:
    blanker = Blanker(names=(name,))
    mounts = f"36 35 0:31 {path} /sys/fs/cgroup rw - cgroup cgroup rw,memory\n"
    mounts += f"37 35 0:32 / {path} rw shared:2 - tmpfs tmpfs rw,size=4k,mpol=bind:0\n"

    (group, tmpfs) = mountinfo.parse(
        texts.blank(PurePath("proc/self/mountinfo"), mounts, blanker).text, source=""
    )
    (own,) = cgroup.parse(
        texts.blank(PurePath("proc/1/cgroup"), f"4:memory:{path}\n", blanker).text, source=""
    )
    shown = texts.blank(PurePath("proc/1/numa_maps"), f"7f00 default file={path}", blanker).text
    folder = texts.blank_path(PurePath(f"sys/fs/cgroup/memory{path}/memory.numa_stat"), blanker)

    assert group.super_options == {"rw", "memory"}
    assert own.controllers == {"memory"}
    assert tmpfs.super_options == {"rw", "size=4k", "mpol=bind:0"}
    assert own.path == group.root
    assert f"/{folder}" == f"/sys/fs/cgroup/memory{own.path}/memory.numa_stat"
    assert shown == f"7f00 default file={tmpfs.mount_point}"


@given(st.sampled_from(AWKWARD), st.from_regex(r"\A[ -~]{1,15}\Z"))
def test_stat_and_status_have_the_same_numbers(name: str, comm: str) -> None:
    here = Path("/proc/self/stat").read_text()
    numbers = here[here.rfind(")") + 1 :]
    facts = Path("/proc/self/status").read_text().partition("\n")[2]

    found = stat.parse(blanked("proc/1/stat", f"1 ({comm}){numbers}", name), source="")
    same = stat.parse(f"1 ({found.comm}){numbers}", source="")
    text = blanked("proc/1/status", f"Name:\t{comm}\n{facts}", name)

    assert found == same
    assert text.partition("\n")[2] == facts


@pytest.mark.skipif(not NUMA_MAPS, reason="the captured samples are not on this machine")
@pytest.mark.parametrize("path", NUMA_MAPS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", [NAME, "scylla", "qemu", "deleted"])
def test_captured_numa_maps_are_read_the_same(path: Path, name: str) -> None:
    text = path.read_text()

    found = list(numa_maps.parse(blanked("proc/1/numa_maps", text, name), source=""))

    before = [one._replace(file=None) for one in numa_maps.parse(text, source="")]
    assert [one._replace(file=None) for one in found] == before


@pytest.mark.parametrize("name", ["ab", "localhost", "memory"])
def test_a_host_whose_name_stands_in_everything_is_not_looked_for(name: str) -> None:
    text = f"4:memory:/{name} is {name}\n"

    assert blanked("proc/1/cgroup", text, name) == text
