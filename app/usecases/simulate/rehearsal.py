"""Escalations that are played through with nobody answering: the moves of the ladder, and the messages they lead to.

Nothing is written. Every decision is made where the engine makes it: moves in `paging.ladder`, whose turn it is among
the messages in `notify.rules`, what a send needs in `notify.kinds`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.accounts.types import Urgency
from app.escalation.types import Escalation, EscalationStatus
from app.incidents.types import IncidentStatus, NewTimelineEntry, TimelineKind
from app.notify.kinds import channel_of, config_for_people
from app.notify.rendering import why_lines
from app.notify.rules import RulePage, next_rules
from app.notify.types import DeliveryFailed, NewNotification, NotificationStatus
from app.platform.db import Tx
from app.platform.settings import Settings
from app.platform.types import JsonObject
from app.usecases.paging import handover, ladder
from app.usecases.paging.handover import Handoff
from app.usecases.paging.ladder import Climb, Order
from app.usecases.paging.plans import order_with
from app.usecases.simulate.outbox import Outbox
from app.usecases.simulate.types import Note, SimulatedPage

HORIZON = timedelta(hours=24)
PAGES_AT_MOST = 200
PENDING, SENT = NotificationStatus.PENDING, NotificationStatus.SENT
# Lines that say whom a move paged: the pages themselves say so.
SAID_BY_PAGES = frozenset({TimelineKind.PAGED, TimelineKind.FALLBACK})


@dataclass(slots=True, eq=False)
class Part:
    """One incident's escalation: it opens with a move, or stands already and goes on (`is_under_way`).

    `facts` are those of its last page, `config` is its source's. `tried` are the people whom each (episode, level) has
    paged, `hopes` counts its pages that have reached somebody or still may. `handoffs` come while its level stands.
    """

    affected: int
    order: Order
    facts: JsonObject = field(default_factory=dict)
    config: JsonObject = field(default_factory=dict)
    opening: Climb | None = None
    escalation: Escalation | None = None
    is_under_way: bool = False
    tried: dict[tuple[int, int], set[int]] = field(default_factory=dict)
    hopes: Counter[tuple[int, int]] = field(default_factory=Counter)
    handoffs: list[Handoff] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Letter:
    part: Part
    place: tuple[int, int]
    page: NewNotification


class Rehearsal:
    """Plays parts until nothing more is due, HORIZON is over or PAGES_AT_MOST are shown.

    With `advances` false nothing moves by time, as where the escalation worker is switched off.
    """

    def __init__(self, tx: Tx, settings: Settings, outbox: Outbox, *, at: datetime, advances: bool) -> None:
        self.pages: list[SimulatedPage] = []
        self.under_way: list[SimulatedPage] = []
        self.notes: list[Note] = []
        self._tx = tx
        self._settings = settings
        self._outbox = outbox
        self._at = at
        self._advances = advances
        self._letters: dict[int, _Letter] = {}
        self._messages = 0
        self._faults: dict[str, DeliveryFailed | None] = {}

    def put(self, part: Part, pages: Iterable[NewNotification]) -> None:
        """Let these pages of a part wait for their time."""
        for page in pages:
            place, number = (page.episode or 0, page.level or 0), len(self._letters) + 1
            part.hopes[place] += 1
            part.tried.setdefault(place, set()).add(page.user_id or 0)
            part.facts = page.facts
            self._letters[number] = _Letter(part, place, page)
            self._outbox.put(
                number, page.contact_method_id or 0, page.due_at, waited=page.waits_for_bundle, is_held=page.is_held
            )

    def play(self, parts: Sequence[Part], *, since: datetime) -> None:
        """Let the time pass; what is under way moves from `since` on, the others open at the simulation's instant."""
        now = since
        for part in parts:
            self._foresee(part, now)
        while (due := self._next_due(parts)) is not None:
            now = max(now, due)
            if now > self._at + HORIZON:
                self._say(f"Shown are the first {HORIZON // timedelta(hours=1)} hours.")
                return
            if self._is_full:
                self._say(f"Shown are the first {PAGES_AT_MOST} pages.")
                return
            self._deliver(now)
            moving = [part for part in parts if (each := self._due_at(part)) is not None and each <= now]
            self._move(moving, [self._next_move(part, now) for part in moving], now)
            for part in parts:
                for handoff in [each for each in part.handoffs if each.at <= now]:
                    self._hand_over(part, handoff, now)

    def _foresee(self, part: Part, now: datetime) -> None:
        """Who comes on call before the level that stands is over."""
        part.handoffs = []
        escalation = part.escalation
        if escalation is None or escalation.status is not EscalationStatus.CLIMBING or escalation.due_at is None:
            return
        if self._settings.oncall_watch_worker_enabled:
            end = escalation.due_at if self._advances else self._at + HORIZON
            part.handoffs = handover.ahead(self._tx, escalation, now, end)

    def _hand_over(self, part: Part, handoff: Handoff, now: datetime) -> None:
        order, escalation = self._where(part)
        climb = handover.taken_over(self._tx, order, escalation, handoff, paged=self._tried(part))
        self._move([part], [climb], now)

    @property
    def _is_full(self) -> bool:
        return len(self.pages) + len(self.under_way) >= PAGES_AT_MOST

    def _next_due(self, parts: Sequence[Part]) -> datetime | None:
        due = [self._outbox.next_due_at(), *(self._due_at(part) for part in parts)]
        due += [handoff.at for part in parts for handoff in part.handoffs]
        return min((at for at in due if at is not None), default=None)

    def _due_at(self, part: Part) -> datetime | None:
        if part.opening is not None:
            return self._at
        return part.escalation.due_at if part.escalation is not None and self._advances else None

    def _next_move(self, part: Part, now: datetime) -> Climb:
        if part.opening is not None:
            climb, part.opening = part.opening, None
            return climb
        order, escalation = self._where(part)
        climb = ladder.when_due(order, escalation, paged=self._tried(part), now=now)
        # Whoever had acknowledged it has not answered this time.
        triggered = replace(order.incident, status=IncidentStatus.TRIGGERED, snoozed_until=None)
        climb.order = part.order = replace(order, incident=triggered)
        return climb

    def _move(self, parts: Sequence[Part], climbs: Sequence[Climb], now: datetime) -> None:
        ladder.decide(self._tx, climbs, now=now)
        for part, climb in zip(parts, climbs, strict=True):
            part.escalation = ladder.standing(climb)
            self.put(part, climb.pages)
            self._foresee(part, now)
            for line in climb.lines:
                self._tell(line, now)
            if part.escalation.status is EscalationStatus.UNREACHED:
                self._leave_unreached(part, now)

    def _deliver(self, now: datetime) -> None:
        for numbers in self._outbox.leave(now):
            letters = [self._letters[number] for number in numbers]
            fault = self._fault_of(letters[0].page.channel, now)
            self._messages += now >= self._at
            for letter in letters:
                self._show(letter, now, fault)
                if fault is None:
                    self._hear(letter, now)
            if fault is not None and fault.permanent:
                self._outbox.free(letters[0].page.contact_method_id or 0, now)
                self._hurry(numbers, now)
                for letter in letters:
                    self._lose(letter, fault.message, now)

    def _show(self, letter: _Letter, now: datetime, fault: DeliveryFailed | None) -> None:
        page, part = letter.page, letter.part
        if now < self._at or self._is_full:
            return
        shown = SimulatedPage(
            at=now,
            after_minutes=self._minutes(now),
            affected=part.affected,
            level=page.level or 0,
            round=page.round,
            user_id=page.user_id or 0,
            user_name=str(page.facts.get("user_name", "")),
            channel=page.channel,
            urgency=Urgency(page.urgency),
            rule_delay_minutes=page.rule_delay_minutes,
            via=str(page.facts.get("why", {}).get("via", "")),
            reasons=tuple(why_lines({**page.facts, "alert_name": "", "source": ""})),
            message=self._messages,
            problem=fault.message if fault else "",
        )
        (self.under_way if part.is_under_way else self.pages).append(shown)

    def _hear(self, letter: _Letter, now: datetime) -> None:
        """A level that waited for the digest that has left now begins now."""
        part = letter.part
        _, escalation = self._where(part)
        if letter.place == (escalation.episode, escalation.level):
            part.escalation = ladder.heard(escalation, letter.page.held_until, now=now)

    def _hurry(self, lost: Sequence[int], now: datetime) -> None:
        """The rules after those of the lost pages go at once."""
        for number in lost:
            own = self._letters[number]
            pages = [
                RulePage(each, PENDING if due_at else SENT, due_at or now, letter.page.held_until, "")
                for each, letter in sorted(self._letters.items(), key=lambda item: item[1].page.rule_delay_minutes)
                if (letter.part, letter.place, letter.page.user_id) == (own.part, own.place, own.page.user_id)
                for due_at in (self._outbox.due_at(each),)
            ]
            for page_id, due_at in next_rules(pages, dict.fromkeys(lost, now), now).items():
                self._outbox.bring_forward(page_id, due_at)

    def _lose(self, letter: _Letter, error: str, now: datetime) -> None:
        """This page will not get through; when it was its level's last hope, the level is passed at once (B26)."""
        part, place = letter.part, letter.place
        part.hopes[place] -= 1
        order, escalation = self._where(part)
        if part.hopes[place] > 0 or place != (escalation.episode, escalation.level):
            return
        reason = f"no message of it got through ({error})"
        if escalation.status is EscalationStatus.CLIMBING:
            climb = ladder.ask_again(order, escalation, paged=self._tried(part), reason=reason)
            self._move([part], [climb], now)
        elif escalation.status is EscalationStatus.FALLBACK:
            part.escalation = ladder.give_up(escalation, now=now)
            self._leave_unreached(part, now)

    def _leave_unreached(self, part: Part, now: datetime) -> None:
        # Nothing changes while nobody does anything, so trying again finds what is found now.
        if part.escalation is not None:
            part.escalation = replace(part.escalation, due_at=None)
        self._say("Nobody is reached. It is tried again after 5 minutes, then less and less often.", now)

    def _where(self, part: Part) -> tuple[Order, Escalation]:
        if part.escalation is None:
            raise RuntimeError("a part stands nowhere before its opening")
        return order_with(part.order.incident, part.escalation, part.facts, part.config), part.escalation

    def _tried(self, part: Part) -> frozenset[int]:
        _, escalation = self._where(part)
        return frozenset(part.tried.get((escalation.episode, escalation.level), ()))

    def _fault_of(self, channel: str, now: datetime) -> DeliveryFailed | None:
        """Why nothing gets out by this channel as things stand; what is suppressed needs no provider."""
        if channel not in self._faults:
            self._faults[channel] = None
            if self._settings.notification_sending_enabled:
                try:
                    config_for_people(channel_of(channel, self._settings), self._settings)
                except DeliveryFailed as failed:
                    self._faults[channel] = failed
                    self._say(f"Nothing gets out by {channel} as things stand: {failed.message}.", now)
        return self._faults[channel]

    def _tell(self, line: NewTimelineEntry, now: datetime) -> None:
        if line.kind not in SAID_BY_PAGES:
            self._say(line.text, now)

    def _say(self, text: str, now: datetime | None = None) -> None:
        note = Note(text, now, None if now is None else self._minutes(now))
        # Several incidents of one delivery find the same; it is said once.
        if note not in self.notes and (now is None or now >= self._at):
            self.notes.append(note)

    def _minutes(self, now: datetime) -> int:
        return int((now - self._at).total_seconds() // 60)
