"""Right units of many styles, as people and distributions write them: nothing is found of them."""

import pytest
from lint_sample import GENERIC, GIB, LLAMA, TRITON, VLLM, findings, text

BARE = ("AllowedCPUs", "AllowedMemoryNodes", "CPUAffinity", "NUMAPolicy", "NUMAMask")
CACHE = "Environment=HOME=/var/cache/x"


def bare(*lines: str, command: str = GENERIC) -> str:
    """A unit whose own lines are all that sets its policy."""
    return text(*lines, command=command, without=BARE)


@pytest.mark.parametrize(
    "unit_text",
    [
        bare(command=f"/usr/bin/numactl --cpunodebind=0 --membind=0 -- {GENERIC}"),
        bare(command=f"/usr/bin/numactl --cpunode=0 --mem=0 {GENERIC}"),
        bare(command=f"/usr/bin/numactl --cpubind 0 --membind 0 {GENERIC}"),
        bare(command=f"/usr/bin/numactl -bN0 -m0 {GENERIC}"),
        bare(command=f"/usr/bin/numactl --cpunodebind=netdev:eth0 --membind=netdev:eth0 {GENERIC}"),
        bare(command=f"/usr/bin/numactl --cpunodebind=0 --membind=same {GENERIC}"),
        bare(command=f"/usr/bin/numactl -N 0 -m !1,2 {GENERIC}"),
        bare(command=f"/usr/bin/numactl -N +0 -m +0 {GENERIC}"),
        bare(command=f"/usr/bin/numactl --interleave=all --physcpubind=all {GENERIC}"),
        bare(command=f"/usr/bin/numactl --interleave=0-1 -C 0-7 {GENERIC}"),
        bare("AllowedMemoryNodes=0", command=f"/usr/bin/numactl -N 0 --preferred=0 {GENERIC}"),
        bare("NUMAPolicy=bind", "NUMAMask=0", command=f"/usr/bin/taskset -c 0-3:2 {GENERIC}"),
        bare("NUMAPolicy=bind", "NUMAMask=0", command=f"/usr/bin/taskset f {GENERIC}"),
        bare("NUMAPolicy=bind", "NUMAMask=0", command=f"/usr/bin/taskset -ac 0-3 {GENERIC}"),
        bare(command=f"/usr/bin/setpriv --reuid=llm --regid llm numactl -N0 -m0 {GENERIC}"),
        bare(command=f"/usr/bin/timeout -k 5 1d numactl -N0 -m0 {GENERIC}"),
        bare(command=f"/usr/bin/prlimit --memlock=unlimited numactl -N0 -m0 {GENERIC}"),
        bare(command=f"/usr/bin/env -u A -i B=1 numactl -N0 -m0 {GENERIC}"),
        bare(command=f"/usr/bin/chrt -b 0 numactl -N0 -m0 {GENERIC}"),
        bare(command=f"/usr/bin/tini -- numactl -N0 -m0 {GENERIC}"),
        bare(command=f"/bin/bash -c 'exec numactl -N 0 -m 0 {GENERIC} > /var/log/x 2>&1'"),
        bare(command=f"/bin/bash -lc '. /opt/v/bin/activate; exec numactl -N0 -m0 {GENERIC}'"),
        text(CACHE, command=f"/bin/sh -c 'K=$(cat ${{CREDENTIALS_DIRECTORY}}/k) exec {VLLM}'"),
        bare("CPUAffinity=0-7", "NUMAPolicy=interleave", "NUMAMask=0-1"),
        bare("CPUAffinity=0-7", "NUMAPolicy=interleave", "NUMAMask=all"),
        bare("CPUAffinity=numa", "NUMAPolicy=bind", "NUMAMask=0"),
        bare("CPUAffinity=0 1 2 3", "NUMAPolicy=bind", "NUMAMask=0"),
        bare("CPUAffinity=0, 1,2 3,", "NUMAPolicy=bind", "NUMAMask=0,"),
        bare('CPUAffinity="0-3"', "NUMAPolicy=bind", "NUMAMask='0'"),
        bare("CPUAffinity=0-1\nCPUAffinity=2-3", "NUMAPolicy=bind", "NUMAMask=0"),
        bare("CPUAffinity=4-7\nCPUAffinity=\nCPUAffinity=0-3", "NUMAPolicy=bind", "NUMAMask=0"),
        bare("AllowedCPUs=0-1", "AllowedMemoryNodes=0"),
        bare("AllowedCPUs=0-3", "AllowedMemoryNodes=0,2"),
        text(command=f":{GENERIC} --price $5"),
        text("EnvironmentFile=-/etc/default/x", "PassEnvironment=A", command=f"{GENERIC} $A"),
        text(command=f"{GENERIC} --re 'a|b' --text 'a > b' '#5'"),
        text(command=f"{GENERIC} --backend vllm --cache /var/cache/vllm"),
        text(command="/opt/v/bin/litellm --model vllm/m --host 127.0.0.1"),
        text(command="/opt/vllm/bin/vllm bench serve --model m"),
        text(command="/opt/vllm/bin/vllm serve --config /etc/vllm.yaml"),
        text(command=f"/usr/local/bin/uv run {VLLM}"),
        text(command=f"/opt/conda/bin/conda run -n vllm {VLLM}"),
        text("Environment=LLAMA_ARG_MODEL=/m LLAMA_ARG_THREADS=4 LLAMA_ARG_NO_MMAP=1",
             command="/usr/bin/llama-server"),
        text(command=f"{LLAMA} --models-max 2 --threads-http 4 --cpu-strict-batch 1 --no-mlock"),
        text("User=llm", "AmbientCapabilities=CAP_IPC_LOCK", command=f"{LLAMA} --mlock"),
        text("User=llm", "LimitMEMLOCK=infinity", command=f"{LLAMA} --mlock"),
        text(command=f"{LLAMA} --mlock"),
        text(command="/usr/bin/llama-server -m /m -t 4 -dio -Cr 0-3 --cpu-strict 1"),
        text(command=f"{TRITON} --host-policy=gpu_0,cpu-cores=0-3"),
        text(command="/opt/tritonserver --http-address=127.0.0.1 --allow-grpc=false"),
        text("Type=notify", "NotifyAccess=all", "Delegate=yes",
             command="podman run --cgroups=split --sdnotify=conmon -d -p 127.0.0.1:8000:8000 "
             "vllm/vllm:latest vllm serve /srv/m --host 0.0.0.0"),
        text(command="docker run --rm --cpuset-cpus 0-3 --cpuset-mems 0 sglang python3 -m "
             "sglang.launch_server --host 0.0.0.0"),
        text("Type=notify", "WatchdogSec=30", command="/opt/v/bin/gunicorn -b 127.0.0.1:1 app"),
        text("SystemCallFilter=~@mount @swap @reboot @module @raw-io", command=VLLM),
        text("SystemCallFilter=@system-service\nSystemCallFilter=~@resources"
             "\nSystemCallFilter=@resources", command=VLLM),
        text("RestrictAddressFamilies=~AF_PACKET AF_BLUETOOTH", command=VLLM),
        text("SocketBindDeny=any", "SocketBindAllow=tcp:8000", command=VLLM),
        text("IPAddressDeny=10.0.0.0/8", command=VLLM),
        text("ProtectSystem=strict", "StateDirectory=vllm", command=VLLM),
        text("DynamicUser=yes", "CacheDirectory=vllm", CACHE, command=VLLM),
        text("TemporaryFileSystem=/srv", "BindReadOnlyPaths=/data/m.gguf:/srv/m.gguf",
             command=LLAMA),
        text(command=f"/usr/bin/taskset -c 0-1 {GENERIC}", without=("CPUAffinity",)),
        text("NoExecPaths=/", "ExecPaths=/opt /lib /lib64", command=VLLM),
        text("NoExecPaths=/srv /tmp", command=VLLM),
        text("RestrictRealtime=yes", command=f"{LLAMA} --prio 0"),
        text("User=llm", "LimitRTPRIO=90", command=f"{LLAMA} --prio 2"),
        text("Environment=OMP_NUM_THREADS=4,1 OMP_PROC_BIND=false OMP_PLACES=cores", command=VLLM),
        text("Environment=KMP_AFFINITY=verbose,none", command=VLLM),
        text("Environment=OMP_PLACES={0},{1},{2},{3} OMP_PROC_BIND=close"),
        text('Environment="GOMP_CPU_AFFINITY=0-3:1"'),
        text('Environment="VLLM_CPU_OMP_THREADS_BIND=0-1|2-3"', command=f"{VLLM} -tp=2"),
        text("Environment=VLLM_CPU_OMP_THREADS_BIND=all", command=VLLM),
        text("Nice=-5", "CPUWeight=1000", "MemoryLow=8G", "TasksMax=infinity", "OOMPolicy=stop"),
        text("ExecStartPre=+/bin/sh -c 'echo 3 > /proc/sys/vm/drop_caches'"),
        text("[Install]\nWantedBy=graphical.target\nRequiredBy=llm.target"),
        text("Slice=llm.slice", "Delegate=no"),
        # The memory of accelerators, or that on the package, has no CPUs of its own.
        text("NUMAMask=2", "AllowedMemoryNodes=2"),
        text("NUMAPolicy=preferred", "NUMAMask=2", "AllowedMemoryNodes=0,2"),
        text("Type=notify", "NotifyAccess=all",
             command=f"/bin/bash -c '/opt/bin/tell-when-ready & exec {VLLM}'"),
        text("[Unit]\nJoinsNamespaceOf=proxy.service\n[Service]\nPrivateNetwork=yes", command=VLLM),
        text("Type=oneshot", "ExecStart=/bin/true\nExecStart=/usr/bin/prefetch /srv/m"),
        text("Type=oneshot", command="/opt/vllm/bin/vllm bench serve --model m"),
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/sbin/sysctl vm.swappiness=1\n",
        text().replace("\n", "\r\n"),
    ],
)  # fmt: skip
def test_a_right_unit_has_no_finding(unit_text: str) -> None:
    assert findings(unit_text) == []


def test_a_slice_may_set_the_cpus_alone() -> None:
    assert findings("[Slice]\nAllowedCPUs=4-7\n", name="rest.slice") == []


@pytest.mark.parametrize("line", ["MemoryMax=60G", "MemoryMax=90%", "MemoryHigh=infinity"])
def test_a_limit_above_what_the_server_takes_has_no_finding(line: str) -> None:
    assert findings(text(line), needs_bytes=20 * GIB) == []


@pytest.mark.parametrize(
    "command",
    [
        f"{VLLM} --tensor-parallel-size 2",
        f"{VLLM} -tp 8 --distributed-executor-backend ray",
        f"env CUDA_VISIBLE_DEVICES=GPU-1,GPU-2 {VLLM} -tp 2",
    ],
)
def test_gpus_that_are_there_have_no_finding(command: str) -> None:
    assert findings(text(command=command), gpus=(0, 0)) == []


@pytest.mark.parametrize("target", ["default.target", "graphical-session.target", "timers.target"])
def test_a_users_own_targets_have_no_finding(target: str) -> None:
    unit_text = text(f"[Install]\nWantedBy={target}", without=BARE[:2])

    assert findings(unit_text, manager="user") == []


def test_an_instance_of_a_template_is_bound_by_its_name() -> None:
    unit_text = bare(command="/usr/bin/numactl --cpunodebind=%i --membind=%i /opt/server")

    assert findings(unit_text, name="server@1.service") == []
