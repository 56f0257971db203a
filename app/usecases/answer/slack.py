"""Answers in Slack: a button or a reaction under a post counts when its Slack user is an active responder (B31)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.accounts.permissions import may_be_acted_as
from app.accounts.types import User
from app.incidents import service as locks
from app.notify import queries as outbox, service as notify
from app.notify.action_links import LinkAction, read_token
from app.notify.errors import ActionLinkExpired, ActionLinkUnknown
from app.notify.inbound import Answered, Inbound
from app.notify.types import Notification, NotificationChannel, message_ref
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.platform.secrets import SecretBox
from app.usecases.answer import steps
from app.usecases.answer.acting import Deed, Sender, act
from app.usecases.answer.once import once

KIND = "slack"
ACK_EMOJI = ("white_check_mark", "eyes")
DECLINE_EMOJI = ("x",)
# One picture by two names.
SAME_EMOJI = {"thumbsup": "+1", "thumbsdown": "-1", "heavy_check_mark": "white_check_mark"}
BUTTONS = {
    "ack": Deed.ACKNOWLEDGE, "acknowledge": Deed.ACKNOWLEDGE, "decline": Deed.DECLINE, "resolve": Deed.RESOLVE,
    "escalate": Deed.ESCALATE,
}  # fmt: skip
IGNORED = Answered("ignored")
NOBODY = (
    "Your Slack account {id} belongs to no active responder at PagerPal, so nothing was changed. Ask an admin to enter "
    "that id with your account."
)
SEVERAL = "More than one person at PagerPal has your Slack account {id}, so nothing was changed. Tell an admin."
UNCLEAR = "This message is about several incidents: open one of them in PagerPal."


@dataclass(frozen=True, slots=True)
class Post:
    """A message in Slack: the id of its channel, and its time stamp, which is its name there."""

    channel: str
    ts: str

    @property
    def ref(self) -> str:
        """The handle by which threads keep it."""
        return message_ref(channel=self.channel, ts=self.ts)


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody pressed: its name and value, and the post that it stands under."""

    id: str
    slack_user: str
    post: Post
    action: str
    value: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction that somebody put under a post."""

    id: str
    slack_user: str
    post: Post
    emoji: str


async def take_press(rt: Runtime, press: Press, *, now: datetime) -> Answered:
    """Do what the button says; one that is not ours is ignored."""
    action = press.action.removeprefix("pagerpal_")
    deed = BUTTONS.get(action)
    if deed is None and action != LinkAction.NOT_USEFUL:
        return IGNORED
    message = Inbound("slack", press.id, "interaction", press.slack_user)

    def work(tx: Tx) -> Answered:
        if deed is None:
            return _not_useful(tx, press, rt.secrets, now)
        incident_id = _pressed(tx, press, rt.secrets, now)
        return _answer(tx, deed, incident_id, press.slack_user, now)

    answered = await rt.db.run(lambda tx: once(tx, message, lambda: work(tx), now=now))
    fp("answer.after_commit")
    return answered


async def take_reaction(rt: Runtime, reaction: Reaction, *, now: datetime) -> Answered:
    """Do what the reaction means under that post; under another post, or without a meaning, it is ignored."""
    known = await rt.db.run_read(lambda tx: _meaning(tx, reaction))
    if known is None:
        return IGNORED
    deed, incident_ids = known
    message = Inbound("slack", reaction.id, "reaction", reaction.slack_user)
    incident_id = incident_ids[0] if len(incident_ids) == 1 else None

    def write(tx: Tx) -> Answered:
        return once(tx, message, lambda: _answer(tx, deed, incident_id, reaction.slack_user, now), now=now)

    answered = await rt.db.run(write)
    fp("answer.after_commit")
    return answered


def plain_emoji(name: str) -> str:
    """The name of a reaction without its skin tone and colons, one name for one picture."""
    plain = name.strip().strip(":").partition("::")[0].lower()
    return SAME_EMOJI.get(plain, plain)


def _answer(tx: Tx, deed: Deed, incident_id: int | None, slack_user: str, now: datetime) -> Answered:
    user = _person(tx, slack_user)
    if isinstance(user, Answered):
        return user
    if incident_id is None:
        return Answered("unclear", UNCLEAR, user.id)
    return act(tx, deed, incident_id, sender=Sender(user, "slack"), now=now)


def _person(tx: Tx, slack_user: str) -> User | Answered:
    found = [
        user for user in people.people_of_slack_user(tx, slack_user) if user.is_active and may_be_acted_as(user.role)
    ]
    if len(found) == 1:
        return found[0]
    return (
        Answered("shared_account", SEVERAL.format(id=slack_user))
        if found
        else (Answered("unknown_sender", NOBODY.format(id=slack_user)))
    )


def _pressed(tx: Tx, press: Press, box: SecretBox, now: datetime) -> int | None:
    """The incident that a button is about: that of its post, and among several the one that the button names."""
    about = outbox.incidents_of_ref(tx, KIND, press.post.ref)
    if len(about) == 1:
        return about[0]
    named = _named(tx, press.value, box, now)
    return named if not about or named in about else None


def _not_useful(tx: Tx, press: Press, box: SecretBox, now: datetime) -> Answered:
    """Note that the page was not worth it, when whoever got it says so, once."""
    user, page = _person(tx, press.slack_user), _page_of(tx, press.value, box, now)
    if isinstance(user, Answered):
        return user
    if page is None or page.incident_id is None or page.user_id != user.id:
        return Answered("not_allowed", "Only whoever got this page can say whether it was useful.", user.id)
    locks.lock(tx, page.incident_id)
    if LinkAction.NOT_USEFUL not in {use.action for use in outbox.action_uses(tx, page.id)}:
        steps.find_not_useful(tx, page.incident_id, actor=Sender(user, "slack").actor, now=now)
        action = LinkAction.NOT_USEFUL.value
        notify.record_action_use(tx, notification_id=page.id, action=action, used_by=user.id, now=now)
    return Answered("feedback", "Thank you, it is noted that this page was not useful.", user.id, page.incident_id)


def _named(tx: Tx, value: str, box: SecretBox, now: datetime) -> int | None:
    """The incident of a button's value: an action token, or a number such as `INC-7`."""
    digits = value.upper().removeprefix("INC-").removeprefix("#")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        return int(digits)
    notification = _page_of(tx, value, box, now)
    return notification.incident_id if notification is not None else None


def _page_of(tx: Tx, token: str, box: SecretBox, now: datetime) -> Notification | None:
    """The message that an action token belongs to; None for what is no token of ours, or an old one."""
    try:
        return outbox.find_notification(tx, read_token(box, token, now=now).notification_id)
    except (ActionLinkUnknown, ActionLinkExpired):
        return None


def _meaning(tx: Tx, reaction: Reaction) -> tuple[Deed, Sequence[int]] | None:
    """What a reaction asks for, and the incidents of the post that it stands under; None where it asks for nothing."""
    incident_ids = outbox.incidents_of_ref(tx, KIND, reaction.post.ref)
    if not incident_ids:
        return None
    config = _config(tx, incident_ids, reaction.post)
    emoji = plain_emoji(reaction.emoji)
    if emoji in _emoji(config, "ack_emoji", ACK_EMOJI):
        return Deed.ACKNOWLEDGE, incident_ids
    return (Deed.DECLINE, incident_ids) if emoji in _emoji(config, "decline_emoji", DECLINE_EMOJI) else None


def _config(tx: Tx, incident_ids: Collection[int], post: Post) -> Mapping[str, object]:
    """The configuration of the channel that wrote the post; empty for one that a person got directly."""
    threads = [each for each in outbox.threads_of(tx, incident_ids) if each.ref == post.ref and each.channel_id]
    channels: dict[int, NotificationChannel] = outbox.channels_by_id(tx, {each.channel_id or 0 for each in threads})
    return next((channel.config for channel in channels.values()), {})


def _emoji(config: Mapping[str, object], name: str, default: Sequence[str]) -> set[str]:
    given = config.get(name)
    names = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else default
    return {plain_emoji(str(each)) for each in names}
