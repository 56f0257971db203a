"""Signed links: what a token says, and that nobody else can make one."""

from datetime import UTC, datetime, timedelta

import pytest

from app.notify.action_links import (
    CALL_VALID_FOR,
    VALID_FOR,
    LinkAction,
    call_token_for,
    read_call_token,
    read_token,
    token_for,
)
from app.notify.errors import ActionLinkExpired, ActionLinkUnknown
from app.platform.secrets import SecretBox

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOX = SecretBox("a-key-for-tests-only-a-key-for-tests-only")


@pytest.mark.parametrize("action", list(LinkAction))
def test_a_token_says_which_message_and_which_action(action: LinkAction) -> None:
    link = read_token(BOX, token_for(BOX, 42, action, created_at=NOW), now=NOW)
    assert (link.notification_id, link.action, link.expires_at) == (42, action, NOW + VALID_FOR)


def test_a_message_that_is_sent_again_carries_the_same_links() -> None:
    one, other = (token_for(BOX, 42, LinkAction.RESOLVE, created_at=NOW) for _ in range(2))
    assert one == other
    assert len(one) == 60


def test_an_expired_link_is_gone() -> None:
    token = token_for(BOX, 42, LinkAction.ACKNOWLEDGE, created_at=NOW)
    read_token(BOX, token, now=NOW + VALID_FOR - timedelta(seconds=1))
    with pytest.raises(ActionLinkExpired) as gone:
        read_token(BOX, token, now=NOW + VALID_FOR)
    assert gone.value.status == 410


def test_every_changed_character_makes_a_token_unknown() -> None:
    token = token_for(BOX, 42, LinkAction.ACKNOWLEDGE, created_at=NOW)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(ActionLinkUnknown):
            read_token(BOX, token[:place] + other + token[place + 1 :], now=NOW)


@pytest.mark.parametrize("junk", ["", "a", "=", "ä" * 60, "A" * 60, "A" * 6000, "../../etc", "%00", "a b"])
def test_junk_is_an_unknown_link(junk: str) -> None:
    with pytest.raises(ActionLinkUnknown):
        read_token(BOX, junk, now=NOW)


def test_another_key_makes_no_link_for_us() -> None:
    token = token_for(SecretBox("another-key-another-key-another-key"), 42, LinkAction.ACKNOWLEDGE, created_at=NOW)
    with pytest.raises(ActionLinkUnknown):
        read_token(BOX, token, now=NOW)


def test_a_call_s_token_names_its_message_for_an_hour_and_opens_no_link() -> None:
    token = call_token_for(BOX, 42, now=NOW)
    assert read_call_token(BOX, token, now=NOW + CALL_VALID_FOR - timedelta(seconds=1)) == 42
    with pytest.raises(ActionLinkExpired):
        read_call_token(BOX, token, now=NOW + CALL_VALID_FOR)
    with pytest.raises(ActionLinkUnknown):
        read_token(BOX, token, now=NOW)
    with pytest.raises(ActionLinkUnknown):
        read_call_token(BOX, token_for(BOX, 42, LinkAction.ACKNOWLEDGE, created_at=NOW), now=NOW)
