"""Builds /proc trees of processes for tests."""

from pathlib import Path

_STAT = (
    "{tid} (server {tid}) {state} {ppid} 1 1 0 -1 0 0 0 0 0 30 12 0 0 20 0 1 0 {start} "
    "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 5 0 0 0 0 0\n"
)
_STATUS = (
    "Name:\tserver {tid}\nState:\t{state} (x)\nTgid:\t{pid}\nPid:\t{tid}\nPPid:\t{ppid}\n"
    "Threads:\t1\nCpus_allowed_list:\t4-5\nMems_allowed_list:\t0-1\n"
)


def add_process(
    root: Path,
    pid: int,
    *,
    ppid: int = 1,
    state: str = "S",
    numa_maps: str | None = "",
    tids: tuple[int, ...] = (),
) -> Path:
    """Add a process that started at tick 900 + ``pid``, and return its directory."""
    directory = root / "proc" / str(pid)
    for task in (directory, *(directory / f"task/{tid}" for tid in tids or (pid,))):
        facts = {"tid": task.name, "pid": pid, "ppid": ppid, "state": state, "start": 900 + pid}
        task.mkdir(parents=True, exist_ok=True)
        (task / "stat").write_text(_STAT.format(**facts))
        (task / "status").write_text(_STATUS.format(**facts))
    (directory / "cmdline").write_bytes(b"server\0--port\0008000\0")
    if numa_maps is not None:
        (directory / "numa_maps").write_text(numa_maps)
    return directory
