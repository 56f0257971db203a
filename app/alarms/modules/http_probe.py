"""A web address that does not answer as it should.

The quirk that cost time: one lost packet is no outage, so an address is asked a second time before it fires.
"""

from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Client, Detection, FetchError, JsonObject, Params, Sample

PARAMS: Params = {
    "urls": {"type": list, "required": True, "place": True, "description": "The addresses to ask, one detection each."},
    "statuses": {"type": list, "default": [200], "description": "Which statuses are well."},
    "contains": {"type": str, "default": "", "description": "A text that the answer must have; empty: any will do."},
    "timeout_seconds": {
        "type": float,
        "default": 10.0,
        "minimum": 0.5,
        "maximum": 25,
        "description": "How long an answer may take.",
    },
    "tries": {"type": int, "default": 2, "minimum": 1, "maximum": 5, "description": "Ask so often before it fires."},
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each address that fails at every try."""
    for url in map(str, params["urls"]):
        fault = ""
        for _ in range(params["tries"]):
            fault = _fault(client, url, params)
            if not fault:
                break
        if fault:
            yield Detection(f"url:{url}", f"{url} {fault}", f"Asked {params['tries']} times.", {"url": url})


def _fault(client: Client, url: str, params: JsonObject) -> str:
    """What is wrong with the address just now. Raises FetchError for one that may not be asked at all."""
    try:
        answer = client.get(url, timeout_seconds=params["timeout_seconds"])
    except FetchError as error:
        if error.is_permanent:
            raise
        return f"cannot be reached: {error.reason}"
    if answer.status not in params["statuses"]:
        return f"answers {answer.status}"
    if params["contains"] and params["contains"] not in answer.text():
        return f"answers without «{params['contains'][:80]}»"
    return ""


PLUGIN = AlarmModule(
    label="Web address",
    params=PARAMS,
    detect=detect,
    samples=(
        Sample(
            name="one that fails twice, one that is well",
            params={"urls": ["https://shop.example.com/", "https://www.example.com/"]},
            answers=({"error": "no answer within 10 s"}, {"error": "no answer within 10 s"}, {"ok": True}),
            expect=("url:https://shop.example.com/",),
        ),
    ),
    setup="Give the addresses. Internal ones must lie in OUTBOUND_ALLOWED_NETWORKS. Redirects are not followed.",
)
