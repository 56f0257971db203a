"""Hand-offs, looks, answers and escalations in the same moment: nobody is forgotten, and answered means quiet."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from sqlalchemy import update

from app.accounts.types import Identity
from app.incidents.types import IncidentStatus
from app.notify.types import WAITING
from app.oncall.models import DutyWatchRow
from app.oncall.types import Schedule
from app.platform.errors import Conflict
from app.usecases import answer, climb, rota
from app.usecases.watch.duty import look
from tests.support.duty import Duty

ROUNDS = 15
CREW = ("ravi", "noor", "kim")


def test_hand_offs_answers_and_looks_at_once_lose_nobody(duty: Duty) -> None:
    chance = random.Random(5)
    schedule = duty.schedule(backup="omar", delay=5)
    duty.covers(schedule, "ravi", hours=24 * 30)
    policy = duty.policy((10, [schedule]), (10, [schedule]), repeat=3)
    for name in CREW:
        duty.person(name)
    look_now(duty, schedule)
    for number in range(ROUNDS):
        opened = [duty.opens(f"Incident {number}-{each}", policy=policy) for each in range(3)]
        duty.world.clock.advance(minutes=chance.choice((1, 5, 10)))
        at_once(
            partial(hand_off, duty, schedule, chance.choice(CREW)),
            partial(look_now, duty, schedule),
            partial(look_now, duty, schedule),
            partial(duty.does, answer.acknowledge, opened[0], "kim"),
            partial(step, duty, opened[1]),
        )
        look_now(duty, schedule)
        for incident_id in opened:
            require_sound(duty, schedule, incident_id)
            duty.does(answer.resolve, incident_id, "kim")


def require_sound(duty: Duty, schedule: Schedule, incident_id: int) -> None:
    """Whoever is on call has been paged for what nobody answered, and nothing waits for what somebody did."""
    incident, escalation, pages = duty.incident(incident_id), duty.escalation(incident_id), duty.pages(incident_id)
    if incident.status is not IncidentStatus.TRIGGERED:
        assert [page for page in pages if page.status in WAITING] == []
        return
    on_level = [page for page in pages if (page.episode, page.level) == (escalation.episode, escalation.level)]
    paged = [page.user_id for page in on_level]
    assert len(paged) == len(set(paged))
    assert duty.on_call(schedule) in paged


def look_now(duty: Duty, schedule: Schedule) -> None:
    """A look, whether or not it is due."""
    if not duty.rt.db.write(partial(look, schedule_id=schedule.id, now=duty.now, lease=None)):
        duty.watches()
        duty.rt.db.write(lambda tx: tx.execute(update(DutyWatchRow).values(due_at=duty.now)))
        duty.rt.db.write(partial(look, schedule_id=schedule.id, now=duty.now, lease=None))


def hand_off(duty: Duty, schedule: Schedule, name: str) -> None:
    """Somebody else has the duty from now on."""
    if duty.on_call(schedule) != duty.person(name).id:
        rota.hand_off(
            duty.rt, schedule_id=schedule.id, to_user_id=duty.person(name).id,
            identity=Identity(duty.admin, "basic"), now=duty.now,
        )  # fmt: skip


def step(duty: Duty, incident_id: int) -> None:
    """Its escalation steps, if it is due."""
    duty.rt.db.write(partial(climb.step, incident_id=incident_id, now=duty.now, lease=None))


def at_once(*calls: Callable[[], object]) -> None:
    """All of them begun together; being told «no» is a good answer."""
    together = Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        together.wait(timeout=30)
        try:
            call()
        except Conflict:
            return

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(run, calls))
