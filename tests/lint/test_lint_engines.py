"""Options and variables of servers that undo what the unit sets."""

import pytest
from lint_sample import LLAMA, SGLANG, TRITON, TRTLLM, VLLM, findings, text

NO_CPUSET = ("AllowedCPUs", "AllowedMemoryNodes")


@pytest.mark.parametrize(
    ("unit_text", "subject", "found"),
    [
        (
            text("Environment=VLLM_CPU_OMP_THREADS_BIND=auto", command=VLLM),
            "VLLM_CPU_OMP_THREADS_BIND",
            "auto: vLLM binds each thread",
        ),
        (
            text('Environment="VLLM_CPU_OMP_THREADS_BIND=0-3|4-7"', command=VLLM),
            "VLLM_CPU_OMP_THREADS_BIND",
            "'0-3|4-7': the cpuset does not allow them",
        ),
        (
            text("Environment=VLLM_CPU_OMP_THREADS_BIND=4-7", command=VLLM, without=NO_CPUSET),
            "VLLM_CPU_OMP_THREADS_BIND",
            "'4-7': its threads leave the unit's CPUs",
        ),
        (
            text("Environment=VLLM_CPU_OMP_THREAD_BIND=nobind", command=VLLM),
            "Environment=VLLM_CPU_OMP_THREAD_BIND",
            "which nothing reads",
        ),
        (text(command=f"{VLLM} --numa-bind"), "--numa-bind", "ends with an error"),
        (text(command=f"{VLLM} --numa_bind"), "--numa-bind", "ends with an error"),
        (
            text(command=f"{VLLM} --numa-bind --numa-bind-nodes 0 1"),
            "--numa-bind-nodes",
            "0-1: the server sets another policy",
        ),
        (
            text(command=f"{VLLM} --numa-bind --numa-bind-node 0"),
            "the option --numa-bind-node",
            "--numa-bind-node, which vllm does not have",
        ),
        (
            text(command=f"{VLLM} --numa-bind --numa-bind-nodes 0 --numa-bind-cpus 2-5"),
            "--numa-bind-cpus",
            "the cpuset does not allow them",
        ),
        (
            text("Environment=VLLM_CPU_KVCACHE_SPACE=80", command=VLLM),
            "VLLM_CPU_KVCACHE_SPACE",
            "80 GiB: the service is killed",
        ),
        (
            text('Environment="SGLANG_CPU_OMP_THREADS_BIND=0-3|4-7"', command=SGLANG),
            "SGLANG_CPU_OMP_THREADS_BIND",
            "the cpuset does not allow them",
        ),
        (text(command=f"{SGLANG} --numa-node 0 1"), "--numa-node", "0-1: the server sets"),
        (
            text(command=TRTLLM, without=NO_CPUSET),
            "TLLM_NUMA_AWARE_WORKER_AFFINITY",
            "not set: TensorRT-LLM undoes",
        ),
        (
            text("Environment=TLLM_NUMA_AWARE_WORKER_AFFINITY=1", command=TRTLLM),
            "TLLM_NUMA_AWARE_WORKER_AFFINITY",
            "1: TensorRT-LLM takes all CPUs",
        ),
        (
            text(command=f"mpirun -n 2 trtllm-llmapi-launch {TRTLLM}"),
            "mpirun",
            "its own binding",
        ),
        (
            text(command=f"{TRITON} --host-policy=gpu_0,numa-node=1"),
            "--host-policy",
            "1: the server sets another policy",
        ),
        (
            text(command=f"{TRITON} --host-policy=gpu_0,cpu-cores=4-7"),
            "--host-policy",
            "'4-7': the cpuset does not allow them",
        ),
        (text(command=f"{LLAMA} -C 0xff"), "-C", "'0xff': the cpuset does not allow them"),
        (text(command=f"{LLAMA} --cpu-range 0-7"), "--cpu-range", "'0-7'"),
        (text(command=f"{LLAMA} -Crb 4-7"), "-Crb", "'4-7'"),
        (text(command=f"{LLAMA} --numa isolate"), "--numa", "isolate: with several nodes"),
        (text(command=f"{LLAMA} --numa=distribute"), "--numa", "distribute: with several"),
        (text("Environment=LLAMA_ARG_NUMA=distribute", command=LLAMA), "--numa", "distribute"),
        (text(command=f"{LLAMA} -t 8"), "--threads", "8: each barrier waits"),
        (text(command=f"{LLAMA} -tb 16"), "--threads-batch", "16: each barrier waits"),
        (
            text("CPUAffinity=0,2", "AllowedCPUs=0,2", command=LLAMA.replace("--threads 4 ", "")),
            "--threads",
            "not given: llama.cpp starts one for each of the host's 4 cores",
        ),
        (text(command=LLAMA.replace(" --no-mmap", "")), "weights", "mapped: they are page cache"),
        (text(command=f"{LLAMA} --port http"), "--port", "'http': the server ends with an error"),
        (text(command=f"{VLLM} --port 70000"), "--port", "'70000': the server ends"),
        (text("Environment=OMP_NUM_THREADS=64", command=VLLM), "OMP_NUM_THREADS", "64: each"),
        (
            text("Environment=OMP_PROC_BIND=close", command=VLLM),
            "OMP_PROC_BIND",
            "PyTorch leaves the process with one CPU",
        ),
        (
            text('Environment="GOMP_CPU_AFFINITY=4-7"', without=NO_CPUSET),
            "GOMP_CPU_AFFINITY",
            "threads leave the unit's CPUs",
        ),
        (
            text("Environment=KMP_AFFINITY=compact", command=SGLANG),
            "KMP_AFFINITY",
            "PyTorch leaves the process with one CPU",
        ),
    ],
)
def test_what_undoes_the_unit_is_found(unit_text: str, subject: str, found: str) -> None:
    told = findings(unit_text)

    assert [one for one in told if one.subject == subject and found in one.found and one.fix]


@pytest.mark.parametrize(
    "unit_text",
    [
        text("Environment=VLLM_CPU_OMP_THREADS_BIND=nobind OMP_NUM_THREADS=4", command=VLLM),
        text("Environment=VLLM_CPU_OMP_THREADS_BIND=0-3", command=VLLM),
        text(command=f"{VLLM} --numa-bind --numa-bind-nodes 0 0"),
        text(command=f"{VLLM} --numa-bind-nodes=0 --numa-bind --numa-bind-cpus 0-1 2-3"),
        text("Environment=VLLM_CPU_KVCACHE_SPACE=16", command=VLLM),
        text(command=f"{SGLANG} --numa-node 0 0"),
        text(command=SGLANG),
        text(command=TRTLLM),
        text(
            "Environment=TLLM_NUMA_AWARE_WORKER_AFFINITY=0",
            "Environment=OMPI_MCA_hwloc_base_binding_policy=none",
            command=f"mpirun -n 2 {TRTLLM}",
        ),
        text(command=f"{TRITON} --host-policy=gpu_0,numa-node=0"),
        text(command=LLAMA),
        text(command=f"{LLAMA} --numa numactl -C 0x3"),
        text(command=f"{LLAMA} --host 127.0.0.1 -tb 2"),
        text("Environment=OMP_PROC_BIND=false", command=VLLM),
        text(command=f'/bin/bash -c "source /opt/v/bin/activate && exec {VLLM}"'),
    ],
)
def test_settings_that_fit_the_unit_have_no_finding(unit_text: str) -> None:
    assert findings(unit_text) == []
