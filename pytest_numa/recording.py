"""What a session adds to the recorded baseline."""

from pytest_numa import baseline, settings
from pytest_numa.errors import BaselineError
from pytest_numa.measurement import Measurement


def record(wanted: settings.Settings, measurement: Measurement) -> None:
    """Append the session's pinned runs; BaselineError where they are no measure of anything."""
    pinned = [block["pinned"] for block in measurement.blocks if "pinned" in block]
    blocks = [[run.result for run in runs] for runs in pinned]
    if not blocks or any(result.failed for block in blocks for result in block):
        raise BaselineError(
            "nothing was recorded: --numa-record needs complete pinned runs without failed requests"
        )
    session = baseline.RecordedSession(
        when=measurement.begun_at.isoformat(timespec="seconds"),
        host=wanted.identity.hostname,
        versions=settings.versions(),
        blocks=blocks,
        evidence=[
            [run.evidence.as_document() if run.evidence else {} for run in runs] for runs in pinned
        ],
    )
    baseline.append(wanted.baseline_path, wanted.subject, session)
