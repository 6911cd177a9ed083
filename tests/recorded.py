"""Recorded sessions, made of runs with a given latency."""

from pytest_numa.baseline import RecordedSession, Subject
from pytest_numa.load import results
from pytest_numa.load.results import Client, RequestResult, RunResult

SUBJECT = Subject(facts={"host class": "EPYC, 2 nodes", "workload": "30 requests"})


def measured(latency_s: float = 1.0) -> RunResult:
    request = RequestResult(
        sent_at_s=10.0,
        ended_at_s=10.0 + latency_s,
        text_at_s=(10.2, 10.5),
        output_tokens=2,
        is_counted_by_usage=True,
        failure=None,
    )
    client = Client(cpu_s=0.1, lag_p99_ms=0.2, bound=False)
    return results.summarise([request], client=client, workload={"n_requests": 1})


def session(when: str = "2026-11-23T12:00:00+00:00") -> RecordedSession:
    return RecordedSession(
        when=when, host="a", versions={"kernel": "6.1"}, blocks=[[measured()], [measured(1.1)]]
    )
