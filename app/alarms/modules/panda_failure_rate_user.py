"""PanDA tasks of one user that fail too often (https://panda-wms.readthedocs.io/)."""

from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Client, Detection, JsonObject, Sample
from app.alarms.modules._failure_rate import PARAMS as SHARED, TASK, failing_tasks

PARAMS = {**SHARED, "username": {"type": str, "required": True, "description": "The user whose tasks are judged."}}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """Every task of the user over the threshold."""
    return failing_tasks(client, params)


WITHOUT_FINAL = {name: value for name, value in TASK.items() if name != "computed_finalfailurerate"}

PLUGIN = AlarmModule(
    label="PanDA failure rate, one user",
    params=PARAMS,
    detect=detect,
    needs=("api",),
    samples=(
        Sample(
            name="the rate of all failures where there is no final one",
            params={"threshold": 0.85, "username": "someone"},
            answers=({"items": [WITHOUT_FINAL], "has_more": False},),
            expect=("task:7",),
        ),
    ),
    setup="Needs ALARM_API_BASE_URL, below which /api/panda/tasks/ answers, and the name of the user.",
)
