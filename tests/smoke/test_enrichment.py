"""Checks and analysis come after the first page, and with every message that leaves later."""

import socket
from functools import partial

from app.checks import service as checks
from app.platform.types import JsonObject
from tests.smoke.story import Story

OFF: JsonObject = {"enabled": False}
MISSING: JsonObject = {"params": {"processes": ["no-such-process"]}}


def look_at_one_process(story: Story) -> None:
    """Of this host only one process is looked at, and it does not run."""
    for name, changes in {"cpu": OFF, "memory": OFF, "disk": OFF, "network": OFF, "process": MISSING}.items():
        story.rt.db.write(partial(checks.change_config, checker=name, changes=changes, now=story.now))


def test_first_page_leaves_before_the_checks_and_the_next_one_carries_them(story: Story) -> None:
    look_at_one_process(story)
    story.policy(levels=[(15, "ravi"), (15, "mia")], pipeline="health-checked")
    story.post("grafana")
    first = story.expect_page("ravi")
    assert "Checks" not in first.text
    assert story.tells("Checks: 1 of 1 not well")
    story.advance(minutes=15)
    second = story.expect_page("mia")
    assert f"Checks on {socket.gethostname()}: 1 of 1 not well" in second.text
    assert "- process critical:" in second.text
