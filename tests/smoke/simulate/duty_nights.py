"""Schedules: rotations over hand-offs and clock changes, overrides, gaps, backups, and the coverage of teams."""

from datetime import UTC, date, datetime, time

from app.oncall.types import Cadence
from tests.smoke.simulate.nights import Did, Level, Night, Rotation, Schedule, Turn, body

ALL_NIGHT = 24 * 60
RAVI = (Turn("ravi", -60, ALL_NIGHT),)
RAVI_THEN_NOOR = (Turn("ravi", -60, 20), Turn("noor", 20, ALL_NIGHT))

# Berlin goes from 02:00 to 03:00 at 01:00 UTC on 29 March, and from 03:00 back to 02:00 at 01:00 UTC on 25 October.
BERLIN_SPRING = datetime(2026, 3, 29, 0, 45, tzinfo=UTC)
BERLIN_AUTUMN = datetime(2026, 10, 25, 0, 20, tzinfo=UTC)
# Lord Howe goes from 02:00 back to 01:30 at 15:00 UTC on 4 April.
LORD_HOWE = datetime(2026, 4, 4, 14, 35, tzinfo=UTC)
# Apia has no 30 December 2011: its 29th ends at 10:00 UTC on the 30th.
APIA = datetime(2011, 12, 30, 9, 50, tzinfo=UTC)
NEW_YORK_SPRING = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)


def berlin(*members: str, starts: date) -> Schedule:
    """A daily rotation that is handed over at 02:30 in Berlin."""
    return Schedule("Prod", rotation=Rotation(members, starts, time(2, 30)), zone="Europe/Berlin")


DUTY_NIGHTS = [
    Night(
        "a source with a schedule pages its person, then the backup, then the admins",
        schedules=(Schedule("Prod", RAVI, backup="noor"),),
        pages_by="duty Prod",
        expect=("0 1 ravi email", "15 2 noor email", "30 0 ada email"),
    ),
    Night(
        "a source with a schedule without a backup",
        schedules=(Schedule("Prod", RAVI, delay=7),),
        pages_by="duty Prod",
        expect=("0 1 ravi email", "7 0 ada email"),
    ),
    Night(
        "nobody on call: the backup at once",
        schedules=(Schedule("Prod", (Turn("ravi", 60, 120),), backup="noor"),),
        pages_by="duty Prod",
        notes=("Level 1 skipped", "nobody is on call for Prod"),
        expect=("0 2 noor email", "15 0 ada email"),
    ),
    Night(
        "nobody on call and no backup: the admins at once",
        schedules=(Schedule("Prod", (Turn("ravi", 60, 120),)),),
        pages_by="duty Prod",
        notes=("nobody is on call for Prod",),
        expect=("0 0 ada email",),
    ),
    Night(
        "a backup who was deactivated: the admins after the delay",
        schedules=(Schedule("Prod", RAVI, backup="noor"),),
        pages_by="duty Prod",
        did=(Did("deactivate", 60, "noor"),),
        notes=("Level 2 skipped",),
        expect=("0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a schedule that is switched off reaches its backup alone",
        schedules=(Schedule("Prod", RAVI, backup="noor", is_active=False),),
        pages_by="duty Prod",
        expect=("0 2 noor email", "15 0 ada email"),
    ),
    Night(
        "inside a policy the backup is paged within the level",
        schedules=(Schedule("Prod", RAVI, backup="noor", delay=5),),
        levels=(Level(15, ("duty Prod",)), Level(10, ("omar",))),
        expect=("0 1 ravi email", "5 1 noor email", "15 2 omar email", "25 0 ada email"),
    ),
    Night(
        "inside a policy a backup whose turn comes too late is passed",
        schedules=(Schedule("Prod", RAVI, backup="noor", delay=20),),
        levels=(Level(15, ("duty Prod",)), Level(10, ("omar",))),
        notes=("Backup of Prod passed",),
        expect=("0 1 ravi email", "15 2 omar email", "25 0 ada email"),
    ),
    Night(
        "inside a policy nobody on call means the backup at once",
        schedules=(Schedule("Prod", backup="noor", delay=5),),
        levels=(Level(15, ("duty Prod",)), Level(10, ("omar",))),
        notes=("Nobody is on call for Prod",),
        expect=("0 1 noor email", "15 2 omar email", "25 0 ada email"),
    ),
    Night(
        "inside a policy nobody on call and no backup skips the level",
        schedules=(Schedule("Prod"),),
        levels=(Level(15, ("duty Prod",)), Level(10, ("omar",))),
        notes=("Level 1 skipped", "nobody is on call for Prod"),
        expect=("0 2 omar email", "10 0 ada email"),
    ),
    Night(
        "backups of two schedules on one level, each after its own delay",
        schedules=(Schedule("Prod", RAVI, backup="noor", delay=5), Schedule("Web", (Turn("omar", -60, 999),),
                   backup="lena", delay=8)),
        levels=(Level(15, ("duty Prod", "duty Web")),),
        expect=("0 1 omar email", "0 1 ravi email", "5 1 noor email", "8 1 lena email", "15 0 ada email"),
    ),
    Night(
        "a backup who is on the level anyway is not paged twice",
        schedules=(Schedule("Prod", RAVI, backup="noor", delay=5),),
        levels=(Level(15, ("duty Prod", "noor")),),
        expect=("0 1 noor email", "0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "backups of every repeat",
        schedules=(Schedule("Prod", RAVI, backup="noor", delay=5),),
        levels=(Level(10, ("duty Prod",)),),
        repeat=1,
        expect=("0 1 ravi email", "5 1 noor email", "10 1 ravi email", "15 1 noor email", "20 0 ada email"),
    ),
    Night(
        "a hand-off before level 2: each level is asked at its own minute",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(30, ("omar",)), Level(10, ("duty Prod",))),
        expect=("0 1 omar email", "30 2 noor email", "40 0 ada email"),
    ),
    Night(
        "a hand-off in the very minute of level 2",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(20, ("omar",)), Level(10, ("duty Prod",))),
        expect=("0 1 omar email", "20 2 noor email", "30 0 ada email"),
    ),
    Night(
        "an override wins over the rotation while it lasts",
        schedules=(
            Schedule(
                "Prod",
                (Turn("omar", -10, 10, is_override=True),),
                rotation=Rotation(("ravi", "noor"), date(2026, 3, 2)),
            ),
        ),
        levels=(Level(5, ("duty Prod",)), Level(5, ("lena",)), Level(10, ("duty Prod",))),
        expect=("0 1 omar email", "5 2 lena email", "10 3 ravi email", "20 0 ada email"),
    ),
    Night(
        "of two overrides the newer one wins",
        schedules=(
            Schedule("Prod", (Turn("ravi", -60, 60, is_override=True), Turn("noor", -60, 60, is_override=True))),
        ),
        levels=(Level(15, ("duty Prod",)),),
        expect=("0 1 noor email", "15 0 ada email"),
    ),
    Night(
        "somebody on the rotation who was deactivated gives their shift to the next one",
        schedules=(Schedule("Prod", rotation=Rotation(("ravi", "noor"), date(2026, 3, 2))),),
        levels=(Level(15, ("duty Prod",)),),
        did=(Did("deactivate", 60, "ravi"),),
        expect=("0 1 noor email", "15 0 ada email"),
    ),
    Night(
        "the night on which Berlin's 02:30 does not exist",
        schedules=(berlin("ravi", "noor", starts=date(2026, 3, 28)),),
        levels=(Level(10, ("omar",)), Level(10, ("duty Prod",)), Level(10, ("duty Prod",))),
        start=BERLIN_SPRING,
        expect=("0 1 omar email", "10 2 ravi email", "15 2 noor email", "20 3 noor email", "30 0 ada email"),
    ),
    Night(
        "the night on which Berlin has 02:30 twice",
        schedules=(berlin("ravi", "noor", starts=date(2026, 10, 24)),),
        levels=(Level(15, ("duty Prod",)), Level(60, ("duty Prod",))),
        start=BERLIN_AUTUMN,
        expect=("0 1 ravi email", "10 1 noor email", "15 2 noor email", "75 0 ada email"),
    ),
    Night(
        "the half hour that Lord Howe has twice",
        schedules=(
            Schedule(
                "Prod",
                rotation=Rotation(("ravi", "noor"), date(2026, 4, 4), time(1, 45)),
                zone="Australia/Lord_Howe",
            ),
        ),
        levels=(Level(15, ("duty Prod",)), Level(10, ("duty Prod",))),
        start=LORD_HOWE,
        expect=("0 1 ravi email", "10 1 noor email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "the day that Samoa skipped",
        schedules=(
            Schedule(
                "Prod",
                rotation=Rotation(("ravi", "noor", "omar"), date(2011, 12, 29), time(9, 0)),
                zone="Pacific/Apia",
            ),
        ),
        levels=(Level(15, ("duty Prod",)), Level(10, ("duty Prod",))),
        start=APIA,
        expect=("0 1 ravi email", "10 1 noor email", "15 2 noor email", "25 0 ada email"),
    ),
    Night(
        "half a day each, over the night on which New York springs ahead",
        schedules=(
            Schedule(
                "Prod",
                rotation=Rotation(
                    ("ravi", "noor"), date(2026, 3, 7), time(14, 30), cadence=Cadence.CUSTOM, hours=12
                ),
                zone="America/New_York",
            ),
        ),
        levels=(Level(45, ("duty Prod",)), Level(10, ("duty Prod",))),
        start=NEW_YORK_SPRING,
        expect=("0 1 ravi email", "30 1 noor email", "45 2 noor email", "55 0 ada email"),
    ),
    Night(
        "a week each, handed over on Monday evening",
        schedules=(
            Schedule(
                "Prod",
                rotation=Rotation(
                    ("ravi", "noor"), date(2026, 2, 23), time(20, 10), cadence=Cadence.WEEKLY, weekday=0
                ),
            ),
        ),
        levels=(Level(5, ("duty Prod",)), Level(10, ("duty Prod",))),
        expect=("0 1 ravi email", "5 2 ravi email", "10 2 noor email", "15 0 ada email"),
    ),
    Night(
        "whoever comes on during a level inherits it, and the level's time goes on",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(30, ("duty Prod",)), Level(10, ("omar",))),
        expect=("0 1 ravi email", "20 1 noor email", "30 2 omar email", "40 0 ada email"),
    ),
    Night(
        "a hand-off between two levels of the same duty",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(30, ("duty Prod",)), Level(30, ("duty Prod",))),
        expect=("0 1 ravi email", "20 1 noor email", "30 2 noor email", "60 0 ada email"),
    ),
    Night(
        "a hand-off in the very minute in which a level of the duty ends",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(20, ("duty Prod",)), Level(10, ("duty Prod",))),
        expect=("0 1 ravi email", "20 2 noor email", "30 0 ada email"),
    ),
    Night(
        "whoever comes on inherits two incidents in one message",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(30, ("duty Prod",)),),
        did=(Did("post", 5, body=body(fingerprint="old")),),
        body=[body(fingerprint="old"), body(fingerprint="new")],
        expect=("0 1 ravi email", "20 1+1 noor email", "25 0 ada email", "30 0 ada email"),
    ),
    Night(
        "whoever comes on inherits, and the backup is paged all the same",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR, backup="omar", delay=25),),
        levels=(Level(30, ("duty Prod",)),),
        expect=("0 1 ravi email", "20 1 noor email", "25 1 omar email", "30 0 ada email"),
    ),
    Night(
        "the backup comes on while they wait for their turn, and is paged once",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR, backup="noor", delay=25),),
        levels=(Level(30, ("duty Prod",)),),
        expect=("0 1 ravi email", "20 1 noor email", "30 0 ada email"),
    ),
    Night(
        "a hand-off after the acknowledgement pages nobody",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(30, ("duty Prod",)),),
        did=(Did("post", 5, body=body()), Did("acknowledge", 4, "ravi")),
        action="attach",
        expect=(),
    ),
    Night(
        "whoever comes on has been paged on the level already",
        schedules=(Schedule("Prod", RAVI_THEN_NOOR),),
        levels=(Level(30, ("duty Prod", "noor")),),
        expect=("0 1 noor email", "0 1 ravi email", "30 0 ada email"),
    ),
    Night(
        "the duty ends in a gap: nobody new, and level 2 is skipped",
        schedules=(Schedule("Prod", (Turn("ravi", -60, 20),)),),
        levels=(Level(30, ("duty Prod",)), Level(30, ("duty Prod",))),
        notes=("Level 2 skipped",),
        expect=("0 1 ravi email", "30 0 ada email"),
    ),
    Night(
        "somebody comes on after a gap within the level",
        schedules=(Schedule("Prod", (Turn("ravi", -60, 10), Turn("noor", 20, 999))),),
        levels=(Level(30, ("duty Prod",)),),
        expect=("0 1 ravi email", "20 1 noor email", "30 0 ada email"),
    ),
    Night(
        "a team stands for whoever is on call on its schedules",
        teams={"Ops": ("ravi", "noor", "omar")},
        schedules=(Schedule("Prod", RAVI, team="Ops"),),
        levels=(Level(15, ("team Ops",)),),
        expect=("0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a team with nobody on call stands for its members",
        teams={"Ops": ("ravi", "noor")},
        schedules=(Schedule("Prod", (Turn("omar", 60, 120),), team="Ops"),),
        levels=(Level(15, ("team Ops",)),),
        expect=("0 1 noor email", "0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a source that names only a team",
        teams={"Ops": ("ravi", "noor")},
        pages_by="team Ops",
        expect=("0 1 noor email", "0 1 ravi email", "15 0 ada email"),
    ),
    Night(
        "a team of one who was deactivated",
        teams={"Ops": ("ravi",)},
        pages_by="team Ops",
        did=(Did("deactivate", 60, "ravi"),),
        notes=("Level 1 skipped",),
        expect=("0 0 ada email",),
    ),
    Night(
        "a hand-off on a schedule of the team that the level stands for",
        teams={"Ops": ("ravi", "noor", "omar")},
        schedules=(Schedule("Prod", RAVI_THEN_NOOR, team="Ops"),),
        levels=(Level(30, ("team Ops",)),),
        expect=("0 1 ravi email", "20 1 noor email", "30 0 ada email"),
    ),
]  # fmt: skip
