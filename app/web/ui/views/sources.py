"""The pages of alert sources as values: who is paged, what to enter at the tool, keys, quarantine."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.alerts import queries
from app.alerts.detection import drivers, find_driver
from app.alerts.drivers._base import Driver
from app.alerts.options import AUTO, SECRET, shown_config
from app.alerts.types import AlertSource, Delivery, Grouping, SourceKey
from app.escalation import queries as escalation
from app.oncall import queries as oncall
from app.platform import strictjson
from app.platform.db import Tx
from app.platform.strictjson import MalformedJson
from app.platform.types import Page, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.choices import Option, paging_targets, team_options
from app.web.ui.views.pipelines import pipeline_options

ALL_ADMINS = "all active admins"
DETECT = "Detect"
GROUPINGS = {
    Grouping.FINGERPRINT: "alert",
    Grouping.GROUP_KEY: "group of the sender",
    Grouping.LABELS: "same labels",
}
LATEST_ALERTS = PageQuery(page_size=8)
SAMPLE = {"name": "Disk almost full", "status": "firing", "severity": "critical", "description": "/var is at 97 %"}
KEY_PLACEHOLDER = "YOUR-KEY"
BODY_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a source pages, and where that is set up."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as a row of the list."""

    source: AlertSource
    driver_label: str
    target: str
    quarantined: int


def driver_label(name: str) -> str:
    """What a driver is called; detection is one, too."""
    entry = find_driver(name)
    return entry.driver.label if entry else DETECT if name == AUTO else name


def driver_options() -> list[Option]:
    """Detection, and every driver by its label."""
    named = sorted(((entry.name, entry.driver.label) for entry in drivers()), key=lambda option: option[1])
    return [(AUTO, f"{DETECT} (any of these)"), *named]


def source_list(tx: Tx, page: PageQuery) -> dict[str, object]:
    """One page of sources."""
    found = queries.list_sources(tx, page)
    waiting = queries.count_quarantined(tx)
    rows = [
        SourceRow(each, driver_label(each.driver), target_of(tx, each).text, waiting.get(each.id, 0))
        for each in found.items
    ]
    return {"page": Page(rows, found.total, found.page, found.page_size)}


def target_of(tx: Tx, source: AlertSource) -> Target:
    """Whom the incidents of a source page first."""
    if source.escalation_policy_id is not None:
        policy = escalation.find_policy(tx, source.escalation_policy_id)
        return Target(f"policy {policy.name}", f"/policies/{policy.id}") if policy else Target(ALL_ADMINS)
    if source.schedule_id is not None:
        schedule = oncall.get_schedule(tx, source.schedule_id)
        return Target(f"on call for {schedule.name}", f"/schedules/{schedule.id}")
    if source.team_id is not None:
        team = people.get_team(tx, source.team_id)
        return Target(f"team {team.name}", f"/teams/{team.id}")
    return Target(ALL_ADMINS)


def source_page(
    tx: Tx, source_id: int, page: PageQuery, *, base_url: str, new_key: str | None, now: datetime
) -> dict[str, object]:
    """One source. Raises SourceNotFound."""
    source = queries.get_source(tx, source_id)
    keys = queries.keys_of(tx, source_id, now=now)
    shown_key = new_key or (keys[0].masked if keys else KEY_PLACEHOLDER)
    url = webhook_url(base_url, source.driver)
    entry = find_driver(source.driver)
    target = target_of(tx, source)
    return {
        "source": source,
        "driver_label": driver_label(source.driver),
        "target": target,
        "is_loose": target.text == ALL_ADMINS,
        "team": people.get_team(tx, source.team_id) if source.team_id else None,
        "grouping_said": _grouping_said(source),
        "keys": keys,
        "keys_said": _keys_said(keys),
        "new_key": new_key,
        "shown_key": shown_key,
        "webhook_url": url,
        "setup": setup_text(entry.driver, url, shown_key) if entry else "",
        "curl": curl_line(url, new_key or KEY_PLACEHOLDER, entry.driver if entry else None),
        "quarantine": queries.quarantine_of(tx, source_id, page),
        "alerts": queries.list_alerts(tx, queries.AlertFilter(source_id=source_id), LATEST_ALERTS).items,
    }


def source_choices(tx: Tx) -> dict[str, object]:
    """What the selects of a source's form offer."""
    return {
        "drivers": driver_options(),
        "targets": paging_targets(tx, f"{ALL_ADMINS}, or the team"),
        "teams": team_options(tx),
        "pipelines": pipeline_options(tx),
    }


def new_source_form() -> Form:
    """The form of another source, with defaults that work."""
    values = {"name": "", "driver": AUTO, "target": "", "team_id": "", "pipeline": "full"}
    config = {"warning_urgency": "high", "signing_secret": "", "topic_arn": ""}
    return Form.of(**values, **config, grouping=Grouping.FINGERPRINT.value, group_labels="", auto_resolve=True)


def source_form(source: AlertSource) -> Form:
    """A stored source as its form; the signing secret is never shown."""
    config: Mapping[str, object] = shown_config(source.config)
    return Form.of(
        name=source.name,
        driver=source.driver,
        target=_target_value(source),
        team_id=source.team_id or "",
        pipeline=source.pipeline,
        grouping=source.grouping.value,
        group_labels=", ".join(source.group_labels),
        auto_resolve=source.auto_resolve,
        warning_urgency=config.get("warning_urgency", "high"),
        allow_query_key=bool(config.get("allow_query_key")),
        signing_secret=config.get(SECRET, ""),
        topic_arn=config.get("topic_arn", ""),
    )


def webhook_url(base_url: str, driver: str) -> str:
    """Where the tool posts: a forced driver has its own path."""
    return f"{base_url}/alerts/webhook/" + (f"{driver}/" if find_driver(driver) else "")


def setup_text(driver: Driver, url: str, key: str) -> str:
    """What to enter at the tool, in the driver's own words."""
    return driver.setup.replace("{webhook_url}", url).replace("{api_key}", key)


def curl_line(url: str, key: str, driver: Driver | None) -> str:
    """A command that posts a first alert as the tool would, ready for a shell."""
    body = json.dumps(driver.samples[0].given if driver else SAMPLE, ensure_ascii=False)
    quoted = body.replace("'", "'\\''")
    return (
        f"curl -X POST '{url}' \\\n  -H 'X-API-Key: {key}' \\\n  -H 'Content-Type: application/json' \\\n"
        f"  -d '{quoted}'"
    )


def body_text(delivery: Delivery) -> tuple[str | None, str]:
    """The raw body as text, pretty where it is JSON, and a remark on what was left out."""
    if delivery.body is None:
        return None, ""
    text = delivery.body.decode("utf-8", "replace")
    with suppress(MalformedJson):
        text = json.dumps(strictjson.loads(delivery.body), indent=2, ensure_ascii=False)
    if len(text) <= BODY_LIMIT:
        return text, ""
    return text[:BODY_LIMIT], f"The first {BODY_LIMIT} of {len(text)} characters."


def _target_value(source: AlertSource) -> str:
    if source.escalation_policy_id is not None:
        return f"policy:{source.escalation_policy_id}"
    return f"schedule:{source.schedule_id}" if source.schedule_id is not None else ""


def _grouping_said(source: AlertSource) -> str:
    said = GROUPINGS[source.grouping]
    return f"{said}: {', '.join(source.group_labels)}" if source.grouping is Grouping.LABELS else said


def _keys_said(keys: list[SourceKey]) -> str:
    return {0: "none", 1: "one"}.get(len(keys), f"{len(keys)} while rotating")
