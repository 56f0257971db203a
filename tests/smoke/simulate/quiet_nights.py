"""Quiet hours: what can wait for the morning's digest, what cannot, and when a level's time begins (B6).

The night begins at 20:00 UTC; 07:00 UTC is minute 660.
"""

from datetime import UTC, datetime
from typing import Any

from tests.smoke.simulate.nights import BY_MAIL, Did, Level, Night, Person, Rule, Schedule, Turn, body

QUIET = ("19:00", "07:00")
RAVI = Person("ravi", quiet=QUIET)
RAVI_NOOR = (Level(15, ("ravi",)), Level(10, ("noor",)))
MAIL_THEN_HOOK = (*BY_MAIL, Rule("webhook", after=10, urgency="low"))
BY_SERVICE = {"grouping": "labels", "group_labels": ["service"]}


def low(**changes: Any) -> dict[str, Any]:
    """An alert of low urgency."""
    return body(severity="info", **changes)


def shop(name: str, severity: str = "info") -> dict[str, Any]:
    """An alert of the shop, whose alerts are one incident."""
    return body(name=name, fingerprint=name, severity=severity, labels={"service": "shop"})


def several(*names: str) -> list[dict[str, Any]]:
    """Alerts of low urgency in one delivery."""
    return [low(name=name, fingerprint=name) for name in names]


QUIET_NIGHTS = [
    Night(
        "what is not urgent waits for the end of quiet hours, and its level begins then",
        people=(RAVI,),
        levels=RAVI_NOOR,
        body=low(),
        expect=("660 1 ravi email", "675 2 noor email", "685 0 ada email"),
    ),
    Night(
        "what is urgent does not wait",
        people=(RAVI,),
        levels=RAVI_NOOR,
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "outside of quiet hours what is not urgent goes at once",
        people=(Person("ravi", quiet=("22:00", "07:00")),),
        levels=RAVI_NOOR,
        body=low(),
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "the digest has its own time",
        people=(Person("ravi", quiet=(*QUIET, "08:30")),),
        levels=RAVI_NOOR,
        body=low(),
        expect=("750 1 ravi email", "765 2 noor email", "775 0 ada email"),
    ),
    Night(
        "quiet hours within one day",
        people=(Person("ravi", quiet=("19:30", "21:15")),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        expect=("75 1 ravi email", "90 0 ada email"),
    ),
    Night(
        "a warning that its source turned down waits too",
        people=(RAVI,),
        levels=(Level(15, ("ravi",)),),
        source={"config": {"warning_urgency": "low"}},
        body=body(severity="warning"),
        expect=("660 1 ravi email", "675 0 ada email"),
    ),
    Night(
        "a warning does not wait",
        people=(RAVI,),
        levels=(Level(15, ("ravi",)),),
        body=body(severity="warning"),
        expect=("0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a delayed rule counts from the digest",
        people=(Person("ravi", MAIL_THEN_HOOK, quiet=QUIET),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        expect=("660 1 ravi email", "670 1 ravi webhook", "675 0 ada email"),
    ),
    Night(
        "a delayed rule that falls into quiet hours waits alone",
        people=(Person("ravi", MAIL_THEN_HOOK, quiet=("20:05", "07:00")),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        expect=("0 1 ravi email", "15 0 ada email", "660 1 ravi webhook"),
    ),
    Night(
        "a rule that cannot be gives its place to the one behind it",
        people=(Person("ravi", (Rule("pigeon"), Rule("webhook", after=7), Rule(after=9))),),
        levels=(Level(15, ("ravi",)),),
        expect=("0 1 ravi webhook", "9 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a level on which somebody is awake begins at once",
        people=(RAVI,),
        levels=(Level(15, ("ravi", "noor")),),
        body=low(),
        expect=("0 1 noor email", "15 0 ada email", "660 1 ravi email"),
    ),
    Night(
        "a level begins with the first digest of its people",
        people=(RAVI, Person("noor", quiet=("19:00", "06:00"))),
        levels=(Level(15, ("ravi", "noor")),),
        body=low(),
        expect=("600 1 noor email", "615 0 ada email", "660 1 ravi email"),
    ),
    Night(
        "the second level has quiet hours of its own",
        people=(Person("noor", quiet=QUIET),),
        levels=RAVI_NOOR,
        body=low(),
        expect=("0 1 ravi email", "660 2 noor email", "670 0 ada email"),
    ),
    Night(
        "the fallback may sleep as well",
        people=(Person("ada", is_admin=True, quiet=QUIET),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        expect=("0 1 ravi email", "660 0 ada email"),
    ),
    Night(
        "a repeated level is heard again in the morning",
        people=(RAVI,),
        levels=(Level(10, ("ravi",)),),
        repeat=1,
        body=low(),
        expect=("660 1 ravi email", "670 1 ravi email", "680 0 ada email"),
    ),
    Night(
        "a level without a delay is over when its digest leaves",
        people=(RAVI,),
        levels=(Level(0, ("ravi",)), Level(10, ("noor",))),
        body=low(),
        expect=("660 2 noor email", "660 1 ravi email", "670 0 ada email"),
    ),
    Night(
        "several incidents of one night are one digest",
        people=(RAVI,),
        levels=(Level(15, ("ravi",)),),
        body=several("disk", "cpu", "swap"),
        expect=("660 1+1+1 ravi email", "675 0 ada email", "676 0+0 ada email"),
    ),
    Night(
        "the backup of a schedule counts from the digest",
        people=(RAVI,),
        schedules=(Schedule("Prod", turns=(Turn("ravi", -60, 2000),), backup="noor", delay=5),),
        levels=(Level(15, ("duty Prod",)),),
        body=low(),
        expect=("660 1 ravi email", "665 1 noor email", "675 0 ada email"),
    ),
    Night(
        "who comes on duty awake is paged at once, and the level begins",
        people=(RAVI,),
        schedules=(Schedule("Prod", turns=(Turn("ravi", -60, 120), Turn("noor", 120, 2000))),),
        levels=(Level(15, ("duty Prod",)),),
        body=low(),
        expect=("120 1 noor email", "135 0 ada email", "660 1 ravi email"),
    ),
    Night(
        "who comes on duty and sleeps hears of it with an own digest",
        people=(RAVI, Person("noor", quiet=("19:00", "08:00"))),
        schedules=(Schedule("Prod", turns=(Turn("ravi", -60, 120), Turn("noor", 120, 2000))),),
        levels=(Level(15, ("duty Prod",)),),
        body=low(),
        expect=("660 1 ravi email", "675 0 ada email", "720 1 noor email"),
    ),
    Night(
        "a repeat of what is held changes nothing",
        people=(RAVI,),
        levels=(Level(15, ("ravi",)),),
        did=(Did("post", 30, body=low()),),
        body=low(),
        action="attach",
        expect=("660 1 ravi email", "675 0 ada email"),
    ),
    Night(
        "a rise to critical releases what is held",
        people=(RAVI,),
        levels=(Level(15, ("ravi",)),),
        source=BY_SERVICE,
        did=(Did("post", 30, body=shop("disk")),),
        body=shop("cpu", "critical"),
        action="attach",
        expect=("0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a rise to a warning releases what is held",
        people=(RAVI,),
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        did=(Did("post", 30, body=shop("disk")),),
        body=shop("cpu", "warning"),
        action="attach",
        expect=("0 1 ravi email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "a rise makes the levels to come urgent",
        people=(Person("noor", quiet=QUIET),),
        levels=RAVI_NOOR,
        source=BY_SERVICE,
        did=(Did("post", 5, body=shop("disk")),),
        body=shop("cpu", "warning"),
        action="attach",
        expect=("10 2 noor email", "20 0 ada email"),
    ),
    Night(
        "what was acknowledged is in no digest",
        people=(RAVI,),
        levels=(Level(15, ("ravi",)),),
        did=(Did("post", 30, body=low()), Did("acknowledge", 10, "ravi")),
        body=low(),
        action="attach",
        expect=(),
    ),
    Night(
        "the clocks go forward in the night",
        people=(Person("ravi", quiet=("22:00", "07:00"), zone="Europe/Berlin"),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        start=datetime(2026, 3, 28, 22, 0, tzinfo=UTC),
        expect=("420 1 ravi email", "435 0 ada email"),
    ),
    Night(
        "the clocks go back in the night",
        people=(Person("ravi", quiet=("22:00", "07:00"), zone="Europe/Berlin"),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        start=datetime(2026, 10, 24, 21, 0, tzinfo=UTC),
        expect=("540 1 ravi email", "555 0 ada email"),
    ),
    Night(
        "quiet hours end at a time that the clocks jump over",
        people=(Person("ravi", quiet=("22:00", "02:30"), zone="Europe/Berlin"),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        start=datetime(2026, 3, 28, 22, 0, tzinfo=UTC),
        expect=("180 1 ravi email", "195 0 ada email"),
    ),
    Night(
        "far in the east the evening is morning",
        people=(Person("ravi", quiet=("22:00", "07:00"), zone="Pacific/Auckland"),),
        levels=(Level(15, ("ravi",)),),
        body=low(),
        expect=("0 1 ravi email", "15 0 ada email"),
    ),
]
