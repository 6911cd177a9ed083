"""A service for the guest that takes CPUs and memory as it is told; the interpreter's own only.

It says that it is ready by READY=1, as sd_notify(3) has it, so that `systemctl start` waits for it.
"""

import argparse
import mmap
import os
import signal
import socket
import threading
import time
from pathlib import Path

_MIB = 2**20
# asm/unistd_64.h and linux/mempolicy.h of the kernel.
_SET_MEMPOLICY = 238
_MPOL_BIND = 2
_MAP_HUGETLB = 0x40000

_kept: list[mmap.mmap] = []


def touched(memory: mmap.mmap) -> None:
    for at in range(0, len(memory), mmap.PAGESIZE):
        memory[at] = 1
    _kept.append(memory)


def anonymous(mib: int, flags: int = 0) -> mmap.mmap:
    return mmap.mmap(-1, mib * _MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)


def read_through(path: Path) -> None:
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
    for at in range(0, len(memory), mmap.PAGESIZE):
        memory[at]
    _kept.append(memory)


def written(path: Path, mib: int) -> None:
    with path.open("w+b") as file:
        file.truncate(mib * _MIB)
        touched(mmap.mmap(file.fileno(), 0))


def bind_to(node: int) -> None:
    import ctypes  # noqa: PLC0415 - its import takes a second under emulation

    mask = ctypes.c_ulong(1 << node)
    bits = ctypes.c_ulong(64)
    if ctypes.CDLL(None).syscall(_SET_MEMPOLICY, _MPOL_BIND, ctypes.byref(mask), bits):
        raise OSError("set_mempolicy")


def pinned_elsewhere(cpu: int, for_s: float) -> None:
    """What a thread does that pins itself: for ever, or for a while at each SIGUSR1."""
    before = os.sched_getaffinity(0)
    while for_s:
        signal.sigwait({signal.SIGUSR1})
        os.sched_setaffinity(0, {cpu})
        time.sleep(for_s)
        os.sched_setaffinity(0, before)
    os.sched_setaffinity(0, {cpu})
    time.sleep(9999)


def child(cpu: int | None, group: str | None, name: str) -> None:
    if os.fork() == 0:
        if name:
            Path("/proc/self/comm").write_text(name)
        if group is not None:
            own = Path("/proc/self/cgroup").read_text().strip().partition("::")[2]
            folder = Path("/sys/fs/cgroup", own.lstrip("/"), group)
            folder.mkdir(exist_ok=True)
            (folder / "cgroup.procs").write_text("0")
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        touched(anonymous(2))
        signal.pause()


def say_ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"READY=1", address.replace("@", "\0", 1))


def main() -> None:
    parser = argparse.ArgumentParser()
    add = parser.add_argument
    add("--mib", type=int, default=8)
    add("--first-on", type=int)
    add("--bind-first", type=int)
    add("--hugetlb-mib", type=int, default=0)
    add("--map", type=Path)
    add("--create", type=Path)
    add("--repin", type=int)
    add("--repin-for", type=float, default=0.0)
    add("--children", type=int, default=0)
    add("--child-cpu", type=int)
    add("--child-group")
    add("--child-name", default="")
    told = parser.parse_args()
    for _ in range(told.children):
        child(told.child_cpu, told.child_group, told.child_name)
    if told.first_on is not None:
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {told.first_on})
        touched(anonymous(told.mib))
        os.sched_setaffinity(0, own)
    elif told.bind_first is not None:
        bind_to(told.bind_first)
        touched(anonymous(told.mib))
        bind_to(1)
    else:
        touched(anonymous(told.mib))
    if told.hugetlb_mib:
        touched(anonymous(told.hugetlb_mib, _MAP_HUGETLB))
    if told.map:
        read_through(told.map)
    if told.create:
        written(told.create, 8)
    if told.repin is not None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        arguments = (told.repin, told.repin_for)
        threading.Thread(target=pinned_elsewhere, args=arguments, daemon=True).start()
        time.sleep(0.5)
    say_ready()
    signal.pause()


main()
