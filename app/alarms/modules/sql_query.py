"""A question to a database: every row of the answer is in trouble.

The connection is one of ALARM_SQL_CONNECTIONS, so no password stands in an alarm; the query can only read.
"""

import json
from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Client, Detection, FetchError, JsonObject, Params, Sample

PARAMS: Params = {
    "connection": {
        "type": str,
        "required": True,
        "place": True,
        "description": "A name of ALARM_SQL_CONNECTIONS.",
    },
    "query": {
        "type": str,
        "required": True,
        "place": True,
        "description": "One SELECT; each row that it gives fires.",
    },
    "key": {"type": str, "default": "", "description": "The column that names the entity; empty: the first one."},
    "subject": {"type": str, "default": "", "description": "What is wrong, before the entity; empty: the row."},
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each row. Raises FetchError."""
    for row in client.sql(params["connection"], params["query"]):
        key = params["key"] or next(iter(row))
        if key not in row:
            raise FetchError(f"the query gives no column «{key[:80]}»", is_permanent=True)
        shown = ", ".join(f"{name}={value}" for name, value in row.items())
        subject = f"{params['subject']}: {row[key]}" if params["subject"] else shown
        yield Detection(f"row:{row[key]}"[:500], subject, json.dumps(row, indent=1, ensure_ascii=False), {"row": row})


PLUGIN = AlarmModule(
    label="SQL query",
    params=PARAMS,
    detect=detect,
    # The rows are other people's data: they are not kept for replays.
    replays=False,
    samples=(
        Sample(
            name="one row",
            params={"connection": "stats", "query": "SELECT host, lag FROM replicas WHERE lag > 60"},
            answers=({"rows": [{"host": "db-2", "lag": 90}]},),
            expect=("row:db-2",),
        ),
    ),
    setup="Name the database in ALARM_SQL_CONNECTIONS (stats=postgresql://…), best with a user that may only read.",
)
