"""Ratings as they come in, in one SQLite file: what was acknowledged is on the disk."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from assets.ratings.tasks import Kind, Task
from resources.outages import Outage

SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (word TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ratings (
    rater TEXT NOT NULL, task TEXT NOT NULL, kind TEXT NOT NULL, item TEXT NOT NULL, system TEXT NOT NULL, other TEXT,
    value INTEGER NOT NULL, heard_s REAL NOT NULL, rated_at TEXT NOT NULL, PRIMARY KEY (rater, task)
);
"""


@dataclass(frozen=True, slots=True)
class Rating:
    """`value` is 1 to 5, or of a pair -1 for `system`, 1 for `other`, 0 for neither."""

    rater: str
    task: str
    kind: Kind
    item: str
    system: str
    other: str | None
    value: int
    heard_s: float
    rated_at: str  # UTC


class RatingsFile:
    """Used by one process; a connection for each call, so that any thread may call."""

    def __init__(self, path: Path) -> None:
        """Raises Outage: it cannot be written."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.executescript(SCHEMA)
            if database.execute("SELECT word FROM secret").fetchone() is None:
                database.execute("INSERT INTO secret VALUES (?)", (secrets.token_hex(16),))

    @property
    def secret(self) -> str:
        """What tokens are made with; the same each time that the file is opened."""
        with self._open() as database:
            return str(database.execute("SELECT word FROM secret").fetchone()[0])

    def add(self, rater: str, task: Task, value: int, heard_s: float) -> bool:
        """Whether it was taken: the first answer to a task counts, and any later one changes nothing."""
        first, *rest = task.clips
        other = rest[0].system if rest else None
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        row = Rating(rater, task.key, task.kind, first.item, first.system, other, value, heard_s, now)
        names = ", ".join(f":{name}" for name in asdict(row))
        with self._open() as database:
            done = database.execute(f"INSERT OR IGNORE INTO ratings VALUES ({names})", asdict(row))
            return done.rowcount == 1

    def answered(self, rater: str) -> set[str]:
        """Keys of the tasks that somebody has answered."""
        with self._open() as database:
            return {row[0] for row in database.execute("SELECT task FROM ratings WHERE rater = ?", (rater,))}

    def all(self) -> list[Rating]:
        with self._open() as database:
            return [Rating(*row) for row in database.execute("SELECT * FROM ratings ORDER BY rated_at, rater, task")]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self.path, timeout=30.0)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                with database:
                    yield database
            finally:
                database.close()
        except sqlite3.Error as error:
            raise Outage(f"the ratings in {self.path} cannot be used: {error}") from error
