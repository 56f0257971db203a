"""Where vendors have to send their answers and receipts, for an admin to copy into the vendor's console."""

from app.notify import inbound
from app.notify.callbacks import TWILIO_SMS, TWILIO_STATUS, TWILIO_VOICE, infobip_path
from app.notify.inbound import IntegrationState
from app.platform.clock import rfc3339
from app.platform.runtime import Runtime
from app.platform.types import JsonObject


def integrations(rt: Runtime) -> JsonObject:
    """The inbound URLs by vendor, and what came in there last; Infobip signs nothing, so its paths hold a secret."""
    base = rt.settings.pagerpal_base_url
    states = rt.db.read(inbound.states)
    urls = {
        "twilio": {
            "inbound_url": f"{base}{TWILIO_SMS}",
            "status_url": f"{base}{TWILIO_STATUS}",
            "voice_url": f"{base}{TWILIO_VOICE}",
        },
        "infobip": {
            "inbound_url": f"{base}{infobip_path(rt.secrets, 'infobip_inbound')}",
            "reports_url": f"{base}{infobip_path(rt.secrets, 'infobip_reports')}",
        },
        "slack": {
            "events_url": f"{base}/integrations/slack/events/",
            "interactions_url": f"{base}/integrations/slack/interactions/",
        },
    }
    return {vendor: {**addresses, **_state(states[vendor])} for vendor, addresses in urls.items()}


def _state(state: IntegrationState) -> JsonObject:
    return {
        "last_inbound_at": rfc3339(state.last_inbound_at) if state.last_inbound_at else None,
        "last_outcome": state.last_outcome,
        "last_error": state.last_error,
        "accepted": state.accepted,
        "refused": state.refused,
    }
