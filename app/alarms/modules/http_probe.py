"""A web address that does not answer as it should.

The quirks that cost time: one lost packet is no outage, so an address is asked a second time before it fires; and
where many are down at once, waiting for each of them in full would end the run before it could say so. One that may
not be asked at all says nothing of the others.
"""

from collections.abc import Iterator

from app.alarms.modules._base import AlarmModule, Answer, Client, Detection, FetchError, JsonObject, Params, Sample
from app.alarms.modules._time import Time

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
    """A detection for each address that fails at every try for which there is time; each is asked once at least.

    Raises FetchError where none of them may be asked.
    """
    urls = [str(url) for url in params["urls"]]
    time, refused = Time(len(urls)), 0
    for url in urls:
        time.begin()
        try:
            fault, tries = _tried(client, url, params, time)
        except FetchError as error:
            refused += 1
            if refused == len(urls):
                raise
            client.unknown(f"url:{url}", f"{url} cannot be asked, so it stays as it was: {error.reason}")
            continue
        if fault:
            yield Detection(f"url:{url}", f"{url} {fault}", f"Asked {tries} times.", {"url": url})


def _tried(client: Client, url: str, params: JsonObject, time: Time) -> tuple[str, int]:
    """What is wrong with the address at the last try, and how many there were. Raises FetchError as `_fault` does."""
    fault, tries = "", 0
    while tries < params["tries"]:
        seconds = time.seconds(params["timeout_seconds"])
        if tries and seconds < time.least:
            break
        fault, took = _fault(client, url, params, seconds)
        time.spend(took, seconds)
        tries += 1
        if not fault:
            break
    return fault, tries


def _fault(client: Client, url: str, params: JsonObject, seconds: float) -> tuple[str, float]:
    """What is wrong with the address just now, and how many seconds that took.

    Raises FetchError for one that may not be asked at all.
    """
    try:
        answer = client.get(url, timeout_seconds=seconds)
    except FetchError as error:
        if error.is_permanent:
            raise
        return f"cannot be reached: {error.reason}", error.elapsed_ms / 1000
    return _said_wrong(answer, params), answer.elapsed_ms / 1000


def _said_wrong(answer: Answer, params: JsonObject) -> str:
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
