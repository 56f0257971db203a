"""The catalogue: what an admin sets up (sources, policies, schedules, channels), each change with its audit."""

from app.usecases.catalogue.channels import create_channel, delete_channel, shown_channel, update_channel
from app.usecases.catalogue.policies import create_policy, delete_policy, update_policy
from app.usecases.catalogue.schedules import (
    add_entry,
    add_override,
    create_schedule,
    delete_schedule,
    update_schedule,
    void_entry,
    void_override,
)
from app.usecases.catalogue.sources import (
    create_source,
    delete_source,
    first_source,
    regenerate_key,
    revoke_key,
    update_source,
)

__all__ = [
    "add_entry",
    "add_override",
    "create_channel",
    "create_policy",
    "create_schedule",
    "create_source",
    "delete_channel",
    "delete_policy",
    "delete_schedule",
    "delete_source",
    "first_source",
    "regenerate_key",
    "revoke_key",
    "shown_channel",
    "update_channel",
    "update_policy",
    "update_schedule",
    "update_source",
    "void_entry",
    "void_override",
]
