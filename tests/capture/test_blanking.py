"""What is private goes, and what a machine is made of stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.capture.blanking import Blanker

BLANKER = Blanker(hostname="gpu-box-17")
SECRET = "s3cr3tValue"  # noqa: S105 - what must not survive


@pytest.mark.parametrize(
    "words",
    [
        ("--api-key", SECRET),
        (f"--api-key={SECRET}",),
        ("--hf-token", SECRET),
        (f"HF_TOKEN={SECRET}",),
        (f"--ssl-key-password={SECRET}",),
        ("--auth", SECRET),
        ("-H", f"Authorization: Bearer {SECRET}"),
        (f"https://user:{SECRET}@host/x",),
        (f"hf_{SECRET}",),
        (f"sk-{SECRET}",),
        (f"AWS_SECRET_ACCESS_KEY={SECRET}",),
        (f"db.password={SECRET}",),
        ("--credential", SECRET),
    ],
    ids=" ".join,
)
def test_a_secret_on_a_command_line_goes(words: tuple[str, ...]) -> None:
    found = BLANKER.argv("\0".join(["server", *words, "--port", "8000", ""]))

    assert SECRET not in found.text
    assert found.text.endswith("\0--port\08000\0")
    assert found.what


@pytest.mark.parametrize(
    "words",
    [
        ("--max-tokens", "4096"),
        ("--max-num-batched-tokens=8192",),
        ("--tokenizer", "/srv/models/qwen"),
        ("--model", "Qwen/Qwen3-8B"),
        ("--numa-node", "0"),
        ("--host", "127.0.0.1"),
        ("--host=0.0.0.0",),
        ("--cpu-mask", "0000ffff:0000:00"),
        ("--device", "0000:3b:00.0"),
        ("VLLM_CPU_OMP_THREADS_BIND=0-15",),
        ("--monkey", "banana"),
    ],
    ids=" ".join,
)
def test_what_is_no_secret_stays(words: tuple[str, ...]) -> None:
    text = "\0".join(["server", *words, ""])

    assert BLANKER.argv(text).text == text


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("root=UUID=3f2a9c1e-aa11-4b22-8c33-0123456789ab ro", f"root=UUID={'0' * 8}-0000"),
        ("ip=10.20.30.40::10.20.30.1", "ip=192.0.2.1::192.0.2.1"),
        ("ifname=eth0:0c:c4:7a:11:22:33", "eth0:00:00:00:00:00:00"),
        ("systemd.hostname=gpu-box-17", "systemd.hostname=host"),
        ("systemd.machine_id=0123456789abcdef0123456789abcdef", f"machine_id={'0' * 32}"),
        ("nfsroot=[fd00:12:34:56::9]:/srv", "[2001:db8::1]:/srv"),
    ],
)
def test_the_kernel_s_command_line_loses_names_and_numbers_of_the_host(
    text: str, blanked: str
) -> None:
    assert blanked in BLANKER.words(text).text


def test_names_in_paths_go_and_the_structure_stays() -> None:
    line = "7f00 bind:0 file=/home/alice/m/gpu-box-17/w.gguf mapped=5 N0=5 kernelpagesize_kB=4\n"

    found = BLANKER.paths(line)

    assert found.text == line.replace("alice", "user").replace("gpu-box-17", "host")
    assert set(found.what) == {"the host's name", "a user's name"}


@pytest.mark.parametrize("name", ["", "a", "pc"])
def test_a_host_of_a_very_short_name_is_not_looked_for_everywhere(name: str) -> None:
    text = "a pc is a pc\n"

    assert Blanker(hostname=name).paths(text).text == text


WORDS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30)


@given(st.lists(WORDS, max_size=6))
def test_blanking_twice_changes_nothing_more(words: list[str]) -> None:
    once = BLANKER.argv("\0".join(words)).text

    assert BLANKER.argv(once).text == once


@given(st.lists(WORDS, max_size=4), st.sampled_from(["--api-key", "--token", "--my-secret"]))
def test_a_secret_goes_whatever_stands_before_it(words: list[str], option: str) -> None:
    found = BLANKER.argv("\0".join([*words, option, SECRET, ""]))

    assert SECRET not in found.text
