"""What each mark asks for, and which are refused."""

import re

import pytest

from pytest_numa import marks
from pytest_numa.marks import Asked, AskedPlacement


def demands(mark: pytest.MarkDecorator) -> marks.Demands:
    return marks.demands([mark.mark], test="test_x.py::test_it", margin=0.05)


@pytest.mark.parametrize(
    ("mark", "figures"),
    [
        (pytest.mark.numa_throughput, [Asked(metric="tokens_per_s", margin=0.05)]),
        (pytest.mark.numa_throughput(min_ratio=0.8), [Asked(metric="tokens_per_s", margin=0.25)]),
        (
            pytest.mark.numa_throughput(min_tokens_per_s=9),
            [Asked(metric="tokens_per_s", limit=9.0)],
        ),
        (
            pytest.mark.numa_throughput(min_requests_per_s=2),
            [Asked(metric="requests_per_s", limit=2.0)],
        ),
        (pytest.mark.numa_latency, [Asked(metric="mean", margin=0.05)]),
        (pytest.mark.numa_latency("p95", max_ratio=1.5), [Asked(metric="p95", margin=0.5)]),
        (pytest.mark.numa_latency("ttft_p50", max_ms=300), [Asked(metric="ttft_p50", limit=300.0)]),
        (
            pytest.mark.numa_latency(metric="itl_p99", max_ratio=1.5, max_ms=80),
            [Asked(metric="itl_p99", margin=0.5), Asked(metric="itl_p99", limit=80.0)],
        ),
        (pytest.mark.numa_placement, []),
        (pytest.mark.server, []),
    ],
)
def test_a_mark_asks_for_figures(mark: pytest.MarkDecorator, figures: list[Asked]) -> None:
    assert list(demands(mark).figures) == figures


def test_only_the_placement_mark_asks_for_placement() -> None:
    assert demands(pytest.mark.numa_placement).placements == (AskedPlacement(),)
    assert demands(pytest.mark.numa_latency).placements == ()


def test_a_host_mark_names_checks_or_means_all() -> None:
    assert demands(pytest.mark.numa_host("N4", "N7")).hosts == (("N4", "N7"),)
    assert demands(pytest.mark.numa_host).hosts == ((),)


def test_nothing_is_measured_for_a_host_mark() -> None:
    assert not demands(pytest.mark.numa_host)


def test_a_placement_mark_may_say_where_and_how_strictly() -> None:
    mark = pytest.mark.numa_placement(
        numa_node=1,
        cpus="2-3",
        max_stray=0,
        max_stray_bytes=4096,
        max_stray_weights=0.5,
        max_stray_text_bytes=0,
        roles={"Worker_TP0": 0, "EngineCore": ("0,1", "0-3")},
    )

    assert demands(mark).placements == (
        AskedPlacement(
            numa_node="1",
            cpus="2-3",
            max_stray=0.0,
            max_stray_bytes=4096,
            max_stray_weights=0.5,
            max_stray_text_bytes=0,
            roles=(("Worker_TP0", "0", None), ("EngineCore", "0,1", "0-3")),
        ),
    )


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (pytest.mark.numa_latency("p96"), "expected one of mean, p50"),
        (pytest.mark.numa_latency(max_ratoi=1.1), "unexpected keyword argument 'max_ratoi'"),
        (pytest.mark.numa_latency(max_ratio=0.9), "above 1, found 0.9"),
        (pytest.mark.numa_latency(max_ms="80"), "a number above 0, found '80'"),
        (pytest.mark.numa_latency(max_ms=float("nan")), "a number above 0, found nan"),
        (pytest.mark.numa_throughput(0.95), "positional"),
        (pytest.mark.numa_throughput(min_ratio=1.05), "below 1, found 1.05"),
        (pytest.mark.numa_throughput(min_ratio=0), "above 0, found 0"),
        (pytest.mark.numa_throughput(min_ratio=True), "above 0, found True"),
        (pytest.mark.numa_placement(strict=True), "unexpected keyword argument"),
        (pytest.mark.numa_host("N99"), "checks from 'N1' to 'N26', found 'N99'"),
        (pytest.mark.numa_host(strict=True), "unexpected keyword argument"),
        (pytest.mark.numa_placement(max_stray=5), "a fraction from 0 to 1, found 5"),
        (pytest.mark.numa_placement(max_stray_bytes=1.5), "a size in bytes from 0 on, found 1.5"),
        (pytest.mark.numa_placement(cpus=[1]), "a list such as '0-3,8', found [1]"),
        (pytest.mark.numa_placement(roles=["a"]), "expected {'PATTERN': '0'}, found ['a']"),
        (pytest.mark.numa_placement(roles={"a": (1, 2, 3)}), "found 'a': (1, 2, 3)"),
    ],
)
def test_a_mistaken_mark_is_refused_with_the_test_and_the_reason(
    mark: pytest.MarkDecorator, message: str
) -> None:
    with pytest.raises(
        pytest.UsageError, match=f"::test_it: @pytest.mark.numa_.*{re.escape(message)}"
    ):
        demands(mark)
