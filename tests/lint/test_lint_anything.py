"""Whatever stands in a unit, lint has findings and no traceback, and each can be acted on."""

from hypothesis import given
from hypothesis import strategies as st
from lint_sample import findings

KEYS = st.sampled_from(
    (
        *("CPUAffinity", "AllowedCPUs", "NUMAPolicy", "NUMAMask", "AllowedMemoryNodes", "Type"),
        *("ExecStart", "Environment", "EnvironmentFile", "SystemCallFilter", "Slice", "MemoryMax"),
        *("StartupAllowedCPUs", "RestrictAddressFamilies", "TimeoutStopSec", "User", "DeviceAllow"),
    )
)
WORDS = st.sampled_from(
    (
        *("numactl", "taskset", "-c", "-m", "--membind=0-", "-N", "0", "0-3", "99", "all", "numa"),
        *("/usr/bin/llama-server", "-C", "0xff", "--cpu-range", "vllm", "serve", "--numa-bind"),
        *(
            "--numa-bind-nodes",
            "trtllm-serve",
            "mpirun",
            "bash",
            "-c",
            "'",
            '"',
            "\\\\",
            "$A",
            "%i",
        ),
        *("--host", "::", "--host-policy=,", "OMP_NUM_THREADS=x", "~@resources", "bind", "=", "@"),
        *("sh -c 'exec", "env", "A=1", "sudo", "docker", "--api-key", "preferred", "-", "+", "²"),
    )
)
LINES = st.builds(
    "{}={}".format, KEYS, st.one_of(st.text(max_size=12), st.lists(WORDS).map(" ".join))
)


@given(st.lists(LINES, max_size=12))
def test_every_finding_says_where_what_and_how_to_mend_it(lines: list[str]) -> None:
    told = findings("\n".join(["[Service]", *lines]), gpus=(0, None))

    assert all(one.subject and one.expected and one.found and one.fix for one in told)
    assert len(set(told)) == len(told)
