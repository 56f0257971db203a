"""Every URL of PagerPal on one page, by door: methods, path, handler, who may, and what success answers.

Paths are written without a trailing slash and work with one. The permission matrix is generated from this table.
"""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from app.accounts.permissions import Permission as P
from app.web import live
from app.web.api import (
    absences,
    alarms,
    alert_sources,
    alerts,
    audit,
    calendars,
    channels,
    checks,
    definitions,
    document,
    escalation_policies,
    heartbeats,
    incidents,
    intelligence,
    me,
    metrics,
    notifications,
    notify,
    oncall,
    pipelines,
    push,
    reach,
    recommendations,
    schedules,
    simulate,
    stats,
    system,
    teams,
    users,
)
from app.web.hooks import (
    alerts as alerts_hook,
    csp as csp_hook,
    health,
    infobip as infobip_hook,
    links as links_hook,
    pings as pings_hook,
    slack as slack_hook,
    twilio as twilio_hook,
)
from app.web.routing import KEYED, PUBLIC, Access, Door, Route, mount_routes
from app.web.ui import (
    alarm_editor as alarm_editor_ui,
    alarm_events as alarm_events_ui,
    alarms as alarms_ui,
    alerts as alerts_ui,
    assets,
    calendars as calendars_ui,
    channels as channels_ui,
    checks as checks_ui,
    dashboard as dashboard_ui,
    incidents as incidents_ui,
    intelligence as intelligence_ui,
    login as login_ui,
    notifications as notifications_ui,
    people as people_ui,
    pipelines as pipelines_ui,
    policies as policies_ui,
    profile as profile_ui,
    pwa,
    reach as reach_ui,
    reference as reference_ui,
    runs as runs_ui,
    schedules as schedules_ui,
    setup as setup_ui,
    simulate as simulate_ui,
    slots as slots_ui,
    sources as sources_ui,
    swaps as swaps_ui,
    system as system_ui,
    teams as teams_ui,
)

__all__ = ["KEYED", "PUBLIC", "ROUTES", "Door", "Route", "mount"]


def _hook(methods: str, path: str, handler: Callable[..., Any]) -> Route:
    return Route(methods, path, handler, KEYED, Door.HOOK)


def _api(methods: str, path: str, handler: Callable[..., Any], permission: Access, status: int = 200) -> Route:
    return Route(methods, path, handler, permission, Door.API, status)


def _ui(methods: str, path: str, handler: Callable[..., Any], permission: Access) -> Route:
    return Route(methods, path, handler, permission, Door.UI)


# Plain routes, matched first: nothing stands between a monitoring tool and the intake.
HOOKS: tuple[Route, ...] = (
    _hook("POST PUT", "/alerts/webhook/{driver}", alerts_hook.receive),
    _hook("POST PUT", "/alerts/webhook", alerts_hook.receive),
    _hook("GET", "/alerts/webhook", alerts_hook.say_ready),
    _hook("POST PUT", "/api/v1/webhooks/{driver}", alerts_hook.receive),
    _hook("POST", "/api/v1/alerts", alerts_hook.receive),
    _hook("GET", "/a/{token}", links_hook.look),
    _hook("POST", "/a/{token}", links_hook.act),
    Route("GET", "/health", health.health, PUBLIC, Door.HOOK),
    Route("GET", "/health/ready", health.ready, PUBLIC, Door.HOOK),
    Route("POST", "/csp-report", csp_hook.receive, PUBLIC, Door.HOOK),
    _hook("GET HEAD POST", "/ping/{uuid}", pings_hook.receive),
    _hook("GET HEAD POST", "/ping/{uuid}/{signal}", pings_hook.receive),
    _hook("POST", "/integrations/twilio_sms", twilio_hook.text),
    _hook("POST", "/integrations/twilio_status", twilio_hook.status),
    _hook("POST", "/integrations/twilio_voice", twilio_hook.voice),
    _hook("POST", "/integrations/infobip_inbound/{secret}", infobip_hook.inbound),
    _hook("POST", "/integrations/infobip_reports/{secret}", infobip_hook.reports),
    _hook("POST", "/integrations/slack/events", slack_hook.receive),
    _hook("POST", "/integrations/slack/interactions", slack_hook.receive),
)

ME: tuple[Route, ...] = (
    _api("GET", "/api/v1/me", me.show, P.VIEW),
    _api("PATCH", "/api/v1/me", me.change, P.EDIT_OWN_ACCOUNT),
    _api("POST", "/api/v1/me/password", me.change_password, P.EDIT_OWN_ACCOUNT, 204),
    _api("GET", "/api/v1/me/tokens", me.list_tokens, P.VIEW),
    _api("POST", "/api/v1/me/tokens", me.create_token, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/me/tokens/{token_id}", me.revoke_token, P.EDIT_OWN_ACCOUNT, 204),
    _api("GET", "/api/v1/me/sessions", me.list_sessions, P.VIEW),
    _api("DELETE", "/api/v1/me/sessions/{session_id}", me.end_session, P.EDIT_OWN_ACCOUNT, 204),
    _api("GET", "/api/v1/me/contact-methods", me.list_contact_methods, P.VIEW),
    _api("POST", "/api/v1/me/contact-methods", me.add_contact_method, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/me/contact-methods/{contact_method_id}", me.remove_contact_method, P.EDIT_OWN_ACCOUNT, 204),
    _api("POST", "/api/v1/me/contact-methods/{contact_method_id}/send-code", me.send_code, P.EDIT_OWN_ACCOUNT),
    _api("POST", "/api/v1/me/contact-methods/{contact_method_id}/verify", me.verify, P.EDIT_OWN_ACCOUNT),
    _api("GET", "/api/v1/me/notification-rules", me.list_rules, P.VIEW),
    _api("POST", "/api/v1/me/notification-rules", me.add_rule, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/me/notification-rules/{rule_id}", me.remove_rule, P.EDIT_OWN_ACCOUNT, 204),
    _api("GET", "/api/v1/me/push-subscriptions", push.list_devices, P.VIEW),
    _api("POST", "/api/v1/me/push-subscriptions", push.add_device, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/me/push-subscriptions/{device_id}", push.remove_device, P.EDIT_OWN_ACCOUNT, 204),
    _api("POST", "/api/v1/me/calendar-token", calendars.make_own_address, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/me/calendar-token", calendars.revoke_own_address, P.EDIT_OWN_ACCOUNT, 204),
    # Calendar programs cannot sign in: the secret in the address is all they have.
    _api("GET", "/api/v1/me/calendar.ics", calendars.show_own, KEYED),
    _api("GET", "/api/v1/me/unavailability", me.list_absences, P.VIEW),
    _api("POST", "/api/v1/me/unavailability", me.add_absences, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/me/unavailability/{calendar_id}", me.remove_absences, P.EDIT_OWN_ACCOUNT, 204),
)

# The paths under /users/{user_id} that ask for EDIT_OWN_ACCOUNT are for that very person, and for admins.
PEOPLE: tuple[Route, ...] = (
    _api("GET", "/api/v1/users", users.list_users, P.VIEW),
    _api("POST", "/api/v1/users", users.create, P.MANAGE_PEOPLE, 201),
    _api("GET", "/api/v1/users/{user_id}", users.show, P.VIEW),
    _api("PATCH", "/api/v1/users/{user_id}", users.change, P.MANAGE_PEOPLE),
    _api("POST", "/api/v1/users/{user_id}/deactivate", users.deactivate, P.MANAGE_PEOPLE),
    _api("POST", "/api/v1/users/{user_id}/activate", users.activate, P.MANAGE_PEOPLE),
    _api("GET", "/api/v1/users/{user_id}/sessions", users.list_sessions, P.MANAGE_PEOPLE),
    _api("DELETE", "/api/v1/users/{user_id}/sessions/{session_id}", users.end_session, P.MANAGE_PEOPLE, 204),
    _api("GET", "/api/v1/users/{user_id}/contact-methods", reach.list_contact_methods, P.EDIT_OWN_ACCOUNT),
    _api("POST", "/api/v1/users/{user_id}/contact-methods", reach.add_contact_method, P.EDIT_OWN_ACCOUNT, 201),
    _api(
        "DELETE",
        "/api/v1/users/{user_id}/contact-methods/{contact_method_id}",
        reach.remove_contact_method,
        P.EDIT_OWN_ACCOUNT,
        204,
    ),
    _api(
        "POST",
        "/api/v1/users/{user_id}/contact-methods/{contact_method_id}/send-code",
        reach.send_code,
        P.EDIT_OWN_ACCOUNT,
    ),
    _api(
        "POST", "/api/v1/users/{user_id}/contact-methods/{contact_method_id}/verify", reach.verify, P.EDIT_OWN_ACCOUNT
    ),
    _api("GET", "/api/v1/users/{user_id}/notification-rules", reach.list_rules, P.EDIT_OWN_ACCOUNT),
    _api("POST", "/api/v1/users/{user_id}/notification-rules", reach.add_rule, P.EDIT_OWN_ACCOUNT, 201),
    _api("DELETE", "/api/v1/users/{user_id}/notification-rules/{rule_id}", reach.remove_rule, P.EDIT_OWN_ACCOUNT, 204),
    _api("GET", "/api/v1/users/{user_id}/unavailability", absences.list_calendars, P.EDIT_OWN_ACCOUNT),
    _api("POST", "/api/v1/users/{user_id}/unavailability", absences.add_calendar, P.EDIT_OWN_ACCOUNT, 201),
    _api(
        "DELETE",
        "/api/v1/users/{user_id}/unavailability/{calendar_id}",
        absences.remove_calendar,
        P.EDIT_OWN_ACCOUNT,
        204,
    ),
    _api("GET", "/api/v1/teams", teams.list_teams, P.VIEW),
    _api("POST", "/api/v1/teams", teams.create, P.MANAGE_TEAMS, 201),
    _api("GET", "/api/v1/teams/{team_id}", teams.show, P.VIEW),
    _api("PATCH", "/api/v1/teams/{team_id}", teams.change, P.MANAGE_TEAMS),
    _api("DELETE", "/api/v1/teams/{team_id}", teams.delete, P.MANAGE_TEAMS, 204),
    _api("POST", "/api/v1/teams/{team_id}/members", teams.add_member, P.MANAGE_TEAMS),
    _api("DELETE", "/api/v1/teams/{team_id}/members/{user_id}", teams.remove_member, P.MANAGE_TEAMS),
    _api("GET", "/api/v1/audit", audit.list_audit, P.READ_AUDIT),
    _api("GET", "/api/v1/stats", stats.show, P.VIEW),
)

SYSTEM: tuple[Route, ...] = (
    _api("GET", "/openapi.json", document.show, P.VIEW),
    _api("GET", "/api/v1/system/jobs", system.jobs, P.VIEW),
    _api("GET", "/api/v1/system/readiness", system.readiness, P.VIEW),
    _api("GET", "/api/v1/system/integrations", system.integrations, P.MANAGE_SYSTEM),
    Route("GET", "/metrics", metrics.show, P.VIEW, Door.API, token_setting="metrics_token"),  # noqa: S106
)

SOURCES: tuple[Route, ...] = (
    _api("GET", "/api/v1/alert-sources", alert_sources.list_sources, P.VIEW),
    _api("POST", "/api/v1/alert-sources", alert_sources.create, P.MANAGE_SOURCES, 201),
    _api("GET", "/api/v1/alert-sources/{source_id}", alert_sources.show, P.VIEW),
    _api("PATCH", "/api/v1/alert-sources/{source_id}", alert_sources.change, P.MANAGE_SOURCES),
    _api("DELETE", "/api/v1/alert-sources/{source_id}", alert_sources.delete, P.MANAGE_SOURCES, 204),
    _api("POST", "/api/v1/alert-sources/{source_id}/regenerate-key", alert_sources.regenerate_key, P.MANAGE_SOURCES),
    _api("GET", "/api/v1/alert-sources/{source_id}/keys", alert_sources.list_keys, P.VIEW),
    _api("DELETE", "/api/v1/alert-sources/{source_id}/keys/{key_id}", alert_sources.revoke_key, P.MANAGE_SOURCES, 204),
    _api(
        "POST", "/api/v1/alert-sources/{source_id}/test-alert", alert_sources.send_test_alert, P.SEND_TEST_ALERTS, 202
    ),
    _api("GET", "/api/v1/alert-sources/{source_id}/quarantine", alert_sources.list_quarantine, P.VIEW),
    _api(
        "POST",
        "/api/v1/alert-sources/{source_id}/quarantine/{delivery_id}/reparse",
        alert_sources.reparse,
        P.MANAGE_SOURCES,
    ),
    _api("GET", "/api/v1/alerts", alerts.list_alerts, P.VIEW),
    _api("GET", "/api/v1/alerts/{alert_id}", alerts.show, P.VIEW),
    _api("GET", "/api/v1/alerts/{alert_id}/history", alerts.list_history, P.VIEW),
)

INCIDENTS: tuple[Route, ...] = (
    _api("GET", "/api/v1/incidents", incidents.list_incidents, P.VIEW),
    _api("POST", "/api/v1/incidents", incidents.create, P.ACT_ON_INCIDENTS, 201),
    _api("GET", "/api/v1/incidents/{incident_id}", incidents.show, P.VIEW),
    _api("POST", "/api/v1/incidents/{incident_id}/ack", incidents.acknowledge, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/acknowledge", incidents.acknowledge, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/resolve", incidents.resolve, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/reopen", incidents.reopen, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/close", incidents.close, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/escalate", incidents.escalate, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/snooze", incidents.snooze, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/notes", incidents.add_note, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/assign", incidents.assign, P.ACT_ON_INCIDENTS),
    _api("POST", "/api/v1/incidents/{incident_id}/analyze", incidents.analyze, P.ANALYZE),
)

MESSAGES: tuple[Route, ...] = (
    _api("GET", "/api/v1/notifications", notifications.list_notifications, P.VIEW),
    _api("GET", "/api/v1/notifications/{notification_id}", notifications.show, P.VIEW),
    _api("GET", "/api/v1/notifications/{notification_id}/why", notifications.why, P.VIEW),
    _api("POST", "/api/v1/notifications/{notification_id}/retry", notifications.retry, P.RETRY_NOTIFICATIONS),
    _api("GET", "/api/v1/channels", channels.list_channels, P.VIEW),
    _api("POST", "/api/v1/channels", channels.create, P.MANAGE_CHANNELS, 201),
    _api("GET", "/api/v1/channels/{channel_id}", channels.show, P.VIEW),
    _api("PATCH", "/api/v1/channels/{channel_id}", channels.change, P.MANAGE_CHANNELS),
    _api("DELETE", "/api/v1/channels/{channel_id}", channels.delete, P.MANAGE_CHANNELS, 204),
    _api("POST", "/api/v1/channels/{channel_id}/test", channels.send_test, P.MANAGE_CHANNELS, 202),
    _api("POST", "/notify/send", notify.send, P.SEND_NOTIFICATIONS),
    _api("POST", "/notify/send/{driver}", notify.send_by_driver, P.SEND_NOTIFICATIONS),
    _api("POST", "/notify/batch", notify.send_batch, P.SEND_NOTIFICATIONS),
    _api("GET", "/notify/drivers", notify.list_drivers, P.VIEW),
    _api("GET", "/notify/drivers/{driver}", notify.show_driver, P.VIEW),
)

INTELLIGENCE: tuple[Route, ...] = (
    _api("GET", "/api/v1/intelligence/providers", intelligence.list_providers, P.VIEW),
    _api("POST", "/api/v1/intelligence/providers", intelligence.create, P.MANAGE_INTELLIGENCE, 201),
    _api("GET", "/api/v1/intelligence/providers/{provider_id}", intelligence.show, P.VIEW),
    _api("PATCH", "/api/v1/intelligence/providers/{provider_id}", intelligence.change, P.MANAGE_INTELLIGENCE),
    _api("DELETE", "/api/v1/intelligence/providers/{provider_id}", intelligence.delete, P.MANAGE_INTELLIGENCE, 204),
    _api("POST", "/api/v1/intelligence/providers/{provider_id}/activate", intelligence.activate, P.MANAGE_INTELLIGENCE),
    _api("POST", "/api/v1/intelligence/providers/{provider_id}/test", intelligence.test, P.MANAGE_INTELLIGENCE),
    _api("GET", "/api/v1/analysis-runs", intelligence.list_runs, P.VIEW),
    _api("GET", "/intelligence/health", recommendations.health, P.VIEW),
    _api("GET", "/intelligence/providers", recommendations.list_kinds, P.VIEW),
    _api("GET", "/intelligence/recommendations", recommendations.show, P.VIEW),
    _api("POST", "/intelligence/recommendations", recommendations.recommend, P.ANALYZE),
    _api("GET", "/intelligence/memory", recommendations.look_at_memory, P.VIEW),
    _api("GET", "/intelligence/disk", recommendations.look_at_disk, P.VIEW),
)

DUTY: tuple[Route, ...] = (
    _api("GET", "/api/v1/escalation-policies", escalation_policies.list_policies, P.VIEW),
    _api("POST", "/api/v1/escalation-policies", escalation_policies.create, P.MANAGE_POLICIES, 201),
    _api("GET", "/api/v1/escalation-policies/{policy_id}", escalation_policies.show, P.VIEW),
    _api("PATCH", "/api/v1/escalation-policies/{policy_id}", escalation_policies.change, P.MANAGE_POLICIES),
    _api("DELETE", "/api/v1/escalation-policies/{policy_id}", escalation_policies.delete, P.MANAGE_POLICIES, 204),
    _api("GET", "/api/v1/schedules", schedules.list_schedules, P.VIEW),
    _api("POST", "/api/v1/schedules", schedules.create, P.MANAGE_SCHEDULES, 201),
    _api("GET", "/api/v1/schedules/{schedule_id}", schedules.show, P.VIEW),
    _api("PATCH", "/api/v1/schedules/{schedule_id}", schedules.change, P.MANAGE_SCHEDULES),
    _api("DELETE", "/api/v1/schedules/{schedule_id}", schedules.delete, P.MANAGE_SCHEDULES, 204),
    _api("GET", "/api/v1/schedules/{schedule_id}/slots", schedules.list_slots, P.VIEW),
    _api("GET", "/api/v1/schedules/{schedule_id}/gaps", schedules.list_gaps, P.VIEW),
    _api("GET", "/api/v1/schedules/{schedule_id}/entries", schedules.list_entries, P.VIEW),
    _api("POST", "/api/v1/schedules/{schedule_id}/entries", schedules.add_entry, P.MANAGE_SCHEDULES, 201),
    _api("DELETE", "/api/v1/schedules/{schedule_id}/entries/{entry_id}", schedules.void_entry, P.MANAGE_SCHEDULES, 204),
    _api("GET", "/api/v1/schedules/{schedule_id}/overrides", schedules.list_overrides, P.VIEW),
    _api("POST", "/api/v1/schedules/{schedule_id}/overrides", schedules.add_override, P.TAKE_SLOTS, 201),
    _api(
        "DELETE", "/api/v1/schedules/{schedule_id}/overrides/{override_id}", schedules.void_override, P.TAKE_SLOTS, 204
    ),
    _api("PATCH", "/api/v1/schedules/{schedule_id}/overrides/{override_id}", schedules.change_override, P.TAKE_SLOTS),
    _api("POST", "/api/v1/schedules/{schedule_id}/handoff", schedules.hand_off, P.TAKE_SLOTS),
    _api("GET", "/api/v1/schedules/{schedule_id}/swaps", schedules.list_swaps, P.VIEW),
    _api("POST", "/api/v1/schedules/{schedule_id}/swaps", schedules.request_swap, P.TAKE_SLOTS, 201),
    _api("POST", "/api/v1/schedules/{schedule_id}/swaps/{swap_id}/accept", schedules.accept_swap, P.TAKE_SLOTS),
    _api("POST", "/api/v1/schedules/{schedule_id}/swaps/{swap_id}/decline", schedules.decline_swap, P.TAKE_SLOTS),
    _api("POST", "/api/v1/schedules/{schedule_id}/swaps/{swap_id}/cancel", schedules.cancel_swap, P.TAKE_SLOTS),
    _api("GET", "/api/v1/schedules/{schedule_id}/oncall", oncall.show, P.VIEW),
    _api("GET", "/api/v1/oncall/current", oncall.current, P.VIEW),
    _api("POST", "/api/v1/simulate/page", simulate.page, P.SIMULATE),
    _api("GET", "/api/v1/schedules/{schedule_id}/conflicts", calendars.list_conflicts, P.VIEW),
    _api(
        "POST",
        "/api/v1/schedules/{schedule_id}/calendar-token",
        calendars.make_schedule_address,
        P.MANAGE_SCHEDULES,
        201,
    ),
    _api(
        "DELETE",
        "/api/v1/schedules/{schedule_id}/calendar-token",
        calendars.revoke_schedule_address,
        P.MANAGE_SCHEDULES,
        204,
    ),
    _api("GET", "/api/v1/schedules/{schedule_id}/calendar.ics", calendars.show_schedule, KEYED),
)

RUNS: tuple[Route, ...] = (
    _api("GET", "/api/v1/pipelines", definitions.list_definitions, P.VIEW),
    _api("POST", "/api/v1/pipelines", definitions.create, P.MANAGE_PIPELINES, 201),
    _api("GET", "/api/v1/pipelines/{name}", definitions.show, P.VIEW),
    _api("PATCH", "/api/v1/pipelines/{name}", definitions.change, P.MANAGE_PIPELINES),
    _api("DELETE", "/api/v1/pipelines/{name}", definitions.delete, P.MANAGE_PIPELINES, 204),
    _api("POST", "/api/v1/pipelines/{name}/validate", definitions.validate, P.MANAGE_PIPELINES),
    _api("POST", "/api/v1/pipelines/{name}/run", pipelines.run_by_hand, P.RUN_PIPELINES),
    _api("GET", "/api/v1/pipeline-runs", pipelines.list_runs, P.VIEW),
    _api("GET", "/api/v1/pipeline-runs/{run_id}", pipelines.show_run, P.VIEW),
    _api("POST", "/api/v1/pipeline-runs/{run_id}/resume", pipelines.resume_run, P.RUN_PIPELINES),
)

CHECKS: tuple[Route, ...] = (
    _api("GET", "/api/v1/checks", checks.list_checks, P.VIEW),
    _api("PATCH", "/api/v1/checks/{checker}", checks.change_check, P.MANAGE_CHECKS),
    _api("POST", "/api/v1/checks/{checker}/run", checks.run_check, P.RUN_CHECKS),
    _api("GET", "/api/v1/check-runs", checks.list_runs, P.VIEW),
)

# `modules` and `run` are reserved: no alarm is called so.
ALARMS: tuple[Route, ...] = (
    _api("GET", "/api/v1/alarms", alarms.list_alarms, P.VIEW),
    _api("POST", "/api/v1/alarms", alarms.create_alarm, P.MANAGE_ALARMS, 201),
    _api("GET", "/api/v1/alarms/modules", alarms.list_modules, P.VIEW),
    _api("POST", "/api/v1/alarms/run", alarms.run, P.MANAGE_ALARMS),
    _api("GET", "/api/v1/alarms/{name}", alarms.show_alarm, P.VIEW),
    _api("PATCH", "/api/v1/alarms/{name}", alarms.change_alarm, P.MANAGE_ALARMS),
    _api("POST", "/api/v1/alarms/{name}/autosave", alarms.autosave, P.MANAGE_ALARMS),
    _api("POST", "/api/v1/alarms/{name}/test", alarms.try_alarm, P.ANSWER_ALARMS),
    _api("POST", "/api/v1/alarms/{name}/preview", alarms.preview, P.MANAGE_ALARMS),
    _api("GET", "/api/v1/alarms/{name}/versions", alarms.list_versions, P.VIEW),
    _api("GET", "/api/v1/alarms/{name}/versions/{number}", alarms.show_version, P.VIEW),
    _api("POST", "/api/v1/alarms/{name}/versions/{number}/restore", alarms.restore_version, P.MANAGE_ALARMS),
    _api("GET", "/api/v1/alarm-events", alarms.list_events, P.VIEW),
    _api("GET", "/api/v1/alarm-events/{event_id}", alarms.show_event, P.VIEW),
    _api("POST", "/api/v1/alarm-events/{event_id}/ack", alarms.acknowledge_event, P.ANSWER_ALARMS),
    _api("GET", "/api/v1/engine-runs", alarms.list_runs, P.VIEW),
    _api("GET", "/api/v1/engine-runs/{run_id}", alarms.show_run, P.VIEW),
    _api("GET", "/api/v1/heartbeats", heartbeats.list_heartbeats, P.VIEW),
    _api("POST", "/api/v1/heartbeats", heartbeats.create, P.MANAGE_ALARMS, 201),
    _api("GET", "/api/v1/heartbeats/{heartbeat_id}", heartbeats.show, P.VIEW),
    _api("PATCH", "/api/v1/heartbeats/{heartbeat_id}", heartbeats.change, P.MANAGE_ALARMS),
    _api("DELETE", "/api/v1/heartbeats/{heartbeat_id}", heartbeats.delete, P.MANAGE_ALARMS, 204),
    _api("GET", "/api/v1/heartbeats/{heartbeat_id}/pings", heartbeats.list_pings, P.VIEW),
)

OPERATIONS: tuple[Route, ...] = ()

UI_DAILY: tuple[Route, ...] = (
    _ui("GET", "/", dashboard_ui.root, P.VIEW),
    _ui("GET", "/favicon.ico", assets.favicon, PUBLIC),
    _ui("GET", "/manifest.webmanifest", pwa.manifest, PUBLIC),
    _ui("GET", "/sw.js", pwa.worker, PUBLIC),
    _ui("GET", "/login", login_ui.show, PUBLIC),
    _ui("POST", "/login", login_ui.sign_in, PUBLIC),
    _ui("POST", "/logout", login_ui.sign_out, P.VIEW),
    _ui("POST", "/theme", dashboard_ui.choose_theme, PUBLIC),
    _ui("GET", "/events", live.events, P.VIEW),
    _ui("GET", "/dashboard", dashboard_ui.show, P.VIEW),
    _ui("GET", "/notifications", notifications_ui.index, P.VIEW),
    _ui("GET", "/notifications/{notification_id}", notifications_ui.show, P.VIEW),
    _ui("POST", "/notifications/{notification_id}/retry", notifications_ui.retry, P.RETRY_NOTIFICATIONS),
    _ui("GET", "/more", dashboard_ui.more, P.VIEW),
    _ui("GET", "/incidents", incidents_ui.index, P.VIEW),
    _ui("POST", "/incidents", incidents_ui.create, P.ACT_ON_INCIDENTS),
    _ui("GET", "/incidents/new", incidents_ui.new, P.ACT_ON_INCIDENTS),
    _ui("GET", "/incidents/{incident_id}", incidents_ui.show, P.VIEW),
    _ui("POST", "/incidents/{incident_id}/acknowledge", incidents_ui.acknowledge, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/resolve", incidents_ui.resolve, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/reopen", incidents_ui.reopen, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/close", incidents_ui.close, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/escalate", incidents_ui.escalate, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/snooze", incidents_ui.snooze, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/assign", incidents_ui.assign, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/notes", incidents_ui.add_note, P.ACT_ON_INCIDENTS),
    _ui("POST", "/incidents/{incident_id}/analyze", incidents_ui.analyze, P.ANALYZE),
    _ui(
        "POST",
        "/incidents/{incident_id}/notifications/{notification_id}/retry",
        incidents_ui.retry_notification,
        P.RETRY_NOTIFICATIONS,
    ),
)

# Below /people/{user_id} what asks for EDIT_OWN_ACCOUNT is for that very person, and for admins.
UI_PEOPLE: tuple[Route, ...] = (
    _ui("GET", "/people", people_ui.index, P.VIEW),
    _ui("POST", "/people", people_ui.create, P.MANAGE_PEOPLE),
    _ui("GET", "/people/new", people_ui.new, P.MANAGE_PEOPLE),
    _ui("GET", "/people/{user_id}", people_ui.show, P.VIEW),
    _ui("POST", "/people/{user_id}", people_ui.change, P.MANAGE_PEOPLE),
    _ui("POST", "/people/{user_id}/deactivate", people_ui.deactivate, P.MANAGE_PEOPLE),
    _ui("POST", "/people/{user_id}/activate", people_ui.activate, P.MANAGE_PEOPLE),
    _ui("POST", "/people/{user_id}/quiet-hours", reach_ui.set_quiet_hours, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/contact-methods", reach_ui.add_method, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/contact-methods/{method_id}/remove", reach_ui.remove_method, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/contact-methods/{method_id}/send-code", reach_ui.send_code, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/contact-methods/{method_id}/verify", reach_ui.verify, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/notification-rules", reach_ui.add_rule, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/notification-rules/{rule_id}/remove", reach_ui.remove_rule, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/calendar-token", calendars_ui.make_address, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/calendar-token/revoke", calendars_ui.revoke_address, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/people/{user_id}/unavailability", calendars_ui.add_absences, P.EDIT_OWN_ACCOUNT),
    _ui(
        "POST",
        "/people/{user_id}/unavailability/{calendar_id}/remove",
        calendars_ui.remove_absences,
        P.EDIT_OWN_ACCOUNT,
    ),
    _ui("GET", "/profile", profile_ui.show, P.VIEW),
    _ui("POST", "/profile", profile_ui.change, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/password", profile_ui.change_password, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/devices/{device_id}/remove", profile_ui.remove_device, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/quiet-hours", reach_ui.set_own_quiet_hours, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/contact-methods", reach_ui.add_own_method, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/contact-methods/{method_id}/remove", reach_ui.remove_own_method, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/contact-methods/{method_id}/send-code", reach_ui.send_own_code, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/contact-methods/{method_id}/verify", reach_ui.verify_own, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/notification-rules", reach_ui.add_own_rule, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/notification-rules/{rule_id}/remove", reach_ui.remove_own_rule, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/calendar-token", calendars_ui.make_own_address, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/calendar-token/revoke", calendars_ui.revoke_own_address, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/unavailability", calendars_ui.add_own_absences, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/unavailability/{calendar_id}/remove", calendars_ui.remove_own_absences, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/tokens", profile_ui.create_token, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/tokens/{token_id}/revoke", profile_ui.revoke_token, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/sessions/revoke-others", profile_ui.end_other_sessions, P.EDIT_OWN_ACCOUNT),
    _ui("POST", "/profile/sessions/{session_id}/revoke", profile_ui.end_session, P.EDIT_OWN_ACCOUNT),
    _ui("GET", "/teams", teams_ui.index, P.VIEW),
    _ui("POST", "/teams", teams_ui.create, P.MANAGE_TEAMS),
    _ui("GET", "/teams/new", teams_ui.new, P.MANAGE_TEAMS),
    _ui("GET", "/teams/{team_id}", teams_ui.show, P.VIEW),
    _ui("POST", "/teams/{team_id}", teams_ui.change, P.MANAGE_TEAMS),
    _ui("POST", "/teams/{team_id}/delete", teams_ui.delete, P.MANAGE_TEAMS),
    _ui("POST", "/teams/{team_id}/members", teams_ui.add_member, P.MANAGE_TEAMS),
    _ui("POST", "/teams/{team_id}/members/{user_id}/remove", teams_ui.remove_member, P.MANAGE_TEAMS),
)

UI_CATALOGUE: tuple[Route, ...] = (
    _ui("GET", "/alerts/{alert_id}", alerts_ui.show, P.VIEW),
    _ui("GET", "/alert-sources", sources_ui.index, P.VIEW),
    _ui("POST", "/alert-sources", sources_ui.create, P.MANAGE_SOURCES),
    _ui("GET", "/alert-sources/new", sources_ui.new, P.MANAGE_SOURCES),
    _ui("GET", "/alert-sources/{source_id}", sources_ui.show, P.VIEW),
    _ui("POST", "/alert-sources/{source_id}", sources_ui.change, P.MANAGE_SOURCES),
    _ui("GET", "/alert-sources/{source_id}/edit", sources_ui.edit, P.MANAGE_SOURCES),
    _ui("POST", "/alert-sources/{source_id}/activate", sources_ui.activate, P.MANAGE_SOURCES),
    _ui("POST", "/alert-sources/{source_id}/deactivate", sources_ui.deactivate, P.MANAGE_SOURCES),
    _ui("POST", "/alert-sources/{source_id}/delete", sources_ui.delete, P.MANAGE_SOURCES),
    _ui("POST", "/alert-sources/{source_id}/regenerate-key", sources_ui.regenerate_key, P.MANAGE_SOURCES),
    _ui("POST", "/alert-sources/{source_id}/keys/{key_id}/revoke", sources_ui.revoke_key, P.MANAGE_SOURCES),
    _ui("POST", "/alert-sources/{source_id}/test-alert", sources_ui.test_alert, P.SEND_TEST_ALERTS),
    _ui("GET", "/alert-sources/{source_id}/quarantine/{delivery_id}", sources_ui.quarantined, P.VIEW),
    _ui("POST", "/alert-sources/{source_id}/quarantine/{delivery_id}/reparse", sources_ui.reparse, P.MANAGE_SOURCES),
    _ui("GET", "/simulate", simulate_ui.show, P.SIMULATE),
    _ui("POST", "/simulate", simulate_ui.ask, P.SIMULATE),
    _ui("GET", "/policies", policies_ui.index, P.VIEW),
    _ui("POST", "/policies", policies_ui.create, P.MANAGE_POLICIES),
    _ui("GET", "/policies/new", policies_ui.new, P.MANAGE_POLICIES),
    _ui("GET", "/policies/{policy_id}", policies_ui.show, P.VIEW),
    _ui("POST", "/policies/{policy_id}", policies_ui.change, P.MANAGE_POLICIES),
    _ui("POST", "/policies/{policy_id}/delete", policies_ui.delete, P.MANAGE_POLICIES),
    _ui("GET", "/oncall", schedules_ui.index, P.VIEW),
    _ui("GET", "/schedules", schedules_ui.index, P.VIEW),
    _ui("POST", "/schedules", schedules_ui.create, P.MANAGE_SCHEDULES),
    _ui("GET", "/schedules/new", schedules_ui.new, P.MANAGE_SCHEDULES),
    _ui("GET", "/schedules/{schedule_id}", schedules_ui.show, P.VIEW),
    _ui("POST", "/schedules/{schedule_id}", schedules_ui.change, P.MANAGE_SCHEDULES),
    _ui("GET", "/schedules/{schedule_id}/edit", schedules_ui.edit, P.MANAGE_SCHEDULES),
    _ui("POST", "/schedules/{schedule_id}/delete", schedules_ui.delete, P.MANAGE_SCHEDULES),
    _ui("POST", "/schedules/{schedule_id}/entries", schedules_ui.add_entry, P.MANAGE_SCHEDULES),
    _ui("POST", "/schedules/{schedule_id}/entries/{entry_id}/remove", schedules_ui.remove_entry, P.MANAGE_SCHEDULES),
    _ui("POST", "/schedules/{schedule_id}/calendar", schedules_ui.make_calendar, P.MANAGE_SCHEDULES),
    _ui("POST", "/schedules/{schedule_id}/calendar/revoke", schedules_ui.revoke_calendar, P.MANAGE_SCHEDULES),
    _ui("GET", "/schedules/{schedule_id}/slots/{start}", slots_ui.show, P.VIEW),
    _ui("POST", "/schedules/{schedule_id}/slots/{start}/override", slots_ui.override, P.TAKE_SLOTS),
    _ui("POST", "/schedules/{schedule_id}/overrides/{override_id}/remove", slots_ui.remove_override, P.TAKE_SLOTS),
    _ui("GET", "/schedules/{schedule_id}/handoff", slots_ui.hand_off_form, P.TAKE_SLOTS),
    _ui("POST", "/schedules/{schedule_id}/handoff", slots_ui.hand_off, P.TAKE_SLOTS),
    _ui("POST", "/schedules/{schedule_id}/slots/{start}/swap", swaps_ui.ask, P.TAKE_SLOTS),
    _ui("POST", "/schedules/{schedule_id}/swaps/{swap_id}/accept", swaps_ui.accept, P.TAKE_SLOTS),
    _ui("POST", "/schedules/{schedule_id}/swaps/{swap_id}/decline", swaps_ui.decline, P.TAKE_SLOTS),
    _ui("POST", "/schedules/{schedule_id}/swaps/{swap_id}/cancel", swaps_ui.cancel, P.TAKE_SLOTS),
)

UI_CHANNELS: tuple[Route, ...] = (
    _ui("GET", "/channels", channels_ui.index, P.VIEW),
    _ui("POST", "/channels", channels_ui.create, P.MANAGE_CHANNELS),
    _ui("GET", "/channels/new", channels_ui.new, P.MANAGE_CHANNELS),
    _ui("GET", "/channels/{channel_id}", channels_ui.show, P.VIEW),
    _ui("POST", "/channels/{channel_id}", channels_ui.change, P.MANAGE_CHANNELS),
    _ui("POST", "/channels/{channel_id}/test", channels_ui.send_test, P.MANAGE_CHANNELS),
    _ui("POST", "/channels/{channel_id}/activate", channels_ui.activate, P.MANAGE_CHANNELS),
    _ui("POST", "/channels/{channel_id}/deactivate", channels_ui.deactivate, P.MANAGE_CHANNELS),
    _ui("POST", "/channels/{channel_id}/delete", channels_ui.delete, P.MANAGE_CHANNELS),
)

UI_PIPELINES: tuple[Route, ...] = (
    _ui("GET", "/pipelines", pipelines_ui.index, P.VIEW),
    _ui("POST", "/pipelines", pipelines_ui.create, P.MANAGE_PIPELINES),
    _ui("GET", "/pipelines/new", pipelines_ui.new, P.MANAGE_PIPELINES),
    _ui("GET", "/pipelines/{name}", pipelines_ui.show, P.VIEW),
    _ui("POST", "/pipelines/{name}", pipelines_ui.change, P.MANAGE_PIPELINES),
    _ui("GET", "/pipelines/{name}/edit", pipelines_ui.edit, P.MANAGE_PIPELINES),
    _ui("POST", "/pipelines/{name}/activate", pipelines_ui.activate, P.MANAGE_PIPELINES),
    _ui("POST", "/pipelines/{name}/deactivate", pipelines_ui.deactivate, P.MANAGE_PIPELINES),
    _ui("POST", "/pipelines/{name}/delete", pipelines_ui.delete, P.MANAGE_PIPELINES),
    _ui("GET", "/pipeline-runs", runs_ui.index, P.VIEW),
    _ui("GET", "/pipeline-runs/{run_id}", runs_ui.show, P.VIEW),
    _ui("POST", "/pipeline-runs/{run_id}/resume", runs_ui.resume, P.RUN_PIPELINES),
)

UI_INTELLIGENCE: tuple[Route, ...] = (
    _ui("GET", "/intelligence-providers", intelligence_ui.index, P.VIEW),
    _ui("POST", "/intelligence-providers", intelligence_ui.create, P.MANAGE_INTELLIGENCE),
    _ui("GET", "/intelligence-providers/new", intelligence_ui.new, P.MANAGE_INTELLIGENCE),
    _ui("GET", "/intelligence-providers/{provider_id}", intelligence_ui.show, P.VIEW),
    _ui("POST", "/intelligence-providers/{provider_id}", intelligence_ui.change, P.MANAGE_INTELLIGENCE),
    _ui("GET", "/intelligence-providers/{provider_id}/preview", intelligence_ui.preview, P.VIEW),
    _ui("POST", "/intelligence-providers/{provider_id}/test", intelligence_ui.test, P.MANAGE_INTELLIGENCE),
    _ui("POST", "/intelligence-providers/{provider_id}/activate", intelligence_ui.activate, P.MANAGE_INTELLIGENCE),
    _ui("POST", "/intelligence-providers/{provider_id}/deactivate", intelligence_ui.deactivate, P.MANAGE_INTELLIGENCE),
    _ui("POST", "/intelligence-providers/{provider_id}/delete", intelligence_ui.delete, P.MANAGE_INTELLIGENCE),
)

UI_CHECKS: tuple[Route, ...] = (
    _ui("GET", "/checks", checks_ui.index, P.VIEW),
    _ui("GET", "/checks/{checker}", checks_ui.show, P.VIEW),
    _ui("POST", "/checks/{checker}", checks_ui.change, P.MANAGE_CHECKS),
    _ui("POST", "/checks/{checker}/run", checks_ui.run, P.RUN_CHECKS),
)

UI_ALARMS: tuple[Route, ...] = (
    _ui("GET", "/alarms", alarms_ui.index, P.VIEW),
    _ui("POST", "/alarms", alarms_ui.create, P.MANAGE_ALARMS),
    _ui("GET", "/alarms/modules", alarms_ui.modules, P.VIEW),
    _ui("GET", "/alarms/new", alarms_ui.new, P.MANAGE_ALARMS),
    _ui("POST", "/alarms/run", alarms_ui.run, P.MANAGE_ALARMS),
    _ui("GET", "/alarms/events/{event_id}", alarm_events_ui.show, P.VIEW),
    _ui("POST", "/alarms/events/{event_id}/ack", alarm_events_ui.acknowledge, P.ANSWER_ALARMS),
    _ui("GET", "/alarms/{name}/edit", alarm_editor_ui.edit, P.MANAGE_ALARMS),
    _ui("POST", "/alarms/{name}/edit", alarm_editor_ui.change, P.MANAGE_ALARMS),
    _ui("POST", "/alarms/{name}/restore", alarm_editor_ui.restore, P.MANAGE_ALARMS),
    _ui("POST", "/alarms/{name}/test", alarm_editor_ui.test, P.ANSWER_ALARMS),
    _ui("POST", "/alarms/{name}/preview", alarm_editor_ui.preview, P.MANAGE_ALARMS),
    _ui("GET", "/engine-runs", alarms_ui.runs, P.VIEW),
    _ui("GET", "/engine-runs/{run_id}", alarms_ui.show_run, P.VIEW),
)

UI_SYSTEM: tuple[Route, ...] = (
    _ui("GET", "/settings", system_ui.settings, P.VIEW),
    _ui("GET", "/audit", system_ui.audit, P.READ_AUDIT),
    _ui("GET", "/docs", reference_ui.show, P.VIEW),
)

# Whoever looks may read what can be set up; doing it takes every right there is.
UI_SETUP: tuple[Route, ...] = (
    _ui("GET", "/setup", setup_ui.index, P.VIEW),
    _ui("GET", "/setup/{preset}", setup_ui.begin, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/{preset}", setup_ui.connect, P.MANAGE_SYSTEM),
    _ui("GET", "/setup/sources/{source_id}", setup_ui.source, P.MANAGE_SYSTEM),
    _ui("GET", "/setup/sources/{source_id}/findings", setup_ui.findings, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/findings", setup_ui.choose_findings, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/providers", setup_ui.add_provider, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/providers/try", setup_ui.try_provider, P.MANAGE_SYSTEM),
    _ui("GET", "/setup/sources/{source_id}/team", setup_ui.team, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/team", setup_ui.choose_team, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/channels", setup_ui.add_channel, P.MANAGE_SYSTEM),
    _ui("GET", "/setup/sources/{source_id}/pipeline", setup_ui.pipeline, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/pipeline", setup_ui.use_pipeline, P.MANAGE_SYSTEM),
    _ui("GET", "/setup/sources/{source_id}/test", setup_ui.test, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/test", setup_ui.send_test, P.MANAGE_SYSTEM),
    _ui("POST", "/setup/sources/{source_id}/finish", setup_ui.finish, P.MANAGE_SYSTEM),
    _ui("GET", "/setup/sources/{source_id}/done", setup_ui.done, P.MANAGE_SYSTEM),
)

UI: tuple[Route, ...] = (
    UI_DAILY
    + UI_PEOPLE
    + UI_CATALOGUE
    + UI_CHANNELS
    + UI_INTELLIGENCE
    + UI_PIPELINES
    + UI_CHECKS
    + UI_ALARMS
    + UI_SYSTEM
    + UI_SETUP
)

ROUTES: tuple[Route, ...] = (
    HOOKS
    + ME
    + PEOPLE
    + SYSTEM
    + SOURCES
    + INCIDENTS
    + MESSAGES
    + INTELLIGENCE
    + DUTY
    + RUNS
    + CHECKS
    + ALARMS
    + OPERATIONS
    + UI
)


def mount(app: FastAPI) -> None:
    """Add the whole table to the application."""
    mount_routes(app, ROUTES)
