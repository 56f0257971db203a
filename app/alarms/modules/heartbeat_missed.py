"""A heartbeat that did not come: a job that did not run, did not end, or said that it failed.

The quirk that cost time: one that was renamed or deleted is watched by nobody. That is trouble of its own, and none of
the others'.
"""

from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Client, Detection, FetchError, JsonObject, Params, Sample

BAD = {
    "down": "has not come",
    "overdue": "was started and has not ended",
    "failed": "says that it failed",
}

PARAMS: Params = {
    "heartbeats": {"type": list, "default": [], "description": "Names of heartbeats; empty: all."},
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each heartbeat that is down, overdue or failed, and for each name that there is not.

    Raises FetchError where there is none of the names.
    """
    known = {each["name"]: each for each in client.facts["heartbeats"]}
    missing = [str(name) for name in params["heartbeats"] if name not in known]
    if missing and len(missing) == len(params["heartbeats"]):
        raise FetchError(f"there is no heartbeat {', '.join(missing)}", is_permanent=True)
    for name in missing:
        yield Detection(f"missing:{name}"[:500], f"There is no heartbeat «{name}» that could be watched")
    for name, beat in known.items():
        if beat["state"] in BAD and (not params["heartbeats"] or name in params["heartbeats"]):
            lines = [
                f"Last ping: {beat['last_ping_at'] or 'never'}",
                f"Expected every {beat['period_seconds']} s, with {beat['grace_seconds']} s of grace",
            ]
            lines += [f"Exit code: {beat['last_exit_code']}"] if beat["last_exit_code"] else []
            facts = {"heartbeat_id": beat["id"], "state": beat["state"]}
            yield Detection(f"heartbeat:{beat['id']}", f"{name} {BAD[beat['state']]}", "\n".join(lines), facts)


PLUGIN = AlarmModule(
    label="Missed heartbeat",
    params=PARAMS,
    detect=detect,
    needs=("heartbeats",),
    samples=(
        Sample(
            name="one is down, one is up",
            params={},
            facts={
                "heartbeats": [
                    {"id": 1, "name": "backup", "state": "down", "last_ping_at": "2026-03-01T09:00:00+00:00",
                     "last_exit_code": None, "period_seconds": 3600, "grace_seconds": 300},
                    {"id": 2, "name": "sync", "state": "up", "last_ping_at": "2026-03-02T08:59:00+00:00",
                     "last_exit_code": 0, "period_seconds": 3600, "grace_seconds": 300},
                ]
            },
            expect=("heartbeat:1",),
        ),
    ),
    setup="Make heartbeats under /api/v1/heartbeats and have your jobs call their addresses.",
)  # fmt: skip
