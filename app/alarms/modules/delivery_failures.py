"""Messages that PagerPal could not get through: a channel or an address that fails again and again."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from app.alarms.modules._base import AlarmModule, Client, Detection, JsonObject, Params, Sample

SHOWN = 5

PARAMS: Params = {
    "minutes": {
        "type": float,
        "default": 60.0,
        "minimum": 5,
        "maximum": 1440,
        "description": "Look at what was given up in the last so many minutes.",
    },
    "at_least": {
        "type": int,
        "default": 1,
        "minimum": 1,
        "maximum": 1000,
        "description": "Fire when so many messages of one channel were given up.",
    },
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each channel by which too many messages were given up."""
    since = client.now - timedelta(minutes=params["minutes"])
    lost = defaultdict(list)
    for each in client.facts["deliveries"]:
        if datetime.fromisoformat(each["at"]) >= since:
            lost[each["provider"]].append(each)
    for provider, messages in lost.items():
        if len(messages) >= params["at_least"]:
            name, count = messages[0]["name"], len(messages)
            what = "1 message was" if count == 1 else f"{count} messages were"
            lines = [f"#{each['id']} {each['status']}: {each['error']}" for each in messages[:SHOWN]]
            facts = {"provider": provider, "count": count, "notification_ids": [each["id"] for each in messages[:100]]}
            yield Detection(f"provider:{provider}", f"{name}: {what} given up", "\n".join(lines), facts)


PLUGIN = AlarmModule(
    label="Failed deliveries",
    params=PARAMS,
    detect=detect,
    needs=("deliveries",),
    samples=(
        Sample(
            name="two of one channel, an old one of another",
            params={"at_least": 2},
            facts={
                "deliveries": [
                    {"id": 4, "provider": "channel:1", "name": "ops", "status": "failed", "error": "404",
                     "at": "2026-03-02T08:59:00+00:00"},
                    {"id": 3, "provider": "channel:1", "name": "ops", "status": "exhausted", "error": "500",
                     "at": "2026-03-02T08:50:00+00:00"},
                    {"id": 2, "provider": "people:email", "name": "Email", "status": "failed", "error": "550",
                     "at": "2026-03-02T01:00:00+00:00"},
                ]
            },
            expect=("provider:channel:1",),
        ),
    ),
    setup="Nothing to set up: it looks at this PagerPal's own messages.",
)  # fmt: skip
