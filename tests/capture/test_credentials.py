"""Secrets of a command line go, however they are written; all other words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.capture import credentials
from pytest_numa.capture.blanking import Blanker

BLANKER = Blanker(names=("gpu-box-17",))
SECRET = "s3cr3tValue"  # noqa: S105 - what must not survive
NAMES = [
    *("--api-key", "--token", "--hf-token", "--password", "--secret", "--auth", "-k", "-hft"),
    *("--openai-apikey", "--secretKey", "--ssl-keyfile-password", "--admin-api-key", "-api_key"),
    *(
        "--access-tokens",
        "--passphrase",
        "--db-pass",
        "--credential",
        "--oauth2",
        "--AUTHORIZATION",
    ),
]


@pytest.mark.parametrize(
    "words",
    [
        *([name, SECRET] for name in NAMES),
        *([f"{name}={SECRET}"] for name in NAMES if name not in ("-k", "-hft")),
        ["--api-key", "one", SECRET],
        ["--api-key", f"-{SECRET}"],
        ["--password", f"$!{SECRET}"],
        [f"HF_TOKEN={SECRET} and more"],
        [f"--env=HF_TOKEN={SECRET}"],
        [f"sh -c 'gho_credential={SECRET}'"],
        ["-e", f"AWS_SECRET_ACCESS_KEY={SECRET}"],
        [f"-eMYSQL_PWD={SECRET}"],
        [f"db.password={SECRET}"],
        ["-H", f"Authorization: Bearer {SECRET}"],
        ["-H", f"X-Api-Key: {SECRET}"],
        ["-H", f"Cookie: session={SECRET}; x={SECRET}"],
        ["-u", f"alice:{SECRET}"],
        [f"https://user:{SECRET}@host/x"],
        [f"https://{SECRET}@host/x"],
        [f"redis://:pa/{SECRET}@host/0"],
        [f"https://host/x?a=1&api_key={SECRET}&b=2"],
        [f"hf_{SECRET}"],
        [f"sk-{SECRET}"],
        [f"github_pat_{SECRET}"],
        [f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n"],
        [f'{{"api_key": "{SECRET}", "port": 1}}'],
        [f'{{"api_keys": ["a", "{SECRET}"]}}'],
        [f"['--api-key', '{SECRET}']"],
        ["sh", "-c", f"exec serve --api-key {SECRET}"],
        ["sh", "-c", f"serve --api-key '{SECRET} x'"],
        ["sh", "-c", f"sh -c 'serve --api-key {SECRET}'"],
        ["sh", "-c", f"TOKEN={SECRET} serve"],
        ["sh", "-c", f"curl -H 'Authorization: Bearer {SECRET}' http://127.0.0.1"],
        ["python", "-c", f'API_TOKEN = "{SECRET}"\nrun()'],
        [f"vllm serve --api-key {SECRET}"],
    ],
    ids=repr,
)
def test_a_secret_goes(words: list[str]) -> None:
    found = BLANKER.argv("\0".join(["server", *words, "--port", "8000", ""]))

    assert SECRET not in found.text
    assert found.text.startswith("server\0")
    assert found.text.endswith("\0--port\08000\0")
    assert found.what


@pytest.mark.parametrize(
    "words",
    [
        ["--max-tokens", "4096"],
        ["--max-num-batched-tokens=8192"],
        ["--tokenizer", "/srv/models/qwen"],
        ["--tokenizer-mode=auto"],
        ["--eos-token-id", "2"],
        ["--model", "Qwen/Qwen3-8B"],
        ["--numa-node", "0"],
        ["--host", "127.0.0.1"],
        ["--host=0.0.0.0"],
        ["--host", "::1"],
        ["--cpu-mask", "0000ffff:0000:00"],
        ["--cpus", "0:1:2:3:4:5:6:7"],
        ["--device", "0000:3b:00.0"],
        ["VLLM_CPU_OMP_THREADS_BIND=0-15|16-31"],
        ["--monkey", "banana"],
        ["--author", "nobody"],
        ["--bypass", "yes"],
        ["keymap=us"],
        ["--user", "1000:1000"],
        ["http://127.0.0.1:8000/v1/models"],
        ["--rope-scaling", '{"type": "yarn", "factor": 4.0}'],
        ["sh", "-c", "exec numactl --membind=0 'serve' --port 1 && echo \"done\""],
        ["image@sha256:0a1b2c"],
        [""],
        ["'"],
        ['a"b'],
    ],
    ids=repr,
)
def test_what_is_no_secret_stays(words: list[str]) -> None:
    text = "\0".join(["server", *words, ""])

    assert BLANKER.argv(text).text == text


def test_what_follows_a_secret_is_told_and_the_next_option_stays() -> None:
    found = BLANKER.argv("serve\0--api-key\0a\0b\0--auth-required\0--port\08000\0TOKEN=x\0")

    assert found.text == (
        "serve\0--api-key\0blanked\0blanked\0--auth-required\0--port\08000\0TOKEN=blanked\0"
    )
    assert found.what == ("the argument after --api-key", "the value of TOKEN")


def test_passwords_go_from_the_kernel_s_command_line_also_in_quotes() -> None:
    found = BLANKER.words(f'quiet password="a {SECRET}" grub.passwd={SECRET} ro nohz_full=1-7')

    assert found.text == 'quiet password="blanked" grub.passwd=blanked ro nohz_full=1-7'


def test_bytes_that_are_no_text_hide_nothing() -> None:
    text = (b"serve\0--x\xff\0--api-key\0" + SECRET.encode() + b"\xfe\0").decode(
        errors="surrogateescape"
    )

    assert BLANKER.argv(text).text.encode(errors="surrogateescape") == (
        b"serve\0--x\xff\0--api-key\0blanked\0"
    )


WORDS = st.text(
    st.one_of(
        st.sampled_from(" \t\n=:@/.-_'\"\\[]{},"),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    max_size=30,
)
LINES = st.lists(
    st.one_of(
        WORDS,
        st.sampled_from(NAMES),
        st.sampled_from(
            ["TOKEN=", "Authorization: Bearer ", "--port", "hf_", "-u", "'", "x --key"]
        ),
    ),
    max_size=6,
)


@given(LINES)
def test_blanking_twice_changes_nothing_more(words: list[str]) -> None:
    once = BLANKER.argv("\0".join(words)).text

    assert BLANKER.argv(once).text == once


@given(LINES, st.sampled_from(NAMES))
def test_a_secret_goes_whatever_stands_before_it(words: list[str], option: str) -> None:
    found = BLANKER.argv("\0".join([*words, option, SECRET, ""]))

    assert SECRET not in found.text


@given(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8),
    st.sampled_from(["token", "secret", "passwd", "credential", "auth", "api-key"]),
    st.sampled_from(["--{}-{}={}", "{}_{}={}", "sh -c '{}_{}={}'", '{{"{}_{}": "{}"}}']),
)
def test_a_named_secret_goes_whatever_its_prefix(prefix: str, name: str, shape: str) -> None:
    found = BLANKER.argv(shape.format(prefix, name, SECRET))

    assert SECRET not in found.text


@given(st.lists(st.from_regex(r"\A(?:--)?[a-j]{2,8}(?:=[0-9]{1,5})?\Z"), max_size=8))
def test_words_that_name_no_secret_survive(words: list[str]) -> None:
    text = "\0".join(words)

    assert BLANKER.argv(text).text == text


@pytest.mark.parametrize("word", ["a", "a.", "--x", "= ", "'", "\\", ":", "://", "a@", "0:"])
def test_a_very_long_word_is_done_with(word: str) -> None:
    text = word * (50_000 // len(word))

    assert len(credentials.inside(BLANKER.argv(text).text, {})) > 1
