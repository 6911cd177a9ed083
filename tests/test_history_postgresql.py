"""The history in a real PostgreSQL."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_history import slower_from_the_seventh

from pytest_numa import history_sql
from pytest_numa.errors import HistoryError

PASSWORD = "quite/secret"  # noqa: S105 - of a server that lives for a test


def tools() -> Path | None:
    """The folder of initdb: Debian keeps it off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    usual = shutil.which("initdb")
    return found[-1].parent if found else Path(usual).parent if usual else None


@pytest.fixture
def port() -> Iterator[int]:
    """A server that takes a password, with the role and database `postgres`."""
    pytest.importorskip("sqlalchemy", reason="needs the extra: pip install 'pytest-numa[history]'")
    pytest.importorskip("pg8000", reason="needs the extra: pip install 'pytest-numa[history]'")
    binaries = tools()
    if binaries is None:
        pytest.skip("needs a PostgreSQL server: apt install postgresql")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        free = int(listening.getsockname()[1])
    # It refuses to run as root, and what pytest makes is root's alone.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pytest-numa-pg-"))
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user)
    places = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    own = ("-D", f"{folder}/data")
    control = (f"{binaries}/pg_ctl", *own)
    initdb = (f"{binaries}/initdb", *own, "-N", "-U", "postgres", "-A", "scram-sha-256")
    started = (*control, "-w", "-l", f"{folder}/log", "-o", f"-p {free} {places}", "start")
    how: dict[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    try:
        subprocess.run((*initdb, f"--pwfile={folder}/password"), check=True, **how)
        subprocess.run(started, check=True, **how)
        yield free
        subprocess.run((*control, "-m", "immediate", "stop"), check=True, **how)
    finally:
        shutil.rmtree(folder)


def test_postgresql_gives_back_what_it_got_and_shows_no_password(port: int) -> None:
    url = f"postgresql+pg8000://postgres:quite%2Fsecret@127.0.0.1:{port}/postgres"
    for one in slower_from_the_seventh():
        history_sql.append(url, one)

    found = history_sql.read(url)
    with pytest.raises(HistoryError) as refused:
        history_sql.read(url.replace("quite", "wrong"))

    assert list(found.entries) == slower_from_the_seventh()
    assert "password authentication failed" in str(refused.value)
    assert "secret" not in str(refused.value)
