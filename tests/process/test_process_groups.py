"""What the kernel accounts to a service's cgroup, of version 2 and of version 1."""

from pathlib import Path

from process_trees import add_process

from pytest_numa import process

UNIFIED = "0::/system.slice/x.service/sub\n"
MOUNT = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def write(folder: Path, **texts: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)


def host(root: Path, *, cgroup: str = UNIFIED, mounts: str = MOUNT) -> Path:
    directory = add_process(root, 71)
    (directory / "cgroup").write_text(cgroup)
    write(root / "proc/self", mountinfo=mounts)
    return root


def test_the_cgroup_of_a_service_is_its_unit_s_also_where_the_service_divides_it(
    tmp_path: Path,
) -> None:
    service = host(tmp_path) / "sys/fs/cgroup/system.slice/x.service"
    write(service, cgroup__procs="70\n", cpuset__cpus__effective="2-3\n")
    write(service / "sub", cgroup__procs="71\n0\n", cpuset__mems__effective="1\n")

    found = process.read_cgroups(71, tmp_path)

    assert [one.path for one in found.all] == [
        "/system.slice/x.service",
        "/system.slice/x.service/sub",
    ]
    assert found.pids == {70, 71}
    assert found.all[0].cpus_effective == frozenset({2, 3})
    assert found.all[0].nodes_effective is None
    assert found.all[1].nodes_effective == frozenset({1})
    assert found.is_unified


def test_memory_that_a_policy_places_is_the_anonymous_and_the_shared(tmp_path: Path) -> None:
    service = host(tmp_path) / "sys/fs/cgroup/system.slice/x.service"
    write(service, memory__numa_stat="anon N0=1 N1=20\nfile N0=500 N1=0\nshmem N0=300 N1=0\n")

    (found,) = process.read_cgroups(71, tmp_path).all

    assert found.placed_by_node == {0: 301, 1: 20}


def test_a_login_session_is_no_service_s_cgroup(tmp_path: Path) -> None:
    host(tmp_path, cgroup="0::/user.slice/user-0.slice/session-3.scope\n")
    write(tmp_path / "sys/fs/cgroup/user.slice/user-0.slice/session-3.scope", cgroup__procs="71\n")

    assert process.read_cgroups(71, tmp_path).all == ()


def test_a_container_s_scope_is_a_service_s_cgroup(tmp_path: Path) -> None:
    name = f"docker-{'ab' * 32}.scope"
    host(tmp_path, cgroup=f"0::/system.slice/{name}\n")
    write(tmp_path / "sys/fs/cgroup/system.slice" / name, cgroup__procs="71\n")

    (found,) = process.read_cgroups(71, tmp_path).all

    assert found.path == f"/system.slice/{name}"


def test_on_a_hybrid_host_each_controller_is_read_where_it_is(tmp_path: Path) -> None:
    host(
        tmp_path,
        cgroup="5:cpuset:/x.service\n4:memory:/m/x.service\n1:name=systemd:/x.service\n"
        "0::/x.service\n",
        mounts="30 1 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "31 1 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "32 1 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
    )
    base = tmp_path / "sys/fs/cgroup"
    write(base / "unified/x.service", cgroup__procs="71\n")
    write(base / "memory/m/x.service", memory__numa_stat="total=3 N0=3\nanon=2 N0=2\n")
    write(base / "cpuset/x.service", cpuset__effective_cpus="4\n")

    found = process.read_cgroups(71, tmp_path)

    assert not found.is_unified
    assert found.all[0].path == "/x.service"
    assert found.all[0].cpus_effective == frozenset({4})
    assert found.all[0].placed_by_node == {0: 8192}


def test_a_capture_without_mounts_is_read_where_cgroups_usually_are(tmp_path: Path) -> None:
    directory = add_process(tmp_path, 71)
    (directory / "cgroup").write_text(UNIFIED)
    write(tmp_path / "sys/fs/cgroup/system.slice/x.service/sub", cgroup__procs="71\n")

    assert process.read_cgroups(71, tmp_path).pids == {71}


def test_a_service_is_its_cgroup_and_what_descends_from_its_main_process(tmp_path: Path) -> None:
    service = host(tmp_path) / "sys/fs/cgroup/system.slice/x.service"
    write(service, cgroup__procs="71\n72\n")
    add_process(tmp_path, 72, ppid=1)
    add_process(tmp_path, 90, ppid=71)
    add_process(tmp_path, 91, ppid=90)
    add_process(tmp_path, 95, ppid=1)

    found = process.ServiceProcesses(main_pid=71, has_own_cgroup=True, root=tmp_path)

    assert found.pids == {71, 72, 90, 91}


def test_without_a_cgroup_of_its_own_only_descent_counts(tmp_path: Path) -> None:
    write(host(tmp_path) / "sys/fs/cgroup/system.slice/x.service", cgroup__procs="71\n72\n")

    found = process.ServiceProcesses(main_pid=71, has_own_cgroup=False, root=tmp_path)

    assert found.pids == {71}
    assert found.cgroups().all == ()
