"""How much one incident is like another: the group first, then alerts, labels and words."""

import pytest

from app.intelligence.likeness import LIKE_ENOUGH, Features, likeness

DISK = Features(1, "disk", "Disk almost full on web-01", {"DiskFull"}, {("host", "web-01"), ("mount", "/var")})


def test_the_same_in_every_respect_is_one_and_nothing_in_common_is_zero() -> None:
    assert likeness(DISK, DISK) == 1.0
    assert likeness(DISK, Features(2, "x", "Certificate expires", {"CertExpiry"}, {("site", "shop")})) == 0.0


def test_the_sources_own_group_outweighs_everything_else() -> None:
    other = Features(1, "disk", "Something else entirely", {"Renamed"}, {("host", "db-07")})
    assert likeness(DISK, other) >= 0.95


@pytest.mark.parametrize(
    ("other", "is_like"),
    [
        (Features(1, "b", "Disk almost full on web-02", {"DiskFull"}, {("host", "web-02"), ("mount", "/var")}), True),
        (Features(2, "disk", "Disk almost full on web-01", {"DiskFull"}, {("host", "web-01")}), True),
        (Features(1, "b", "Memory low on web-01", {"MemoryLow"}, {("host", "web-01"), ("tier", "front")}), False),
        (Features(1, "b", "Queue too long", {"QueueLong"}), False),
        (Features(None, "manual:1", "Disk almost full on web-01"), False),
    ],
)
def test_the_same_alert_elsewhere_is_like_it_and_another_alert_on_the_same_host_is_not(
    other: Features, is_like: bool
) -> None:
    assert (likeness(DISK, other) >= LIKE_ENOUGH) is is_like
    assert likeness(DISK, other) == likeness(other, DISK)


def test_what_neither_has_does_not_count() -> None:
    by_hand = Features(None, "manual:1", "Checkout is slow")
    again = Features(None, "manual:2", "Checkout is slow again")
    assert likeness(by_hand, again) >= LIKE_ENOUGH
