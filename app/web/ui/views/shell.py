"""What the frame of every page shows: counts, who is on call, banners."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.incidents import queries as incidents
from app.incidents.types import IncidentStatus
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import watch
from app.web.ui.views.duty import DutyView, every_duty

KINDS = {
    watch.BannerLevel.DANGER: "critical",
    watch.BannerLevel.WARNING: "warning",
    watch.BannerLevel.INFO: "info",
}
HEADLINE_ENDS = (": ", ". ")


@dataclass(frozen=True, slots=True)
class BannerView:
    """A banner as it is drawn: the first clause stands out, the link leads to where it can be mended."""

    kind: str
    title: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame: open incidents, those that nobody has taken, the duties of now, banners."""

    open: int
    unanswered: int
    duties: list[DutyView]
    banners: list[BannerView]

    @property
    def oncall(self) -> list[DutyView]:
        """The duties that somebody has."""
        return [duty for duty in self.duties if duty.user is not None]

    @property
    def until(self) -> datetime | None:
        """When the first of the duties changes hands by itself; None where none does for two weeks."""
        return min((duty.until for duty in self.duties if duty.until), default=None)


def shell_of(tx: Tx, rt: Runtime, *, now: datetime, zone: ZoneInfo) -> Shell:
    """The frame as of now."""
    counts = incidents.count_by_status(tx)
    return Shell(
        open=sum(counts.values()),
        unanswered=counts[IncidentStatus.TRIGGERED],
        duties=every_duty(tx, now, zone),
        banners=[banner_view(each) for each in watch.banners(tx, rt.settings, now)],
    )


def banner_view(banner: watch.Banner) -> BannerView:
    """The banner with its first clause apart."""
    ends = [at for at in (banner.text.find(mark) for mark in HEADLINE_ENDS) if at > 0]
    cut = min(ends) + 1 if ends else len(banner.text)
    return BannerView(KINDS[banner.level], banner.text[:cut], banner.text[cut:].strip(), banner.link)
