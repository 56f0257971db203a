"""Calendar feeds by their secret addresses, and who on a schedule is away."""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import Query, Request, Response

from app.accounts import queries as people
from app.oncall import queries
from app.platform.db import Tx
from app.usecases import rota
from app.web.api.calendar_schemas import CalendarAddressOut, ConflictOut
from app.web.deps import Id, IdentityDep, NowDep, RuntimeDep

MAX_AGE_SECONDS = 300

Days = Annotated[int, Query(ge=1, le=366)]
# Without one, or with anything that is none, there is no such calendar: 404 and never 422.
Token = Annotated[str, Query()]


def make_schedule_address(schedule_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> CalendarAddressOut:
    """A new secret address of a schedule's feed, shown this once; the one before ends."""
    made = rota.make_schedule_calendar(rt, schedule_id=schedule_id, actor=identity.user, now=now)
    return CalendarAddressOut.model_validate(made)


def revoke_schedule_address(schedule_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """End the address of a schedule's feed."""
    rota.revoke_schedule_calendar(rt, schedule_id=schedule_id, actor=identity.user, now=now)


def make_own_address(rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> CalendarAddressOut:
    """A new secret address of the feed of one's own duties, shown this once; the one before ends."""
    made = rota.make_personal_calendar(rt, user_id=identity.user.id, actor=identity.user, now=now)
    return CalendarAddressOut.model_validate(made)


def revoke_own_address(rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """End the address of one's own feed."""
    rota.revoke_personal_calendar(rt, user_id=identity.user.id, actor=identity.user, now=now)


def show_schedule(schedule_id: Id, request: Request, rt: RuntimeDep, now: NowDep, token: Token = "") -> Response:
    """A schedule as a calendar (RFC 5545), for whoever has its address: twelve months of slots and gaps."""
    return _feed(request, rota.read_schedule_calendar(rt, schedule_id=schedule_id, token=token, now=now))


def show_own(request: Request, rt: RuntimeDep, now: NowDep, token: Token = "") -> Response:
    """The duties of the person whose address it is, over all schedules, as a calendar (RFC 5545)."""
    return _feed(request, rota.read_personal_calendar(rt, token=token, now=now))


def list_conflicts(schedule_id: Id, rt: RuntimeDep, now: NowDep, days: Days = 14) -> list[ConflictOut]:
    """Slots of the coming days whose person is away for a part of them, by their calendars of absences."""
    end = now + timedelta(days=days)

    def read(tx: Tx) -> list[ConflictOut]:
        queries.get_schedule(tx, schedule_id)
        found = queries.conflicts_of(tx, schedule_id, now, end)
        names = people.users_by_id(tx, [slot.user_id for slot, _ in found])
        return [ConflictOut.of(slot, absence, names) for slot, absence in found]

    return rt.db.read(read)


def _feed(request: Request, content: bytes) -> Response:
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": f"private, max-age={MAX_AGE_SECONDS}", "x-robots-tag": "noindex"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = 'inline; filename="on-call.ics"'
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)
