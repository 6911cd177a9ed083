"""Wrong units of many kinds: each with what is found of it, and nothing that is not so."""

import pytest
from lint_sample import GENERIC, GIB, LLAMA, SGLANG, TRITON, VLLM, findings, text

NO_CPUSET = ("AllowedCPUs", "AllowedMemoryNodes")
BARE = (*NO_CPUSET, "CPUAffinity", "NUMAPolicy", "NUMAMask")
PODMAN = "/usr/bin/podman run --cgroups=split"


def wrapped(wrapper: str, *changed: str, command: str = GENERIC) -> str:
    return text(*changed, command=f"{wrapper} {command}", without=BARE)


# Each has this one finding and no other.
@pytest.mark.parametrize(
    ("unit_text", "subject", "found"),
    [
        (wrapped("numactl --membnd=0 -N 0 -m 0"), "numactl --membnd", "none of that name"),
        (wrapped("numactl --cpunodbind=0 -N 0 -m 0"), "numactl --cpunodbind", "numactl ends"),
        (wrapped("numactl -N 0 -m 0 --interleave=0"), "numactl", "bind and interleave: `Conflict"),
        (wrapped("numactl -l -m 0 -N 0"), "numactl", "`Conflicting policies`, it ends"),
        (wrapped("numactl -N 0 -m 0 -s"), "numactl --show", "looks at, or changes"),
        (wrapped("numactl -N 0 -m 0-"), "numactl bind", "'0-': numactl ends"),
        (wrapped("numactl -N 0 -l"), "memory", "local: it goes to other nodes"),
        (wrapped("numactl -C 0-3 -N 1 -m 0"), "CPUs and memory", "CPUs 4-7 of node 1"),
        (text(command=f"taskset -cp 0-3 {GENERIC}"), "taskset --pid", "what runs already"),
        (text(command=f"taskset 0-3 {GENERIC}"), "taskset physcpubind", "'mask 0-3': taskset ends"),
        (text(command=f"taskset -c 0-3, {GENERIC}"), "taskset physcpubind", "'0-3,': taskset"),
        (text(command=f"/usr/bin/setsid {GENERIC}"), "setsid", "takes it out of the unit"),
        (text(command=f"{GENERIC} > /var/log/x"), "ExecStart=", "'>', which the program gets"),
        (text(command=f"{GENERIC} 2>&1"), "ExecStart=", "'2>&1', which the program gets"),
        (text(command=f"{GENERIC} | tee x"), "ExecStart=", "'|', which the program gets"),
        (text(command=f"{GENERIC} &"), "ExecStart=", "'&', which the program gets"),
        (text(command=f"{GENERIC} # pinned"), "ExecStart=", "'#', which the program gets"),
        (text(command=f"{GENERIC} $(nproc)"), "ExecStart=", "'$(nproc)', which the program gets"),
        (text(command=f"OMP_NUM_THREADS=4 {GENERIC}"), "ExecStart=", "203/EXEC"),
        (text(command="cd /opt"), "ExecStart=", "'cd', which only a shell understands"),
        (wrapped("numactl -N 0 -m 0", command=""), "numactl", "none: numactl ends"),
        (text("LimitCPU=60"), "LimitCPU=", "60: the server is killed"),
        (text("Environment=OMP_NUM_THREADS=-5"), "OMP_NUM_THREADS", "'-5': OpenMP leaves it"),
        (text("Environment=OMP_NUM_THREADS=0"), "OMP_NUM_THREADS", "'0': OpenMP leaves it"),
        (text(command=f"{VLLM} --model ''"), "the model", "an empty word"),
        (text("ProtectHome=yes", "BindReadOnlyPaths=/home/m", command=f"{GENERIC} /home/m"),
         "ProtectHome=", "hidden from it"),
        (text("InaccessiblePaths=/srv", "BindPaths=/srv/m.gguf", command=LLAMA),
         "InaccessiblePaths=", "hidden from it"),
        (text("Type=notify", "NotifyAccess=all", command=f"/bin/sh -c 'exec {VLLM}'"), "Type=",
         "sends no READY=1"),
        (text("Nice=19"), "Nice=", "19: everything else goes first"),
        (text("CPUWeight=idle"), "CPUWeight=", "idle: everything else goes first"),
        (text("CPUSchedulingPolicy=fifo"), "CPUSchedulingPolicy=", "threads that spin"),
        (text("TasksMax=16", command=VLLM), "TasksMax=", "16: threads of vllm"),
        (text("LimitNPROC=64", command=SGLANG), "LimitNPROC=", "64: threads of sglang"),
        (text("LimitNOFILE=64"), "LimitNOFILE=", "64: further requests are refused"),
        (text("LimitAS=4G", command=VLLM), "LimitAS=", "4G: PyTorch and CUDA reserve"),
        (text("OOMPolicy=continue", command=VLLM), "OOMPolicy=", "stays up without it"),
        (text("User=llm", command=f"{LLAMA} --mlock"), "LimitMEMLOCK=", "none, which is 8 MiB"),
        (text("LimitMEMLOCK=8M", command=f"{LLAMA} --mlock"), "LimitMEMLOCK=", "8M: only CAP_IPC"),
        (text("DynamicUser=yes", command=f"{LLAMA} -lm mlock"), "LimitMEMLOCK=", "not locked"),
        (text("Delegate=cpuset", command=VLLM), "Delegate=", "each daemon-reload sets"),
        (text("Delegate=yes", command=LLAMA), "Delegate=", "processes of the service may make"),
        (text("SocketBindDeny=any", command=LLAMA), "SocketBindDeny=", "cannot listen"),
        (text("RestrictAddressFamilies=~AF_INET", command=LLAMA), "RestrictAddressFamilies=",
         "without AF_INET"),
        (text("ProtectHome=yes", "WorkingDirectory=/home/me"), "ProtectHome=", "hidden from it"),
        (text("InaccessiblePaths=/srv", command=LLAMA), "InaccessiblePaths=", "hidden from it"),
        (text("TemporaryFileSystem=/srv:ro", command=LLAMA), "TemporaryFileSystem=", "hidden"),
        (text("DynamicUser=yes", command=f"{GENERIC} /tmp/m"), "DynamicUser=", "hidden from it"),
        (text("ProtectSystem=strict", command=VLLM), "ProtectSystem=", "all is read-only"),
        (text("SystemCallFilter=~@resources", command=f"{LLAMA} -C 0xf"), "SystemCallFilter=",
         "llama.cpp is killed"),
        (text("NoExecPaths=/"), "NoExecPaths=", "/: the start fails (203/EXEC)"),
        (text("NoExecPaths=/", "ExecPaths=/opt"), "NoExecPaths=", "/: no program can load them"),
        (text("NoExecPaths=/opt", command=VLLM), "NoExecPaths=", "/opt: the start fails"),
        (text("RestrictRealtime=yes", command=f"{LLAMA} --prio 2"), "--prio", "forbids them"),
        (text("User=llm", command=f"{LLAMA} --prio-batch=3"), "--prio-batch", "3: the unit's user"),
        (text(command=f"{LLAMA} -C 0-3"), "-C", "'0-3': llama-server ends"),
        (text(command=f"{LLAMA} -C 0x0"), "-C", "binds nothing"),
        (text(command=f"{LLAMA} -Cr 0,3"), "-Cr", "'0,3': llama-server ends"),
        (text(command=f"{LLAMA} --numa numctl"), "--numa", "'numctl': llama-server ends"),
        (text(command=f"{LLAMA} --thread 4"), "the option --thread", "llama.cpp does not have"),
        (text(command=f"{LLAMA.replace('--no-mmap', '')} -lm mmap"), "weights", "mapped"),
        (text(command=f"{VLLM} --tensor-parallel-siz 2"), "the option --tensor-parallel-siz",
         "vllm does not have"),
        (text("Environment=VLLM_CPU_KVCACHE_SPACE=16GB", command=VLLM), "VLLM_CPU_KVCACHE_SPACE",
         "'16GB': vLLM ends with an error"),
        (text("Environment=VLLM_CPU_KVCACHE_SPACE=40", command=f"{VLLM} -tp=2"),
         "VLLM_CPU_KVCACHE_SPACE", "40 GiB for each of 2 ranks"),
        (text('Environment="VLLM_CPU_OMP_THREADS_BIND=0-1|2-3"', command=f"{VLLM} -tp 3"),
         "VLLM_CPU_OMP_THREADS_BIND", "vLLM ends with an error"),
        (text("Environment=VLLM_CPU_OMP_THREADS_BIND=0-3;x", command=VLLM),
         "VLLM_CPU_OMP_THREADS_BIND", "'0-3;x': vLLM ends with an error"),
        (text("Environment=OMP_PLACES=cores", command=VLLM), "OMP_PLACES", "with one CPU"),
        (text("Environment=OMP_PLACES={0:4},{4:4}"), "OMP_PLACES", "the cpuset does not allow"),
        (text('Environment="GOMP_CPU_AFFINITY=0 2 4-6:2"'), "GOMP_CPU_AFFINITY", "does not allow"),
        (text('Environment="KMP_AFFINITY=explicit,proclist=[0,{4,5}]"'), "KMP_AFFINITY", "cpuset"),
        (text(command=f"{TRITON} --host-policy=gpu_0,numa_node=0"), "--host-policy",
         "no setting 'numa_node'"),
        (text(command="/opt/tritonserver/bin/tritonserver --http-address 127.0.0.1"), "the address",
         "0.0.0.0, where it listens without --grpc-address"),
        (text(command=f"{PODMAN} -d image"), "podman -d", "one that ends at once"),
        (text("[Install]\nWantedBy=multiuser.target"), "WantedBy=", "never started at boot"),
        (text("[Install]\nWantedBy=multi-user"), "WantedBy=", "is no unit's name"),
        (text("AllowedCPUs=99"), "AllowedCPUs=", "the kernel refuses the whole list"),
        (text("AllowedMemoryNodes=7"), "AllowedMemoryNodes=", "the kernel refuses the whole list"),
        (text("AllowedCPUs=4-7"), "CPUAffinity= and AllowedCPUs=", "the start fails (215"),
        (text("AllowedMemoryNodes=1"), "NUMAMask= and AllowedMemoryNodes=", "the start fails (242"),
        (text("CPUAffinity=0xf"), "CPUAffinity=", "'0xf': systemd drops the line"),
        (text("CPUAffinity=0-3 # node 0"), "CPUAffinity=", "'0-3 # node 0': systemd drops"),
        (text("CPUAffinity=0-3:2"), "CPUAffinity=", "'0-3:2': systemd drops the line"),
        (text("NUMAMask=0\nNUMAMask=zz"), "NUMAMask=", "'zz': systemd drops the line"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_and_nothing_else(unit_text: str, subject: str, found: str) -> None:
    told = findings(unit_text)

    # What a line that is dropped leaves unset is said, too.
    others = ("CPUs", "memory") if "drops the line" in told[0].found else ()
    assert [one.subject for one in told if one.subject not in others or one.subject == subject] == [
        subject
    ]
    assert found in told[0].found
    assert told[0].fix


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        ("MemoryMax=5%", "MemoryMax="),
        ("MemoryHigh=8G", "MemoryHigh="),
        ("MemoryLimit=8G", "MemoryLimit="),
        ("MemoryMax=1024K", "MemoryMax="),
    ],
)
def test_a_limit_below_what_the_server_takes_is_found_however_it_is_written(
    line: str, subject: str
) -> None:
    told = findings(text(line), needs_bytes=20 * GIB)

    assert [one.subject for one in told] == [subject]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (f"{VLLM} --tensor-parallel-size 4", "2: the server ends with an error"),
        (f"env CUDA_VISIBLE_DEVICES=0,5 {VLLM}", "5: the service sees no GPU from there on"),
        (f"{SGLANG} --tp 3", "2: the server ends with an error"),
    ],
)
def test_gpus_that_are_not_there_are_found(command: str, found: str) -> None:
    told = findings(text(command=command), gpus=(0, 0))

    assert [(one.subject, one.found) for one in told] == [("GPUs", found)]


@pytest.mark.parametrize(
    ("text_before", "fix"),
    [("0xf", "write CPUAffinity=0-3"), ("0-3 # x", "write CPUAffinity=0-3, and the comment on a")],
)
def test_a_fix_names_what_was_meant(text_before: str, fix: str) -> None:
    told = findings(text(f"CPUAffinity={text_before}"))

    assert told[0].fix.startswith(fix)


@pytest.mark.parametrize(
    ("unit_text", "fix"),
    [
        (
            text("ProtectHome=yes", command=f"{GENERIC} /home/m"),
            "tmpfs and BindReadOnlyPaths= with it",
        ),
        (
            text("ProtectHome=tmpfs", command=f"{GENERIC} /home/m"),
            "/srv, or write BindReadOnlyPaths= with it",
        ),
        (text("InaccessiblePaths=/srv", command=LLAMA), "another path, or leave it out"),
        # A program needs its interpreter and libraries, too, and PyTorch's lie beside it.
        (text("NoExecPaths=/", command=VLLM), "write ExecPaths=/opt/vllm /usr /lib /lib64"),
        (text("NoExecPaths=/opt", command=VLLM), "write ExecPaths=/opt/vllm"),
        (text("NoExecPaths=/", command=LLAMA), "write ExecPaths=/usr /lib /lib64"),
    ],
)
def test_a_fix_of_the_sandbox_is_enough(unit_text: str, fix: str) -> None:
    (told,) = findings(unit_text)

    assert told.fix.endswith(fix)


def test_no_cpus_are_proposed_of_a_node_that_is_not_there() -> None:
    told = findings(text("NUMAMask=7", "AllowedMemoryNodes=7"))

    assert {one.subject for one in told} == {"NUMAMask=", "AllowedMemoryNodes="}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("CPUAffinity=8-9", "8-9, offline: the start fails (215/CPUAFFINITY)"),
        ("AllowedCPUs=8-9", "8-9, offline: none of the list is left, and the service runs on all"),
        ("CPUAffinity=7-9", "8-9, offline: no thread runs there"),
    ],
)
def test_a_list_of_which_nothing_is_online_is_worse_than_one_of_which_some_is(
    line: str, found: str
) -> None:
    unit_text = text(line, without=("AllowedCPUs", "CPUAffinity"))
    told = next(one for one in findings(unit_text) if one.expected == "online CPUs")

    assert told.found.startswith(found)
    assert told.fix == "leave them out, or: chcpu --enable 8-9"
