"""How times, lengths and names are said."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.web.ui import words

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("milliseconds", "said"), [(0, "0 ms"), (84.4, "84 ms"), (2400, "2.4 s"), (252_000, "4 m 12 s")]
)
def test_what_was_short_is_said_precisely(milliseconds: float, said: str) -> None:
    assert words.took(milliseconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (48, "48 s"), (60, "1 m"), (252, "4 m 12 s"), (3600, "1 h"), (7500, "2 h 5 m"), (86400, "1 d"),
        (273600, "3 d 4 h"), (-5, "0 s"),
    ],
)  # fmt: skip
def test_length_is_said_in_two_units(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "just now"),
        (4, "4 min ago"),
        (150, "2 h ago"),
        (60 * 72, "3 days ago"),
        (-4, "in 4 min"),
        (-0.5, "in a moment"),
    ],
)
def test_moment_is_said_relative_to_now(minutes: float, said: str) -> None:
    assert words.ago(NOW - timedelta(minutes=minutes), NOW) == said


@pytest.mark.parametrize(("minutes", "said"), [(0, "now"), (4, "4 m"), (150, "2 h"), (60 * 72, "3 d")])
def test_age_fits_a_column(minutes: float, said: str) -> None:
    assert words.age(NOW - timedelta(minutes=minutes), NOW) == said


def test_what_comes_counts_down_to_the_second() -> None:
    assert words.due(NOW + timedelta(seconds=252), NOW) == "in 4 m 12 s"
    assert words.due(NOW - timedelta(seconds=1), NOW) == "now"


def test_exact_time_names_the_zone_and_summer_time() -> None:
    assert words.exact(NOW, BERLIN) == "2026-03-02 10:00:00 CET"
    assert words.exact(datetime(2026, 7, 1, 9, 0, tzinfo=UTC), BERLIN) == "2026-07-01 11:00:00 CEST"


def test_planned_moment_is_as_short_as_it_can_be() -> None:
    assert words.short(NOW + timedelta(hours=2), BERLIN, NOW) == "12:00"
    assert words.short(NOW + timedelta(days=3), BERLIN, NOW) == "Thu 10:00"
    assert words.short(NOW + timedelta(days=10), BERLIN, NOW) == "12 Mar 10:00"


def test_days_are_those_of_the_reader() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)

    assert words.day(late, BERLIN, NOW) == "Today"
    assert words.day(late, ZoneInfo("UTC"), NOW) == "Yesterday"
    assert words.day(NOW - timedelta(days=400), BERLIN, NOW) == "Sun 26 Jan 2025"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ravi Anand", "RA"),
        ("Ada", "AD"),
        ("Jean-Luc Marie Dupont", "JD"),
        ("  ", "?"),
        ("(x)", "?"),
        ("李 伟", "李伟"),
    ],
)
def test_initials_stand_for_a_name(name: str, letters: str) -> None:
    assert words.initials(name) == letters


def test_machine_words_become_headings() -> None:
    assert words.heading("base_url") == "Base URL"
    assert words.heading("tls") == "TLS"
    assert words.heading("notification_retry") == "Notification retry"


def test_zone_that_is_gone_reads_as_utc() -> None:
    assert words.zone_of("Mars/Olympus").key == "UTC"
    assert words.zone_of("../etc/passwd").key == "UTC"
