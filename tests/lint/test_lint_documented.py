"""Units as the servers' own documentation has them people write, in words of ours.

None of them sets a policy: each finding is what a user of theirs lives with.
"""

from lint_sample import findings

# vLLM: docs/getting_started (serve), docs/usage/security, the CPU installation page.
VLLM = """\
[Unit]
Description=OpenAI-compatible vLLM server
After=network.target
[Service]
Type=simple
User=llm
Environment=VLLM_CPU_KVCACHE_SPACE=40
Environment="VLLM_CPU_OMP_THREADS_BIND=0-3|4-7"
ExecStart=/opt/vllm/bin/vllm serve /srv/models/m -tp=2 --api-key token-abc123
Restart=always
[Install]
WantedBy=multi-user.target
"""
# vLLM: docs/deployment/docker.
VLLM_DOCKER = """\
[Service]
ExecStart=/usr/bin/docker run --rm --gpus all --ipc=host -p 8000:8000 vllm/vllm-openai:latest \\
  --model /srv/m
"""
# SGLang: docs/platforms/cpu_server, with the binding of each rank.
SGLANG = """\
[Service]
Type=simple
Environment=SGLANG_USE_CPU_ENGINE=1
Environment="SGLANG_CPU_OMP_THREADS_BIND=0-3|4-7"
ExecStart=/opt/sglang/bin/python -m sglang.launch_server --model-path /srv/m \\
  --device cpu --host 0.0.0.0 --tp 2
Restart=on-failure
"""
# llama.cpp: the service files of distributions, which take all options from one file.
LLAMACPP = """\
[Unit]
After=network.target
[Service]
Type=simple
EnvironmentFile=/etc/conf.d/llama.cpp
ExecStart=/usr/bin/llama-server $LLAMA_ARGS
ExecReload=/bin/kill -s HUP $MAINPID
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""
# llama.cpp: tools/server/README, with NUMA as docs/development says.
LLAMACPP_NUMA = """\
[Service]
Type=exec
ExecStart=/usr/bin/numactl --interleave=all /usr/bin/llama-server -m /srv/m.gguf --port 8080 \\
  --numa distribute
"""


def subjects(unit_text: str) -> list[str]:
    return [one.subject for one in findings(unit_text)]


def test_vllm_is_told_of_placement_type_secret_and_address() -> None:
    assert subjects(VLLM) == ["CPUs", "memory", "Type=", "--api-key", "the address"]


def test_vllm_in_a_container_is_told_that_the_unit_pins_the_client() -> None:
    # What the unit says of CPUs and memory would bind the client: nothing of it is asked for.
    assert subjects(VLLM_DOCKER) == ["Type=", "docker"]


def test_sglang_is_told_of_placement_type_and_address() -> None:
    assert subjects(SGLANG) == ["CPUs", "memory", "Type=", "the address"]


def test_llamacpp_of_a_distribution_is_told_that_its_options_are_not_known() -> None:
    assert subjects(LLAMACPP) == ["CPUs", "memory", "${LLAMA_ARGS} in ExecStart=", "Type="]


def test_llamacpp_with_numactl_is_told_of_the_cpus_and_the_mapped_weights() -> None:
    assert subjects(LLAMACPP_NUMA) == ["CPUs", "weights"]


def test_the_same_units_with_a_policy_keep_only_what_is_not_the_policy() -> None:
    unit_text = SGLANG + "CPUAffinity=0-3\nNUMAPolicy=bind\nNUMAMask=0\n"

    assert subjects(unit_text) == ["SGLANG_CPU_OMP_THREADS_BIND", "Type=", "the address"]
