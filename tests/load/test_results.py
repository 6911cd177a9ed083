"""Figures of a run, worked out by hand."""

import pytest

from pytest_numa.load import results
from pytest_numa.load.results import Client, RequestResult, RunResult

CLIENT = Client(cpu_s=0.5, lag_p99_ms=1.0, bound=False)


def request(
    sent_at_s: float, text_at_s: tuple[float, ...], *, failure: str | None = None
) -> RequestResult:
    return RequestResult(
        sent_at_s=sent_at_s,
        ended_at_s=(text_at_s or (sent_at_s,))[-1] + 0.1,
        text_at_s=text_at_s,
        output_tokens=len(text_at_s),
        is_counted_by_usage=True,
        failure=failure,
    )


def summary(*requests: RequestResult) -> RunResult:
    return results.summarise(requests, client=CLIENT, workload={})


@pytest.mark.parametrize(
    ("count", "fraction", "expected"),
    [(30, 0.95, 29), (30, 0.99, 30), (20, 0.95, 19), (100, 0.99, 99), (1, 0.5, 1), (4, 0.5, 2)],
)
def test_percentiles_are_values_that_occurred(count: int, fraction: float, expected: int) -> None:
    values = [float(number) for number in range(count, 0, -1)]

    assert results.percentile(values, fraction) == expected


def test_the_figures_of_two_requests() -> None:
    found = summary(request(10.0, (10.2, 10.3, 10.5)), request(10.1, (10.4, 10.9)))

    assert found.ttft_ms.mean == pytest.approx(250)
    assert found.latency_ms.mean == pytest.approx(750)
    assert found.itl_ms.n == 3
    assert found.itl_ms.max == pytest.approx(500)
    # 0.3 s over two gaps, and 0.5 s over one.
    assert found.tpot_ms.mean == pytest.approx((150 + 500) / 2)
    assert found.duration_s == pytest.approx(1.0)
    assert found.output_tokens_per_s == pytest.approx(5.0)
    assert found.requests_per_s == pytest.approx(2.0)


def test_a_failed_request_takes_its_time_and_counts_in_no_latency() -> None:
    found = summary(request(10.0, (10.2, 10.3)), request(10.0, (14.9,), failure="no_done"))

    assert (found.completed, found.failed, dict(found.failures)) == (1, 1, {"no_done": 1})
    assert found.latency_ms.n == 1
    assert found.latency_ms.max == pytest.approx(400)
    assert found.requests_per_s == pytest.approx(1 / 5)


def test_an_answer_of_one_token_has_no_time_per_token() -> None:
    found = summary(request(10.0, (10.2,)))

    assert (found.tpot_ms.n, found.tpot_ms.mean, found.itl_ms.n) == (0, None, 0)


def test_nothing_at_all_is_no_division_by_zero() -> None:
    found = summary()

    assert (found.output_tokens_per_s, found.completed, found.latency_ms.p95) == (0.0, 0, None)


def test_a_run_comes_back_from_its_document() -> None:
    found = summary(request(10.0, (10.2, 10.3)))

    assert RunResult.from_document(found.as_document()) == found


def test_the_documents_keys_are_the_stable_ones() -> None:
    document = summary(request(10.0, (10.2, 10.3))).as_document()

    assert set(document) >= {
        *("latency_ms", "ttft_ms", "itl_ms", "tpot_ms", "output_tokens_per_s", "requests_per_s"),
        *("completed", "failed", "failures", "duration_s", "clock", "client"),
    }
    assert set(document["latency_ms"]) == {"mean", "p50", "p95", "p99", "max", "n"}
    assert set(document["client"]) >= {"cpu_s", "lag_p99_ms", "bound"}
