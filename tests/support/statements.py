"""Counts the questions that a piece of work asks of the database: no more for two hundred incidents than for two."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.platform.db import Db


class Statements:
    """The queries of one database, counted while a test wants to know."""

    def __init__(self, db: Db) -> None:
        self._engines = {id(engine): engine for engine in (db.engine, db.write_engine)}.values()

    @contextmanager
    def counted(self) -> Iterator[Callable[[], int]]:
        """Gives what tells how many queries ran inside."""
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("SELECT"):
                seen.append(statement)

        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield lambda: len(seen)
        finally:
            for engine in self._engines:
                event.remove(engine, "before_cursor_execute", note)
