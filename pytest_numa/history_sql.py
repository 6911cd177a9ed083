"""The history in a SQL database, through SQLAlchemy: SQLite, PostgreSQL and whatever it speaks.

Two tables, made at need: ``numa_sessions`` has the line of the history file, and
``numa_figures`` the median of each figure's blocks, for plots.
"""

import contextlib
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_numa import history
from pytest_numa.errors import HistoryError
from pytest_numa.history import Entry, History

if TYPE_CHECKING:
    import sqlalchemy


def check(url: str) -> None:
    """Connect once, and make the tables; HistoryError where that fails."""
    with _connected(url):
        pass


def append(url: str, entry: Entry) -> None:
    """Add a session, whole or not at all."""
    with _connected(url) as (connection, sessions, figures):
        added: Any = connection.execute(
            sessions.insert().values(when=entry.when, host=entry.host, document=entry.line)
        )
        key = added.inserted_primary_key[0]
        rows = [
            {"session": key, "mode": mode, "figure": name, "median": statistics.median(values)}
            for mode, by_name in entry.figures.items()
            for name, values in by_name.items()
        ]
        if rows:
            connection.execute(figures.insert(), rows)


def read(url: str) -> History:
    """All sessions, in the order in which they were written."""
    entries: list[Entry] = []
    notes: list[str] = []
    with _connected(url, is_reader=True) as (connection, sessions, _):
        for key, document in connection.execute(
            sessions.select().with_only_columns(sessions.c.id, sessions.c.document).order_by("id")
        ):
            try:
                entries.append(history.parse(document))
            except ValueError as error:
                notes.append(f"numa_sessions {key}: skipped: {error}")
    return History(entries=tuple(entries), notes=tuple(notes))


@contextlib.contextmanager
def _connected(
    url: str, *, is_reader: bool = False
) -> Iterator[tuple["sqlalchemy.Connection", Any, Any]]:
    """A transaction in the database at ``url``, with both tables; no error shows a password.

    A reader makes nothing: neither tables nor, in SQLite, the file.
    """
    try:
        import sqlalchemy  # noqa: PLC0415 - an extra
    except ImportError:
        raise HistoryError(
            "a history in a database needs SQLAlchemy: pip install 'pytest-numa[history]'"
        ) from None
    try:
        parsed = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError:
        raise HistoryError(
            "history: expected a database as in sqlite:////var/lib/numa.db or "
            "postgresql+pg8000://user:password@host/name, found something else"
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    is_file = parsed.get_backend_name() == "sqlite" and bool(parsed.database)
    if is_reader and is_file and not Path(str(parsed.database)).exists():
        raise HistoryError(f"history {shown}: there is no such file; sessions write it")
    try:
        # Without a pool, no connection outlives the transaction.
        engine = sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.pool.NullPool)
        metadata, sessions, figures = _tables(sqlalchemy)
        with engine.begin() as connection:
            if not is_reader:
                metadata.create_all(connection)
            yield connection, sessions, figures
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError) as error:
        # The first line tells; the rest is the statement, which tells nobody but us.
        text = str(getattr(error, "orig", None) or error).splitlines()[0]
        text = text.replace(str(parsed.password), "***") if parsed.password else text
        raise HistoryError(f"history {shown}: {text}") from None


def _tables(sa: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - an extra, which may not be there
    metadata = sa.MetaData()
    sessions = sa.Table(
        "numa_sessions",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("when", sa.String(40), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    figures = sa.Table(
        "numa_figures",
        metadata,
        sa.Column("session", sa.ForeignKey("numa_sessions.id"), primary_key=True),
        sa.Column("mode", sa.String(40), primary_key=True),
        sa.Column("figure", sa.String(40), primary_key=True),
        sa.Column("median", sa.Float, nullable=False),
    )
    return metadata, sessions, figures
