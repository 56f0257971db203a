"""Every vendor over its own wire format, through the real delivery: it takes, refuses, delays, or never answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.notify import circuits, service as notify
from app.notify.types import NewNotification, Notification, NotificationKind, NotificationStatus
from app.usecases import catalogue
from tests.service.notify.conftest import Ward
from tests.support.http_server import Answer
from tests.support.loopback import on_loopback
from tests.support.vendors.infobip import InfobipSms, InfobipWhatsapp
from tests.support.vendors.mattermost import Mattermost
from tests.support.vendors.pagerduty import PagerDuty
from tests.support.vendors.ses import Ses
from tests.support.vendors.slack import Slack
from tests.support.vendors.twilio import TwilioSms, TwilioVoice
from tests.support.vendors.vendor import Vendor, json_answer
from tests.support.vendors.webhook import Webhook

VENDORS: tuple[type[Vendor], ...] = (
    Slack, PagerDuty, InfobipSms, InfobipWhatsapp, TwilioSms, TwilioVoice, Mattermost, Webhook, Ses,
)  # fmt: skip
HIDDEN = [
    pytest.param(vendor, answer, is_final, id=f"{vendor.kind}: {answer.body[:60]!r}")
    for vendor in VENDORS
    for answer, is_final in vendor.hidden_failures
]
SENT, FAILED, RETRYING = NotificationStatus.SENT, NotificationStatus.FAILED, NotificationStatus.RETRYING
UNKNOWN, EXHAUSTED = NotificationStatus.UNKNOWN, NotificationStatus.EXHAUSTED


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.kind)
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    """Each vendor in its turn."""
    kind: type[Vendor] = request.param
    with kind.open() as opened:
        yield opened


class Desk:
    """A team's channel at a vendor, and what becomes of one message over it."""

    def __init__(self, ward: Ward, vendor: Vendor, *, title: str = "Disk full on db-1", **config: Any) -> None:
        self.ward = ward
        self.rt = on_loopback(ward.rt)
        values = {name: value for name, value in {**vendor.config, **config}.items() if value != ""}
        self.channel = catalogue.create_channel(
            self.rt, name="team", driver=vendor.kind, config=values, actor=ward.admin, now=ward.now
        )
        self.incident_id = ward.opens(title)
        self.tells("triggered")

    def tells(self, event: str) -> None:
        """The team is told."""
        new = NewNotification(
            kind=NotificationKind.TEAM,
            channel=self.channel.driver,
            channel_id=self.channel.id,
            due_at=self.ward.now,
            facts={"event": event, "text": "97 % used", "labels": {"host": "db-1"}, "severity": "critical"},
            incident_id=self.incident_id,
        )
        self.rt.db.write(lambda tx: notify.insert_one(tx, new, now=self.ward.now))

    def switches_off(self) -> None:
        """The channel says nothing from now on."""
        catalogue.update_channel(
            self.rt, channel_id=self.channel.id, changes={"is_active": False}, actor=self.ward.admin, now=self.ward.now
        )

    def delivers(self, **later: float) -> Notification:
        """What is due then goes out; the message afterwards."""
        if later:
            self.ward.world.clock.advance(**later)
        Ward(self.rt, self.ward.world, self.ward.admin, self.ward.policy_id).delivers_all()
        return next(each for each in self.ward.messages(self.incident_id) if each.channel_id == self.channel.id)


def test_a_message_is_taken_and_named_by_the_vendor(ward: Ward, vendor: Vendor) -> None:
    row = Desk(ward, vendor).delivers()
    assert (row.status, row.last_error, row.attempts) == (SENT, "", 1)
    if vendor.kind != "mattermost":
        assert row.provider_message_id


def test_what_the_vendor_refuses_for_good_has_failed(ward: Ward, vendor: Vendor) -> None:
    vendor.server.answer(vendor.refusal)
    row = Desk(ward, vendor).delivers()
    assert (row.status, row.attempts) == (FAILED, 1)
    assert row.last_error
    assert len(vendor.requests) == 1


def test_trouble_at_the_vendor_is_waited_out(ward: Ward, vendor: Vendor) -> None:
    vendor.server.answer(vendor.trouble)
    desk = Desk(ward, vendor)
    assert desk.delivers().status is RETRYING
    row = desk.delivers(minutes=6)
    assert (row.status, row.attempts) == (SENT, 2)


def test_too_many_is_asked_again_when_the_vendor_says(ward: Ward, vendor: Vendor) -> None:
    vendor.server.answer(vendor.throttle)
    desk = Desk(ward, vendor)
    row = desk.delivers()
    assert row.status is RETRYING
    assert 120 <= (row.due_at - ward.now).total_seconds() <= 125
    assert desk.delivers(seconds=126).status is SENT


@pytest.mark.parametrize("answer", [Answer(hangs=True), Answer(drips=True)], ids=["hangs", "drips"])
def test_an_answer_that_does_not_come_is_asked_for_once_more_and_marked(
    ward: Ward, vendor: Vendor, answer: Answer
) -> None:
    vendor.server.answer(answer)
    desk = Desk(ward, vendor, timeout=1.0)
    assert desk.delivers().status is UNKNOWN
    row = desk.delivers(minutes=6)
    assert (row.status, row.possible_repeat) == (SENT, True)
    assert "ossible repeat" in row.subject


def test_an_answer_that_is_lost_twice_is_given_up(ward: Ward, vendor: Vendor) -> None:
    vendor.server.answer(Answer(breaks=True), Answer(breaks=True))
    desk = Desk(ward, vendor)
    assert desk.delivers().status is UNKNOWN
    assert desk.delivers(minutes=6).status is EXHAUSTED


@pytest.mark.parametrize(("kind", "answer", "is_final"), HIDDEN)
def test_a_failure_that_is_answered_as_a_success_is_one(
    ward: Ward, kind: type[Vendor], answer: Answer, is_final: bool
) -> None:
    with kind.open() as vendor:
        vendor.server.answer(answer)
        row = Desk(ward, vendor).delivers()
    assert row.status is (FAILED if is_final else RETRYING)


def test_nothing_secret_is_in_what_is_kept(ward: Ward, vendor: Vendor) -> None:
    secrets = [str(value) for name, value in vendor.config.items() if name in SECRET_KEYS]
    vendor.server.answer(Answer(400, " ".join(secrets).encode()))
    desk = Desk(ward, vendor)
    row = desk.delivers()
    kept = f"{row} {ward.story(desk.incident_id)} {desk.channel}"
    assert not [secret for secret in secrets if secret in kept]


SECRET_KEYS = ("bot_token", "integration_key", "api_key", "auth_token", "account_sid", "webhook_url",
               "access_key_id", "secret_access_key")  # fmt: skip


NO_LOGIN = (
    pytest.param(Slack, json_answer(200, {"ok": False, "error": "token_revoked"}), id="slack"),
    pytest.param(
        Ses, json_answer(403, {"message": "no"}, {"x-amzn-errortype": "UnrecognizedClientException:"}), id="email_ses"
    ),
    pytest.param(TwilioSms, json_answer(401, {"code": 20003, "message": "Authenticate"}), id="twilio_sms"),
)


@pytest.mark.parametrize(("kind", "answer"), NO_LOGIN)
def test_a_vendor_that_does_not_take_our_key_is_broken_at_once(ward: Ward, kind: type[Vendor], answer: Answer) -> None:
    with kind.open() as vendor:
        vendor.server.answer(answer)
        desk = Desk(ward, vendor)
        assert desk.delivers().status is FAILED
        assert ward.reads(lambda tx: circuits.is_open(tx, f"channel:{desk.channel.id}"))
