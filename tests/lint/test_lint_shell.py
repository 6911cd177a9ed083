"""What only a shell understands, on the command line and in variables."""

import pytest
from lint_sample import GENERIC, LLAMA, VLLM, findings, text


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        (f"{GENERIC} > /var/log/x", "StandardOutput=append:FILE has it in a file"),
        (f"{GENERIC} | tee x", "the journal has what the server prints"),
        (f"{GENERIC} || true", "Restart=on-failure starts the server again"),
        (f"/opt/prepare && {GENERIC}", "into ExecStartPre="),
        (f"{GENERIC} &", "systemd does not wait"),
        (f"{GENERIC} -t $(nproc)", "write what it prints"),
        (f"{GENERIC} # pinned", "on a line of its own"),
        (f"{GENERIC} ~/m", "write the whole path"),
        (f"{GENERIC} --cache=~/m", "write the whole path"),
        ("/usr/bin/llama-server -t 4 --no-mmap -m /srv/*.gguf", "write the file's name"),
        (f"{GENERIC} –verbose", "write - and"),  # noqa: RUF001 - what is looked for
        (f"{GENERIC} “a”", "write - and"),
        (f"{GENERIC} --port=$PORT", "write the value itself, or ${PORT}"),
        (f"{GENERIC} $HOME/m", "write the value itself, or ${HOME}"),
        (f"{GENERIC} --port ${{PORT:-8000}}", "Environment=PORT= with the default"),
        (f"{GENERIC} $PORT", "write Environment=PORT=VALUE"),
    ],
)
def test_each_has_a_fix_of_its_own(command: str, fix: str) -> None:
    (told,) = findings(text(command=command))

    assert "ExecStart=" in told.subject
    assert fix in told.fix


@pytest.mark.parametrize("name", ["PATH", "LD_LIBRARY_PATH"])
def test_a_list_that_is_to_be_added_to_is_found(name: str) -> None:
    (told,) = findings(text(f"Environment={name}=/opt/v/bin:${name}"))

    assert (told.subject, told.fix.startswith("write the list out")) == (
        f"Environment={name}",
        True,
    )


@pytest.mark.parametrize(
    "unit_text",
    [
        text(command=f"{GENERIC} /srv/m~1 /srv/m#2 'a –b' --allowed '[\"*\"]' --pattern /srv/*"),  # noqa: RUF001 - an argument of several words
        text(command=f"{GENERIC} --price 5$$ --name a$$b"),
        text(command=f":{GENERIC} --price=$x"),
        text("Environment=PORT=1", command=f"{GENERIC} --port=${{PORT}} $PORT"),
        text("Environment=PRICE=5$$ HF_HOME=$HOME/hf"),
        text(command=f"/bin/sh -c 'exec {LLAMA} --port ${{PORT:-8000}} -c $SIZE'"),
        text(command=f"{GENERIC} --then 'sh -c \"echo a$x\"'"),
        text("Environment=PATH=/opt/vllm/bin:/usr/bin", command=VLLM),
    ],
)
def test_what_is_meant_as_it_stands_has_no_finding(unit_text: str) -> None:
    assert findings(unit_text) == []
