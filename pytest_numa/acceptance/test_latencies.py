"""The latencies of the acceptance as entries of pytest-benchmark; nothing is judged by them.

This runs with the packaged suite where pytest-benchmark takes part. Copy it to have the entries
beside tests of your own.
"""


def test_request_latency(numa_latencies: tuple[float, ...]) -> None:
    """All requests of all runs of one mode."""
    assert numa_latencies
