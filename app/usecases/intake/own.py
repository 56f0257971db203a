"""Deliveries that PagerPal makes itself, in the words of the generic driver, kept like every other."""

import json
from collections.abc import Sequence
from datetime import datetime

from app.alerts.detection import as_payload, find_driver, parse
from app.alerts.drivers._base import Headers
from app.alerts.keyring import options_of
from app.alerts.problems import Submission
from app.alerts.types import AlertSource, DeliveryOutcome
from app.platform import strictjson
from app.platform.errors import NotFound
from app.platform.runtime import Runtime
from app.platform.types import JsonObject

DRIVER = "generic"


def own_submission(
    rt: Runtime, source: AlertSource, alerts: Sequence[JsonObject], *, by: str, trace_id: str, now: datetime
) -> Submission:
    """These alerts as a delivery of that source, ready for `apply`; `by` names the part of PagerPal that speaks."""
    entry = find_driver(DRIVER)
    if entry is None:
        raise NotFound(f"There is no driver {DRIVER}.", code="driver_not_found")
    body = json.dumps({"alerts": list(alerts)}).encode()
    headers = {"content-type": "application/json", "user-agent": f"PagerPal {by}"}
    parsed = parse(
        entry,
        as_payload(strictjson.loads(body)),
        Headers(headers),
        received_at=now,
        options=options_of(source, rt.secrets),
    )
    return Submission(
        source=source,
        driver=entry.name,
        outcome=DeliveryOutcome.ACCEPTED,
        parsed=parsed,
        headers=headers,
        body=body,
        received_at=now,
        trace_id=trace_id,
        new_run_id=rt.ids.hex32,
    )
