"""What the watch tells: checks of readiness and banners."""

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """How a readiness check came out; only `fail` makes `doctor` exit 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class ReadinessItem:
    """One line of the production readiness checklist (B48); `detail` says what to do where it is not ok."""

    check: str
    status: CheckStatus
    detail: str


class BannerLevel(StrEnum):
    """How loud a banner is: `danger` means that somebody may not be paged."""

    DANGER = "danger"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence on top of every page; `link` leads to where it can be mended."""

    code: str
    level: BannerLevel
    text: str
    link: str


def ok(check: str, detail: str) -> ReadinessItem:
    """A check that passed."""
    return ReadinessItem(check, CheckStatus.OK, detail)


def warn(check: str, detail: str) -> ReadinessItem:
    """A check that is not as it should be in production, but hinders no page."""
    return ReadinessItem(check, CheckStatus.WARN, detail)


def fail(check: str, detail: str) -> ReadinessItem:
    """A check that must be mended before anybody relies on being paged."""
    return ReadinessItem(check, CheckStatus.FAIL, detail)
