"""What a session leaves behind it once it has measured: reports, the record, the history."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_numa import history, history_sql, recording, settings
from pytest_numa.errors import BaselineError, HistoryError
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement
from pytest_numa.report import publication, session_document


@dataclass(slots=True, kw_only=True)
class Finished:
    """What was written, and what could not be: the troubles fail the session, no single test."""

    told: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def finish(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> Finished:
    """Write all that is wanted. Of the null control nothing is: it tells of no service."""
    found = Finished()
    if wanted.is_null_control:
        return found
    document = session_document.document(wanted, measurement, judgements)
    found.troubles += publication.publish(wanted, measurement, judgements, document)
    # A first record is for ratios; without them nobody may have measured the pinned mode.
    has_ratios = any(one.demand.margin is not None for one in judgements)
    if wanted.record or (wanted.is_recording and has_ratios):
        try:
            recording.record(wanted, measurement)
            found.told.append(f"recorded: the pinned runs, in {wanted.baseline_path}")
        except BaselineError as error:
            found.troubles.append(str(error))
    found.troubles += _remember(wanted, measurement, judgements)
    found.troubles += publication.publish_page(wanted, document)
    return found


def _remember(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> list[str]:
    entry = recording.entry(wanted, measurement, judgements)
    if entry is None:
        return []
    troubles = []
    try:
        history.append(wanted.history_path, entry)
    except HistoryError as error:
        troubles.append(str(error))
    if wanted.history_url is not None:
        try:
            history_sql.append(wanted.history_url, entry)
        except HistoryError as error:
            troubles.append(str(error))
    return troubles
