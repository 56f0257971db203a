"""PanDA tasks of everybody that fail too often (https://panda-wms.readthedocs.io/)."""

from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Client, Detection, JsonObject, Sample
from app.alarms.modules._failure_rate import PARAMS, TASK, failing_tasks


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """Every task over the threshold."""
    return failing_tasks(client, params)


WELL = {**TASK, "jeditaskid": 6, "computed_finalfailurerate": 0.1}

PLUGIN = AlarmModule(
    label="PanDA failure rate, all tasks",
    params=PARAMS,
    detect=detect,
    needs=("api",),
    samples=(
        Sample(
            name="two pages, one task over the threshold",
            params={"threshold": 0.5},
            answers=({"items": [TASK], "has_more": True, "next_before_id": 7}, {"items": [WELL], "has_more": False}),
            expect=("task:7",),
        ),
    ),
    setup="Needs ALARM_API_BASE_URL, below which /api/panda/tasks/ answers.",
)
