"""What is there already: open, acknowledged, snoozed and resolved incidents; deliveries that page nobody."""

from typing import Any

from tests.smoke.simulate.nights import Did, Level, Night, Person, Rule, body, grafana

RAVI_NOOR = (Level(15, ("ravi",)), Level(10, ("noor",)))
BY_SERVICE = {"grouping": "labels", "group_labels": ["service"]}
SHOP = {"service": "shop"}


def shop(name: str, **changes: Any) -> dict[str, Any]:
    """An alert of the shop."""
    return body(name=name, fingerprint=name, labels=SHOP, **changes)


RECOVERED = body(status="resolved")

INCIDENT_NIGHTS = [
    Night(
        "another alert of an acknowledged incident pages nobody",
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        did=(Did("post", 30, body=shop("disk")), Did("acknowledge", 25, "ravi")),
        body=shop("cpu"),
        action="attach",
        expect=(),
    ),
    Night(
        "another alert of an incident that is being paged leaves its levels as they are",
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        did=(Did("post", 5, body=shop("disk")),),
        body=shop("cpu"),
        action="attach",
        expect=("10 2 noor email", "20 0 ada email"),
    ),
    Night(
        "a repeat of what is being paged, with a delayed rule still to come",
        people=(Person("ravi", (Rule(), Rule("webhook", after=12))),),
        levels=RAVI_NOOR,
        did=(Did("post", 5, body=body()),),
        action="attach",
        expect=("7 1 ravi webhook", "10 2 noor email", "20 0 ada email"),
    ),
    Night(
        "another service is another incident",
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        did=(Did("post", 60, body=shop("disk")), Did("acknowledge", 55, "ravi")),
        body=body(fingerprint="mail", labels={"service": "mail"}),
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "an acknowledgement that lapses pages whoever gave it, and goes on",
        levels=RAVI_NOOR,
        ack_timeout=60,
        did=(Did("post", 30, body=body()), Did("acknowledge", 25, "omar")),
        action="attach",
        expect=("35 1 omar email", "50 2 noor email", "60 0 ada email"),
    ),
    Night(
        "a repeat on a snoozed incident pages nobody until the snooze ends",
        levels=RAVI_NOOR,
        did=(Did("post", 10, body=body()), Did("snooze", 5, "ravi", until=40)),
        action="attach",
        expect=("40 1 ravi email", "55 2 noor email", "65 0 ada email"),
    ),
    Night(
        "a rise to critical takes an acknowledgement back",
        levels=RAVI_NOOR,
        did=(Did("post", 30, body=body(severity="warning")), Did("acknowledge", 25, "noor")),
        action="attach",
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "a rise to critical begins again at level 1",
        levels=RAVI_NOOR,
        did=(Did("post", 20, body=body(severity="warning")),),
        action="attach",
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "a rise within a minute of the first page waits for the minute to end",
        levels=RAVI_NOOR,
        did=(Did("post", 0.5, body=body(severity="warning")),),
        action="attach",
        expect=("0.5 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "a rise to critical on a snoozed incident pages at once",
        levels=RAVI_NOOR,
        did=(Did("post", 30, body=body(severity="warning")), Did("snooze", 25, "ravi", until=600)),
        action="attach",
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "a rise from info to warning pages nobody anew",
        levels=RAVI_NOOR,
        did=(Did("post", 30, body=body(severity="info")), Did("acknowledge", 25, "noor")),
        body=body(severity="warning"),
        action="attach",
        expect=(),
    ),
    Night(
        "a flapping alert is paged again 10 minutes after its last page",
        levels=RAVI_NOOR,
        did=(Did("post", 4, body=body()), Did("post", 2, body=RECOVERED)),
        action="attach",
        expect=("6 1 ravi email", "21 2 noor email", "31 0 ada email"),
    ),
    Night(
        "back within 10 minutes of its recovery, long after the last page: paged at once",
        levels=(Level(60, ("ravi",)), Level(10, ("noor",))),
        did=(Did("post", 40, body=body()), Did("post", 5, body=RECOVERED)),
        action="attach",
        expect=("0 1 ravi email", "60 2 noor email", "70 0 ada email"),
    ),
    Night(
        "back more than 10 minutes after its recovery is a new incident",
        levels=RAVI_NOOR,
        did=(Did("post", 40, body=body()), Did("post", 11, body=RECOVERED)),
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "still firing within 10 minutes of being resolved by hand is only noted",
        levels=RAVI_NOOR,
        did=(Did("post", 14, body=body()), Did("resolve", 9, "ravi")),
        action="none",
        expect=(),
    ),
    Night(
        "still firing 10 minutes after being resolved by hand reopens it",
        levels=RAVI_NOOR,
        did=(Did("post", 14, body=body()), Did("resolve", 10, "ravi")),
        action="attach",
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "the recovery of its only alert resolves an incident and ends its levels",
        levels=RAVI_NOOR,
        did=(Did("post", 5, body=body()),),
        body=RECOVERED,
        action="resolve",
        expect=(),
    ),
    Night(
        "the recovery of one of two leaves the other's levels as they are",
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        did=(Did("post", 5, body=shop("disk")), Did("post", 4, body=shop("cpu"))),
        body=shop("cpu", status="resolved"),
        action="none",
        expect=("10 2 noor email", "20 0 ada email"),
    ),
    Night(
        "the recovery at a source that leaves resolving to people",
        levels=RAVI_NOOR,
        source={"auto_resolve": False},
        did=(Did("post", 5, body=body()),),
        body=RECOVERED,
        action="none",
        expect=("10 2 noor email", "20 0 ada email"),
    ),
    Night(
        "the recovery of something unknown",
        levels=RAVI_NOOR,
        body=RECOVERED,
        action="none",
        expect=(),
    ),
    Night(
        "the recovery that is known already",
        levels=RAVI_NOOR,
        did=(Did("post", 50, body=body()), Did("post", 40, body=RECOVERED)),
        body=RECOVERED,
        action="none",
        expect=(),
    ),
    Night(
        "a late copy of a firing that has recovered since",
        levels=RAVI_NOOR,
        did=(
            Did("post", 50, body=body(started_at="2026-03-02T19:00:00Z")),
            Did("post", 30, body=body(status="resolved", ended_at="2026-03-02T19:30:00Z")),
        ),
        body=body(started_at="2026-03-02T19:00:00Z"),
        action="none",
        expect=(),
    ),
    Night(
        "a source that is switched off",
        levels=RAVI_NOOR,
        did=(Did("switch off", 60),),
        action="none",
        expect=(),
    ),
    Night(
        "three alerts in one delivery: the first page singly, the others together",
        levels=RAVI_NOOR,
        body=[body(fingerprint="a"), body(fingerprint="b"), body(fingerprint="c")],
        expect=(
            "0 1 ravi email", "1 1+1 ravi email", "15 2 noor email", "16 2+2 noor email", "25 0 ada email",
            "26 0+0 ada email",
        ),
    ),
    Night(
        "three alerts of one group in one delivery are one incident",
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        body=[shop("a"), shop("b"), shop("c")],
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "an alert that recovers in the same delivery pages nobody",
        levels=RAVI_NOOR,
        body=[body(), RECOVERED],
        expect=(),
    ),
    Night(
        "one recovers and one fires in the same delivery",
        levels=RAVI_NOOR,
        did=(Did("post", 5, body=body(fingerprint="old")),),
        body=[body(fingerprint="old", status="resolved"), body(fingerprint="new")],
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "a delivery without alerts",
        levels=RAVI_NOOR,
        body={"alerts": []},
        action="none",
        expect=(),
    ),
    Night(
        "an alert as Grafana posts it",
        levels=RAVI_NOOR,
        body=grafana(severity="critical"),
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "an incident that reached nobody is tried again, and now there is somebody",
        people=(Person("ada", (), is_admin=True), Person("zoe")),
        levels=(Level(15, ("ravi",)),),
        source=BY_SERVICE,
        did=(
            Did("deactivate", 90, "ravi"),
            Did("post", 5, body=shop("disk")),
        ),
        body=shop("cpu"),
        action="attach",
        notes=("Nobody is reached",),
        expect=(),
    ),
]  # fmt: skip
