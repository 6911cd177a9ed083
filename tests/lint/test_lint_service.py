"""Starting, stopping, the sandbox, secrets and addresses."""

import pytest
from lint_sample import GENERIC, GIB, LLAMA, SGLANG, TRITON, VLLM, findings, text

from pytest_numa.lint.around import Surroundings

SERVICE = "SystemCallFilter=@system-service"


@pytest.mark.parametrize(
    ("unit_text", "subject", "found"),
    [
        (text("Type=notify", command=VLLM), "Type=", "notify: the server sends no READY=1"),
        (text("Type=simple"), "Type=", "simple: the start is a success before"),
        (text(without=("Type",)), "Type=", "simple: the start is a success before"),
        (text("Type=forking", command=LLAMA), "Type=", "forking: the server does not fork"),
        (text("Type=oneshot", command=VLLM), "Type=", "oneshot: the service is never up"),
        (text("ExecStart="), "ExecStart=", "0"),
        (text(f"ExecStart={GENERIC}", f"ExecStart={GENERIC}"), "ExecStart=", "2"),
        (text(command=f"+{GENERIC}"), "ExecStart=+", "runs as root without them"),
        (text(command=f"-{GENERIC}"), "ExecStart=-", "a crash is a success"),
        (text(command=f"{GENERIC} $ARGS"), "${ARGS} in ExecStart=", "one that it does not"),
        (text(command="/usr/bin/docker run vllm/vllm-openai"), "docker", "the client alone"),
        (text(command=f"/usr/bin/sudo -u llm {VLLM}"), "sudo", "stands before it"),
        (text(command=f"tmux new -d {VLLM}"), "tmux", "takes it out of the unit"),
        (text(command=f'/bin/sh -c "{VLLM}"'), "ExecStart=", "a shell, which becomes the main"),
        (text(command="/bin/bash /srv/run.sh"), "ExecStart=", "what it starts was not looked at"),
        (text("KillMode=process"), "KillMode=", "workers outlive the service"),
        (text("SendSIGKILL=no"), "SendSIGKILL=", "is never ended"),
        (text("TimeoutStopSec=infinity"), "TimeoutStopSec=", "a stream in flight"),
        (text("CPUQuota=200%"), "CPUQuota=", "in the middle of a token"),
        (text("CPUSchedulingPolicy=idle"), "CPUSchedulingPolicy=", "everything else goes first"),
        (text("RuntimeMaxSec=1d"), "RuntimeMaxSec=", "is ended after it"),
        (text("WatchdogSec=30", command=VLLM), "WatchdogSec=", "systemd kills it"),
        (
            text(SERVICE, "SystemCallFilter=~@resources", command=f"numactl -m 0 {GENERIC}"),
            "SystemCallFilter=",
            "they are denied: numactl is killed (31/SYS)",
        ),
        (
            text("SystemCallFilter=~@resources", "SystemCallErrorNumber=EPERM", command=VLLM),
            "SystemCallFilter=",
            "they are denied: vllm fails",
        ),
        (text("MemoryDenyWriteExecute=yes", command=SGLANG), "MemoryDenyWriteExecute=", "kernel"),
        (text("RestrictAddressFamilies=AF_INET", command=VLLM), "RestrictAddressFamilies=",
         "without AF_NETLINK AF_UNIX"),
        (text("RestrictAddressFamilies=none"), "RestrictAddressFamilies=", "without AF_INET"),
        (text("PrivateNetwork=yes"), "PrivateNetwork=", "nobody can reach it"),
        (text("IPAddressDeny=any"), "IPAddressDeny=", "nobody can reach the server"),
        (text("ProtectHome=yes", command="/home/me/venv/bin/vllm serve m --host ::1"),
         "ProtectHome=", "it is hidden from it"),
        (text("PrivateTmp=yes", command=f"{LLAMA} --model /tmp/m.gguf"), "PrivateTmp=", "hidden"),
        (text("ProcSubset=pid"), "ProcSubset=", "pid, which hides them"),
        (text(command=f"{VLLM} --api-key s3cret"), "--api-key", "on the command line"),
        (text("Environment=VLLM_API_KEY=s3cret"), "Environment=VLLM_API_KEY", "in the unit"),
        (text("Environment=HF_TOKEN=hf_x"), "Environment=HF_TOKEN", "in the unit"),
        (text(command=f"{LLAMA} --host 0.0.0.0"), "the address", "0.0.0.0: everybody"),
        (text(command="/opt/vllm/bin/vllm serve /srv/m"), "the address", "without --host"),
        (text(command=f"{TRITON} --http-address=::"), "the address", "::: everybody"),
        (text("Environment=LLAMA_ARG_HOST=10.0.0.1", command=LLAMA), "the address", "10.0.0.1"),
    ],
)  # fmt: skip
def test_what_breaks_or_bares_the_service_is_found(
    unit_text: str, subject: str, found: str
) -> None:
    told = findings(unit_text)

    assert [one for one in told if one.subject == subject and found in one.found and one.fix]


@pytest.mark.parametrize(
    ("line", "subject"),
    [("PrivateDevices=yes", "PrivateDevices="), ("DevicePolicy=closed", "DevicePolicy=")],
)
def test_a_sandbox_without_the_gpus_is_found(line: str, subject: str) -> None:
    told = findings(text(line, command=VLLM), gpus=(0,))

    assert [one.subject for one in told] == [subject]


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        ("User=llm", "User="),
        ("DynamicUser=yes", "DynamicUser="),
        ("[Install]\nWantedBy=multi-user.target", "WantedBy="),
    ],
)
def test_what_a_users_manager_cannot_do_is_found(line: str, subject: str) -> None:
    told = findings(text(line), manager="user")

    assert [one.subject for one in told] == [subject]


@pytest.mark.parametrize(
    ("around", "subject"),
    [
        (Surroundings(open_files=("/etc/k",)), "/etc/k"),
        (Surroundings(absent_files=("/etc/k",)), "/etc/k"),
        (Surroundings(unreachable=("/srv/m",)), "/srv/m"),
        (Surroundings(missing=("/srv/m",)), "/srv/m"),
    ],
)
def test_files_that_do_not_fit_are_found(around: Surroundings, subject: str) -> None:
    told = findings(text(), around=around)

    assert [one.subject for one in told] == [subject]


def test_a_limit_below_what_the_service_takes_is_found() -> None:
    told = findings(text("MemoryMax=8G"), needs_bytes=9 * GIB)

    assert [one.subject for one in told] == ["MemoryMax="]


@pytest.mark.parametrize(
    "unit_text",
    [
        text(SERVICE, "SystemCallFilter=~@privileged", command=VLLM),
        text("SystemCallFilter=~@resources"),
        text(f"{SERVICE} ", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateDevices=yes"),
        text("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", command=VLLM),
        text("IPAddressDeny=any", "IPAddressAllow=localhost"),
        text("DynamicUser=yes", "ProtectHome=read-only", "TimeoutStopSec=20"),
        text("ProtectHome=tmpfs", "BindReadOnlyPaths=/home/me/m", command=f"{GENERIC} /home/me/m"),
        text("EnvironmentFile=/etc/llm.env", "LoadCredential=key:/etc/llm.key"),
        text(command="podman run --cgroups=split image"),
        text(command="docker run --cpuset-cpus=0-3 --cpuset-mems=0 image"),
        text(command=f"{LLAMA} --host localhost"),
        text(command=f"{LLAMA} --host /run/llama.sock"),
        text("Environment=A=1", command=f"{GENERIC} $A ${{A}} $$B"),
        text("[Install]\nWantedBy=multi-user.target"),
        text(command=f"{GENERIC} --key-file ${{CREDENTIALS_DIRECTORY}}/key"),
        text("KillMode=mixed", "MemoryMax=infinity", "CPUQuota="),
    ],
)
def test_what_a_server_bears_has_no_finding(unit_text: str) -> None:
    assert findings(unit_text) == []


def test_an_address_that_is_meant_has_no_finding() -> None:
    assert findings(text(command=f"{LLAMA} --host 0.0.0.0"), is_exposed=True) == []


@pytest.mark.parametrize(
    ("lines", "manager", "is_found"),
    [
        (("User=llm",), "system", True),
        (("DynamicUser=yes", "CacheDirectory=x"), "system", True),
        ((), "user", True),
        ((), "system", False),
        (("User=llm", "AmbientCapabilities=CAP_NET_BIND_SERVICE"), "system", False),
    ],
)
def test_a_port_that_the_units_user_may_not_listen_on_is_found(
    lines: tuple[str, ...], manager: str, *, is_found: bool
) -> None:
    unit_text = text(*lines, command="/opt/server --port 80")
    around = Surroundings(first_free_port=1024, has_cpuset=True)

    told = findings(unit_text, manager=manager, around=around)

    assert [one.subject for one in told] == (["--port"] if is_found else [])
