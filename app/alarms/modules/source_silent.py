"""An alert source that went quiet: a monitoring tool that says nothing may be the first thing that broke."""

from collections.abc import Iterator
from datetime import datetime

from app.alarms.modules._base import AlarmModule, Client, Detection, FetchError, JsonObject, Params, Sample

PARAMS: Params = {
    "hours": {
        "type": float,
        "default": 24.0,
        "minimum": 0.1,
        "maximum": 8760,
        "description": "Fire when a source has sent nothing for so long.",
    },
    "sources": {"type": list, "default": [], "description": "Names of alert sources; empty: all that are active."},
    "never_used": {
        "type": bool,
        "default": False,
        "description": "Count a source that has never sent anything from when it was made.",
    },
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each source that is silent, and for each name that there is not, which nobody watches.

    Raises FetchError where there is none of the names.
    """
    sources = {each["name"]: each for each in client.facts["alert_sources"]}
    missing = [str(name) for name in params["sources"] if name not in sources]
    if missing and len(missing) == len(params["sources"]):
        raise FetchError(f"there is no active alert source {', '.join(missing)}", is_permanent=True)
    for name in missing:
        yield Detection(f"missing:{name}"[:500], f"There is no active alert source «{name}» that could be watched")
    for name, source in sources.items():
        if params["sources"] and name not in params["sources"]:
            continue
        since = source["last_delivery_at"] or (source["created_at"] if params["never_used"] else None)
        if since is None:
            continue
        hours = (client.now - datetime.fromisoformat(since)).total_seconds() / 3600
        if hours >= params["hours"]:
            said = "has sent nothing" if source["last_delivery_at"] else "has never sent anything, and was made"
            ago = f"for {hours:.1f} h" if source["last_delivery_at"] else f"{hours:.1f} h ago"
            subject = f"The alert source {name} {said} {ago}"
            facts = {"source_id": source["id"], "last_delivery_at": source["last_delivery_at"]}
            yield Detection(f"source:{source['id']}", subject, f"Last delivery: {since}", facts)


PLUGIN = AlarmModule(
    label="Silent alert source",
    params=PARAMS,
    detect=detect,
    needs=("alert_sources",),
    samples=(
        Sample(
            name="one is silent for two days",
            params={"hours": 24},
            facts={
                "alert_sources": [
                    {"id": 1, "name": "prod", "created_at": "2026-01-01T00:00:00+00:00",
                     "last_delivery_at": "2026-02-28T09:00:00+00:00"},
                    {"id": 2, "name": "new", "created_at": "2026-01-01T00:00:00+00:00", "last_delivery_at": None},
                ]
            },
            expect=("source:1",),
        ),
    ),
    setup="Nothing to set up: it looks at this PagerPal's own alert sources.",
)  # fmt: skip
