"""The banners on top of every page: whatever means that somebody may not be paged, in one place."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.accounts import queries as people
from app.accounts.types import Urgency
from app.escalation import running
from app.escalation.types import EscalationStatus
from app.notify import circuits, oversight as outbox
from app.notify.kinds import provider_name
from app.platform import pulse
from app.platform.db import Tx
from app.platform.settings import Settings
from app.usecases.watch.blackouts import BEAT_SECONDS, length_of
from app.usecases.watch.coverage import coverage, schedules_paged_by
from app.usecases.watch.settings_checks import providers
from app.usecases.watch.types import Banner, BannerLevel

# Several beats may be lost to a busy machine before anybody is told.
LATE_SECONDS = 6 * BEAT_SECONDS
LEFT_SHOWN_FOR = timedelta(minutes=5)
BLACKOUT_SHOWN_FOR = timedelta(hours=1)


def banners(tx: Tx, settings: Settings, now: datetime) -> list[Banner]:
    """What every page must say just now, the worst first."""
    found = [
        *_of_settings(settings), *_of_people(tx), *_of_providers(tx), *_of_duty(tx, now), *_of_work(tx, settings, now),
    ]  # fmt: skip
    if settings.notification_sending_enabled and not providers(settings) and not outbox.has_active_channel(tx):
        found.append(_danger("no_provider", "No way to send messages is configured: nobody can be paged.", "/settings"))
    return sorted(found, key=lambda banner: list(BannerLevel).index(banner.level))


def first_run_banners(tx: Tx) -> list[Banner]:
    """What the page says on which the first admin is made: alerts came in, and there is nobody to hear of them."""
    return list(_of_unreached(tx))


def _of_settings(settings: Settings) -> Iterator[Banner]:
    if not settings.notification_sending_enabled:
        yield _danger("safe_mode", "Safe mode: messages are written down and not sent. Nobody is paged.", "/settings")
    if not settings.escalation_worker_enabled:
        text = "The escalation worker is off: level 1 is paged, and nothing goes on by time."
        yield _danger("escalation_off", text, "/settings")
    if not settings.notification_retry_worker_enabled:
        text = "The notification retry worker is off: what fails to send once is not sent again."
        yield _danger("retry_off", text, "/settings")
    if not settings.oncall_watch_worker_enabled:
        text = "The on-call watch is off: what is open is not handed over, and nobody looks for forgotten pages."
        yield _danger("watch_off", text, "/settings")


def _of_unreached(tx: Tx) -> Iterator[Banner]:
    unreached = [each.incident_id for each in running.in_status(tx, EscalationStatus.UNREACHED)]
    if unreached:
        what = "1 open incident" if len(unreached) == 1 else f"{len(unreached)} open incidents"
        link = f"/incidents/{unreached[0]}" if len(unreached) == 1 else "/incidents?status=open"
        yield _danger("unreached", f"Nobody to page for {what}.", link)


def _of_people(tx: Tx) -> Iterator[Banner]:
    yield from _of_unreached(tx)
    admins = [admin.id for admin in people.active_admins(tx)]
    if not admins:
        yield _danger("no_admin", "There is no active admin: when nobody else can be paged, nobody is.", "/people")
    elif not any(people.reach_of(tx, admins, urgency=Urgency.HIGH).values()):
        text = "No admin can be reached: when nobody else can be paged, nobody is."
        yield _danger("no_admin_reach", text, "/people")


def _of_duty(tx: Tx, now: datetime) -> Iterator[Banner]:
    """What is wrong with the schedules that something pages by; the others are on their own pages."""
    found = [finding for findings in coverage(tx, schedules_paged_by(tx), now).values() for finding in findings]
    for finding in found:
        if finding.is_danger:
            yield _danger(finding.kind.value, f"{finding.text}.", f"/schedules/{finding.schedule_id}")
    ahead = [finding for finding in found if not finding.is_danger]
    if ahead:
        first, *others = ahead
        more = f" There are {len(others)} more warnings on who is on call." if others else ""
        yield Banner("coverage", BannerLevel.WARNING, f"{first.text}.{more}", f"/schedules/{first.schedule_id}")


def _of_work(tx: Tx, settings: Settings, now: datetime) -> Iterator[Banner]:
    last = pulse.last_beat(tx)
    if settings.escalation_worker_enabled and last is not None:
        silent = (now - last).total_seconds()
        if silent > LATE_SECONDS:
            yield _danger(
                "clock", f"No process has paged for {length_of(int(silent))}: the jobs stand still.", "/settings"
            )
    if are_left_undone(tx, settings, now):
        text = (
            "Celery's workers left pipeline stages undone: they run in the server instead. Look at broker and workers."
        )
        yield Banner("celery", BannerLevel.WARNING, text, "/settings")
    blackout = pulse.latest_blackout(tx, now=now, within=BLACKOUT_SHOWN_FOR)
    if blackout is not None:
        text = f"PagerPal could not page anybody for {length_of(blackout.seconds)} until {blackout.ended_at:%H:%M} UTC."
        yield Banner("blackout", BannerLevel.WARNING, text, "/incidents?status=open")


def are_left_undone(tx: Tx, settings: Settings, now: datetime) -> bool:
    """Whether the server had to run pipeline stages just now that are Celery's to run."""
    left = pulse.last_left(tx) if settings.enable_celery_orchestration else None
    return left is not None and now - left < LEFT_SHOWN_FOR


def _of_providers(tx: Tx) -> Iterator[Banner]:
    for circuit in circuits.not_closed(tx):
        since = f"{circuit.opened_at:%H:%M} UTC" if circuit.opened_at else "a while"
        text = f"{provider_name(tx, circuit)} has not worked since {since}: its messages wait."
        yield _danger("provider", text, "/settings#providers")


def _danger(code: str, text: str, link: str) -> Banner:
    return Banner(code, BannerLevel.DANGER, text, link)
