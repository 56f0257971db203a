"""Where vendors have to send their answers and receipts, for an admin to copy into the vendor's console."""

from app.platform.runtime import Runtime
from app.platform.types import JsonObject

SECRET_LENGTH = 32
NEVER: JsonObject = {"last_inbound_at": None, "last_outcome": None, "last_error": None}


def integrations(rt: Runtime) -> JsonObject:
    """The inbound URLs by vendor; Infobip signs nothing, so its paths hold a secret."""
    base = f"{rt.settings.pagerpal_base_url}/integrations"
    secret = infobip_secret(rt)
    return {
        "twilio": {"inbound_url": f"{base}/twilio_sms/", "status_url": f"{base}/twilio_status/", **NEVER},
        "infobip": {
            "inbound_url": f"{base}/infobip_inbound/{secret}/",
            "reports_url": f"{base}/infobip_reports/{secret}/",
            **NEVER,
        },
        "slack": {
            "events_url": f"{base}/slack/events/",
            "interactions_url": f"{base}/slack/interactions/",
            **NEVER,
        },
    }


def infobip_secret(rt: Runtime) -> str:
    """The secret part of the two Infobip paths; it follows from SECRET_KEY."""
    return rt.secrets.sign("infobip-path", b"inbound")[:SECRET_LENGTH]
