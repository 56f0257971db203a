"""TLS certificates that end soon, or that no client trusts any more.

The quirk that cost time: a server that cannot be reached says nothing of its certificate, and nothing of the others.
"""

from collections.abc import Iterator

from app.alarms.modules._base import (
    AlarmModule,
    Certificate,
    Client,
    Detection,
    FetchError,
    JsonObject,
    Params,
    Sample,
)
from app.alarms.modules._time import Time

SECONDS = 10.0

PARAMS: Params = {
    "hosts": {
        "type": list,
        "required": True,
        "place": True,
        "description": "The servers, as host or host:port (443 where none is given).",
    },
    "days": {
        "type": float,
        "default": 14.0,
        "minimum": 0,
        "maximum": 3650,
        "description": "Fire when a certificate ends in fewer days.",
    },
    "must_be_trusted": {"type": bool, "default": True, "description": "Fire for one that is not trusted, too."},
}


def detect(client: Client, params: JsonObject) -> Iterator[Detection]:
    """A detection for each server whose certificate ends soon or is not trusted.

    Raises FetchError where none of them can be reached.
    """
    servers = [(place, *_split(place)) for place in map(str, params["hosts"])]
    time, unreached = Time(len(servers)), 0
    for place, host, port in servers:
        time.begin()
        seconds = time.seconds(SECONDS)
        try:
            shown = client.certificate(host, port, timeout_seconds=seconds)
        except FetchError as error:
            unreached += 1
            if unreached == len(servers):
                raise
            time.spend(error.elapsed_ms / 1000, seconds)
            client.unknown(f"host:{host}:{port}", f"{place} was not reached, so it stays as it was: {error.reason}")
            continue
        time.spend(shown.elapsed_ms / 1000, seconds)
        yield from _judged(client, params, place, f"host:{host}:{port}", {"host": host, "port": port}, shown)


def _judged(
    client: Client, params: JsonObject, place: str, key: str, server: JsonObject, shown: Certificate
) -> Iterator[Detection]:
    left = (shown.not_after - client.now).total_seconds() / 86400
    facts: JsonObject = {**server, "not_after": shown.not_after.isoformat(), "days": round(left, 2)}
    context = f"Subject: {shown.subject}\nIssuer: {shown.issuer}\nValid until: {shown.not_after:%Y-%m-%d %H:%M} UTC"
    if left < params["days"]:
        ends = f"ends in {left:.1f} days" if left >= 0 else f"ended {-left:.1f} days ago"
        severity = "warning" if left >= 0 else "critical"
        yield Detection(key, f"The certificate of {place} {ends}", context, facts, severity=severity)
    elif shown.fault and params["must_be_trusted"]:
        subject = f"The certificate of {place} is not trusted: {shown.fault}"
        yield Detection(key, subject, context, {**facts, "fault": shown.fault})


def _split(place: str) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or host.endswith(":") or "]" in port:
        return place.strip("[]"), 443
    if not port.isdecimal():
        raise FetchError(f"«{place[:80]}» is no host:port", is_permanent=True)
    return host.strip("[]"), int(port)


PLUGIN = AlarmModule(
    label="Certificate expiry",
    params=PARAMS,
    detect=detect,
    samples=(
        Sample(
            name="one that ends in a week",
            params={"hosts": ["www.example.com", "mail.example.com:465"]},
            answers=(
                {
                    "subject": "CN=www.example.com", "issuer": "CN=Example", "fault": "",
                    "not_before": "2026-01-01T00:00:00+00:00", "not_after": "2026-03-09T09:00:00+00:00",
                },
                {
                    "subject": "CN=mail.example.com", "issuer": "CN=Example", "fault": "",
                    "not_before": "2026-01-01T00:00:00+00:00", "not_after": "2026-12-01T00:00:00+00:00",
                },
            ),
            expect=("host:www.example.com:443",),
        ),
    ),
    setup="Give the servers. Internal ones must lie in OUTBOUND_ALLOWED_NETWORKS.",
)  # fmt: skip
