"""What the PanDA failure-rate alarms share: tasks from a paged REST source, and the rate that is judged.

Source: `/api/panda/tasks/`, newest first; each page says `has_more` and the `next_before_id` to go on with. The quirk
that cost time: `computed_failurerate` counts every failed try, and retries make it high for tasks that end well, so
`computed_finalfailurerate` is what is judged wherever it is given.
"""

from collections.abc import Iterator
from typing import Any

from app.alarms.modules._base import Client, Detection, FetchError, JsonObject, Params

PATH = "/api/panda/tasks/"
PAGE = 200
PAGES_AT_MOST = 50
FACTS = (
    "jeditaskid", "taskname", "status", "username", "site", "nfinished", "nfailed", "nfinalfailed", "nactive",
    "nretries",
)  # fmt: skip

PARAMS: Params = {
    "threshold": {
        "type": float,
        "required": True,
        "minimum": 0,
        "description": "Fire when a task's final failure rate exceeds this, on the source's own scale (0.5 is half).",
    },
    "since_days": {
        "type": int,
        "default": 1,
        "minimum": 1,
        "maximum": 365,
        "description": "Look back this many days.",
    },
    "status": {"type": str, "default": "", "description": "Only tasks in this status; empty: all."},
    "username": {"type": str, "default": "", "description": "Only tasks of this user; empty: everybody's."},
    "taskname": {"type": str, "default": "", "description": "Only tasks of this name, as the source matches it."},
    "processingtype": {"type": str, "default": "", "description": "Only tasks of this processing type; empty: all."},
    "min_jobs": {
        "type": int,
        "default": 0,
        "minimum": 0,
        "description": "Leave out tasks of which fewer jobs have ended: their rate says little.",
    },
    "owners": {
        "type": dict,
        "default": {},
        "description": "Who is told of a user's tasks instead of the recipients: user name to address or @team.",
    },
}


def failing_tasks(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each task whose failure rate exceeds the threshold. Raises FetchError."""
    without_final = 0
    for task in list(_tasks(client, params)):
        rate, is_final = _rate(task)
        if rate is None or _ended(task) < params["min_jobs"]:
            continue
        without_final += not is_final
        if rate > params["threshold"]:
            yield _detection(task, rate, is_final, params)
    if without_final:
        client.warn(f"{without_final} tasks have no computed_finalfailurerate: judged by the rate of all failures")


def _tasks(client: Client, params: JsonObject) -> Iterator[JsonObject]:
    before_id, seen = None, set()
    for _ in range(PAGES_AT_MOST):
        page = client.api(
            PATH,
            days=params["since_days"],
            status=params["status"],
            username=params["username"],
            taskname=params["taskname"],
            processingtype=params["processingtype"],
            limit=PAGE,
            before_id=before_id,
        )
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise FetchError("the source's answer has no list of items")
        for task in page["items"]:
            if not isinstance(task, dict) or task.get("jeditaskid") is None:
                raise FetchError("the source's answer has a task without jeditaskid")
            yield task
        if not page.get("has_more"):
            return
        before_id = page.get("next_before_id")
        if before_id is None or before_id in seen:
            raise FetchError("the source says that there is more, and not where")
        seen.add(before_id)
    raise FetchError(f"the source has more than {PAGES_AT_MOST} pages")


def _rate(task: JsonObject) -> tuple[float | None, bool]:
    """The rate that is judged, and whether it is the final one."""
    for name in ("computed_finalfailurerate", "computed_failurerate", "failurerate"):
        value: Any = task.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value), name == "computed_finalfailurerate"
    return None, False


def _ended(task: JsonObject) -> float:
    counts = [task.get(name) for name in ("nfinished", "nfailed")]
    if not all(isinstance(count, int | float) for count in counts):
        return float("inf")
    return float(sum(count for count in counts if count is not None))


def _owners(task: JsonObject, params: JsonObject) -> tuple[str, ...]:
    told = str(params["owners"].get(str(task.get("username") or ""), ""))
    return tuple(word for each in told.split(",") if (word := each.strip()))


def _detection(task: JsonObject, rate: float, is_final: bool, params: JsonObject) -> Detection:
    threshold = params["threshold"]
    name = task.get("taskname") or f"task {task['jeditaskid']}"
    kind = "final failure rate" if is_final else "failure rate (all failures)"
    facts = {key: task.get(key) for key in FACTS if task.get(key) is not None}
    lines = [f"{kind}: {rate:.4g}, threshold {threshold:.4g}", *(f"{key}: {value}" for key, value in facts.items())]
    return Detection(
        dedupe_key=f"task:{task['jeditaskid']}",
        subject=f"{name}: {kind} {rate:.4g}",
        body_context="\n".join(lines),
        extra_data={**facts, "rate": rate, "is_final": is_final, "threshold": threshold},
        recipients=_owners(task, params),
    )


TASK: JsonObject = {
    "jeditaskid": 7, "taskname": "sim.7", "status": "running", "username": "someone", "site": "SITE_A",
    "nfinished": 10, "nfailed": 90, "nfinalfailed": 40, "nactive": 5, "nretries": 50, "failurerate": 0.9,
    "computed_failurerate": 0.9, "computed_finalfailurerate": 0.8,
}  # fmt: skip
