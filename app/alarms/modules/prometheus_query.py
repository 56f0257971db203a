"""A question to Prometheus: every series of the answer is in trouble (https://prometheus.io/docs/prometheus/latest/querying/api/).

As in Prometheus' own alerting rules the question itself says what is bad: `up == 0`. The quirk that cost time: a query
that the server could only answer in part comes back as a success with `warnings`. What that names fires; what it does
not name is not known to be well.
"""

import json
from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Client, Detection, FetchError, JsonObject, Params, Sample

PARAMS: Params = {
    "url": {
        "type": str,
        "required": True,
        "place": True,
        "description": "The server, as https://prometheus.example.com",
    },
    "query": {"type": str, "required": True, "description": "PromQL; each series that it gives fires."},
    "subject": {"type": str, "default": "", "description": "What is wrong, before the series; empty: the query."},
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each series. Raises FetchError."""
    told = client.get_json(f"{params['url'].rstrip('/')}/api/v1/query", query={"query": params["query"]})
    if not isinstance(told, dict) or told.get("status") != "success":
        raise FetchError("the answer is not one of Prometheus")
    for warning in told.get("warnings") or ():
        client.cut(f"Prometheus may have answered in part, so nothing clears: {warning}")
    data = told.get("data") or {}
    if data.get("resultType") not in ("vector", "scalar"):
        raise FetchError("the query must give one value for each series, not a range", is_permanent=True)
    series = data["result"] if data["resultType"] == "vector" else [{"metric": {}, "value": data["result"]}]
    for each in series:
        labels, value = each["metric"], each["value"][1]
        shown = ", ".join(f"{name}={text}" for name, text in sorted(labels.items())) or "no labels"
        yield Detection(
            dedupe_key=f"series:{json.dumps(labels, sort_keys=True)}"[:500],
            subject=f"{params['subject'] or params['query']}: {shown} is {value}",
            body_context=f"Query: {params['query']}\nValue: {value}",
            extra_data={"labels": labels, "value": value},
        )


PLUGIN = AlarmModule(
    label="Prometheus query",
    params=PARAMS,
    detect=detect,
    samples=(
        Sample(
            name="one instance is down",
            params={"url": "https://prometheus.example.com", "query": "up == 0"},
            answers=(
                {
                    "status": "success",
                    "data": {
                        "resultType": "vector",
                        "result": [{"metric": {"instance": "db-1"}, "value": [1772442000, "0"]}],
                    },
                },
            ),
            expect=('series:{"instance": "db-1"}',),
        ),
    ),
    setup="Give the server and a query that is empty while all is well.",
)
