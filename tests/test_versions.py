"""What a session says that it ran on and with."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_numa import versions


def test_a_small_file_is_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"abc")

    # sha256sum of it, cut.
    assert versions.hashed(path) == "sha256:ba7816bf8f01cfea"


def test_a_large_file_is_hashed_by_samples_that_see_its_ends_and_its_size(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    before = versions.hashed(path)
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")

    after = versions.hashed(path)

    assert before.startswith("sha256 of samples:")
    assert after != before


def test_what_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    assert versions.hashed(tmp_path / "absent") == ""


def test_a_python_server_is_named_by_its_packages() -> None:
    pytest.importorskip("xllamacpp", reason="needs the extra: pip install 'pytest-numa[llamacpp]'")

    assert "xllamacpp " in versions._server(sys.executable)


def test_a_script_is_named_by_the_packages_of_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "vllm"
    script.write_text(f"#!{sys.executable}\n", encoding="utf-8")

    assert versions._server(str(script)) == versions._server(sys.executable)


def test_a_binary_is_named_with_its_hash() -> None:
    assert versions._server("/bin/true").startswith("true sha256:")


def test_a_server_that_is_not_there_is_named() -> None:
    assert versions._server("/nowhere/llama-server") == "llama-server"


def test_models_are_found_in_the_command_line_and_nothing_else_is(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"x" * 2**20)
    folder = tmp_path / "hf"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    small = tmp_path / "small.conf"
    small.write_text("x", encoding="utf-8")

    found = list(
        versions._models(
            (f"--model={model}", str(folder), str(small), "--port", "8000", "org/name")
        )
    )

    assert [one.split()[0] for one in found] == ["m.gguf", "hf"]


def test_a_word_that_is_no_path_is_no_model(tmp_path: Path) -> None:
    words = ("/" + "x" * 5000, "/proc/1/root/nowhere", "--x=/dev/null", str(tmp_path))

    assert list(versions._models(words)) == []


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="asks Debian's packages")
def test_numactl_is_named_as_its_package_names_it() -> None:
    asked = ["dpkg-query", "--show", "--showformat=${Version}", "numactl"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout

    assert versions._numactl() == told
