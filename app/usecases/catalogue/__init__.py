"""The catalogue: what an admin sets up (sources, policies, channels, providers), each change with its audit."""

from app.usecases.catalogue.channels import create_channel, delete_channel, shown_channel, update_channel
from app.usecases.catalogue.heartbeats import create_heartbeat, delete_heartbeat, take_ping, update_heartbeat
from app.usecases.catalogue.pipelines import (
    add_definition,
    check_definition,
    create_definition,
    delete_definition,
    shown_definition,
    update_definition,
)
from app.usecases.catalogue.policies import add_policy, create_policy, delete_policy, update_policy
from app.usecases.catalogue.providers import (
    create_provider,
    delete_provider,
    shown_provider,
    try_provider,
    update_provider,
)
from app.usecases.catalogue.sources import (
    FIRST_SOURCE,
    add_key,
    add_source,
    change_source,
    create_source,
    delete_source,
    first_source,
    regenerate_key,
    revoke_key,
    update_source,
)

__all__ = [
    "FIRST_SOURCE",
    "add_definition",
    "add_key",
    "add_policy",
    "add_source",
    "change_source",
    "check_definition",
    "create_channel",
    "create_definition",
    "create_heartbeat",
    "create_policy",
    "create_provider",
    "create_source",
    "delete_channel",
    "delete_definition",
    "delete_heartbeat",
    "delete_policy",
    "delete_provider",
    "delete_source",
    "first_source",
    "regenerate_key",
    "revoke_key",
    "shown_channel",
    "shown_definition",
    "shown_provider",
    "take_ping",
    "try_provider",
    "update_channel",
    "update_definition",
    "update_heartbeat",
    "update_policy",
    "update_provider",
    "update_source",
]
