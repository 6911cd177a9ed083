"""Which inference server a command line starts, and what its options say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_numa.errors import ParseError
from pytest_numa.kernel import cpulist

_PROGRAMS = {
    "vllm": "vllm",
    "sglang": "sglang",
    "llama-server": "llama.cpp",
    "trtllm-serve": "tensorrt-llm",
    "tritonserver": "triton",
}
_MODULES = {"vllm": "vllm", "sglang": "sglang", "tensorrt_llm": "tensorrt-llm"}
EMBEDDED = "pytest_numa.llamacpp_server"
CONTAINERS = ("docker", "podman", "nerdctl", "docker-compose", "podman-compose")
_SERVING = ("serve", "launch_server", "vllm.entrypoints.openai.api_server")
_TORCH = ("vllm", "sglang", "tensorrt-llm")
# Where each listens that is not told where.
_HOSTS = {"vllm": "0.0.0.0", "triton": "0.0.0.0"}  # noqa: S104 - what they do, not what we do
_LAYERS = ("-ngl", "--gpu-layers", "--n-gpu-layers")
_OFF = ("0", "none", "false", "off", "")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """``name`` is None where the server is not one that we know."""

    argv: Sequence[str]
    environment: Mapping[str, str]

    @cached_property
    def name(self) -> str | None:
        """vllm, sglang, llama.cpp, tensorrt-llm or triton."""
        for position, word in enumerate(self.argv):
            before = self.argv[position - 1] if position else ""
            if before == "-m" and word == EMBEDDED:
                return "llama.cpp"
            found = _MODULES.get(word.partition(".")[0]) if before == "-m" else None
            following = self.argv[position + 1 : position + 2]
            # What follows an option is its value, unless it has a server's own word after it.
            is_program = not before.startswith("-") or list(following) == ["serve"]
            found = found or (_PROGRAMS.get(word.rpartition("/")[2]) if is_program else None)
            if found:
                return found
        return None

    @property
    def is_contained(self) -> bool:
        """Whether it runs in a container, with files, network and devices of its own."""
        return bool(self.argv) and self.argv[0].rpartition("/")[2] in CONTAINERS

    @property
    def is_in_its_cgroup(self) -> bool:
        """Whether the server stays where the unit puts it: most containers do not."""
        return not self.is_contained or self.option("--cgroups") == "split"

    @property
    def is_torch(self) -> bool:
        """Whether it is built on PyTorch."""
        return self.name in _TORCH

    @property
    def is_embedded(self) -> bool:
        """Whether it is our own launcher of llama.cpp, which has few of its options."""
        return EMBEDDED in self.argv

    @property
    def is_vllm_on_cpus(self) -> bool:
        """Whether it is vLLM's build for CPUs, by what the unit says."""
        is_cpu = self.option("--device") == "cpu" or "VLLM_CPU_KVCACHE_SPACE" in self.environment
        return self.name == "vllm" and is_cpu

    @property
    def uses_gpus(self) -> bool:
        """Whether it computes on GPUs where the host has some."""
        hidden = {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"} & self.environment.keys()
        if hidden and all(self.environment[one] in ("", "-1") for one in hidden):
            return False
        if self.option("--device") == "cpu" or self.is_vllm_on_cpus:
            return False
        if self.environment.get("SGLANG_USE_CPU_ENGINE") == "1" or self.is_embedded:
            return False
        if self.name == "llama.cpp":
            layers = self.option(*_LAYERS) or self.environment.get("LLAMA_ARG_N_GPU_LAYERS")
            return layers not in (None, "0")
        return self.name is not None

    @property
    def host(self) -> str | None:
        """Where it listens; None where that is not known."""
        given = self.option("--host", "--http-address", "--uds")
        given = given or self.environment.get("LLAMA_ARG_HOST")
        is_elsewhere = self.has("--config") or self.is_contained
        is_serving = self.name == "triton" or any(word in self.argv for word in _SERVING)
        is_serving = is_serving and "bench" not in self.argv
        return given or (None if is_elsewhere or not is_serving else _HOSTS.get(self.name or ""))

    def option(self, *names: str) -> str | None:
        """The value of the last of these options; None where none is given."""
        found = None
        for position, word in enumerate(self.argv):
            key, equals, value = word.partition("=")
            if _same(key) in names and equals:
                found = value
            elif _same(word) in names and position + 1 < len(self.argv):
                found = self.argv[position + 1]
        return found

    def has(self, *names: str) -> bool:
        """Whether one of these options is given, with or without a value."""
        return any(_same(word.partition("=")[0]) in names for word in self.argv)

    def number(self, *names: str, variable: str | None = None) -> int | None:
        """An option that is a count, or the variable that stands for it; None where neither is."""
        text = self.option(*names) or self.environment.get(variable or "") or ""
        # OpenMP takes a list, of which the first counts; no count has more digits.
        text = text.partition(",")[0].strip() if variable == "OMP_NUM_THREADS" else text
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None

    def is_on(self, variable: str) -> bool:
        """Whether a variable of the environment says yes."""
        return self.environment.get(variable, "").lower() not in _OFF


def _same(option: str) -> str:
    # vLLM takes both ways of writing.
    return option.replace("_", "-") if option.startswith("--") else option


def lists(text: str) -> frozenset[int] | None:
    """All CPUs of lists with ``|`` between those of each rank; None where they are none."""
    try:
        return frozenset().union(
            *(cpulist.parse(part, source="a list of CPUs") for part in text.split("|"))
        )
    except ParseError:
        return None
