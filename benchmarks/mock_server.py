"""mock_server.c, built and run: a server whose tokens leave at known times."""

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_STOP_S = 20


@dataclass
class Mock:
    """A running server; once it has ended, its records by the first 31 characters of the prompt."""

    url: str
    records: dict[str, dict[str, Any]] = field(default_factory=dict)


def build(folder: Path) -> Path:
    """Compile the server; SystemExit where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("needs a C compiler: gcc or cc")
    program = folder / "mock_server"
    source = Path(__file__).with_name("mock_server.c")
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program


@contextlib.contextmanager
def running(program: Path, *options: str, cpu: int) -> Iterator[Mock]:
    """The server on one CPU; ``options`` are those of mock_server.c."""
    log = program.with_name("log.jsonl")
    argv = ["taskset", "--cpu-list", str(cpu), str(program), "--log", str(log), *options]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        mock = Mock(url=f"http://127.0.0.1:{int(process.stdout.readline())}")
        try:
            yield mock
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_S)
    for line in log.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        mock.records[record["key"]] = record
