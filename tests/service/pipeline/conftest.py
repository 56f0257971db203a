"""A source whose incidents have runs, channels that hear of them, and an outbox that does as it is told."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import update

from app.accounts.types import User
from app.alerts.types import AlertSource, AlertStatus, DeliveryOutcome, Grouping, ParsedAlert, ParsedPayload, Severity
from app.incidents import queries as incidents
from app.incidents.types import TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.models import ChannelRow, NotificationRow
from app.notify.types import Notification, NotificationKind, NotificationStatus, Outcome, Report
from app.pipeline import queries, service as pipeline
from app.pipeline.queries import RunFilter
from app.pipeline.types import PipelineRun, Stage, StageExecution
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, deliver, intake, run_pipeline
from tests.support.clock import FrozenClock
from tests.support.people import add_admin
from tests.support.world import World

_PAGES_LEFT = (
    update(NotificationRow)
    .where(NotificationRow.kind == NotificationKind.PAGE)
    .values(status=NotificationStatus.SENT, attempts=1)
)


@dataclass
class House:
    """One source, its runs, and what the test does to the messages of these runs."""

    rt: Runtime
    world: World
    admin: User
    source: AlertSource

    @property
    def clock(self) -> FrozenClock:
        """The clock of this world."""
        return self.world.clock

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.clock.now()

    def fire(self, name: str = "Disk full", *, group: str = "") -> int:
        """An alert comes in and its pages leave; the id of its incident, which alerts of one group share."""
        alert = ParsedAlert({"id": name}, name, AlertStatus.FIRING, Severity.CRITICAL, self.now)
        submission = intake.Submission(
            source=self.source,
            driver="generic",
            outcome=DeliveryOutcome.ACCEPTED,
            parsed=ParsedPayload([alert], "generic", group_key=group),
            headers={},
            body=b"{}",
            received_at=self.now,
            trace_id=self.rt.ids.hex32(),
            new_run_id=self.rt.ids.hex32,
        )
        result = self.rt.db.write(lambda tx: intake.apply(tx, [submission]))[0]
        self.rt.db.write(lambda tx: tx.execute(_PAGES_LEFT))
        return result.incident_ids[0]

    def listens(self, *names: str) -> None:
        """The source names the channels that are told."""
        self.source = catalogue.update_source(
            self.rt, source_id=self.source.id, changes={}, config={"channels": list(names)}, actor=self.admin,
            now=self.now,
        )  # fmt: skip

    def channel(self, name: str, *, is_active: bool = True) -> int:
        """A team channel of that name."""
        values = {"driver": "webhook", "config": {}, "description": "", "is_active": is_active}
        times = {"created_at": self.now, "updated_at": self.now}
        return self.rt.db.write(lambda tx: tx.insert(ChannelRow, name=name, **values, **times))

    def work(self, rt: Runtime | None = None) -> run_pipeline.RunOutcome:
        """One pass of the pipeline, however slow the machine is; of what is slower than a pass it says so."""
        return asyncio.run(self._pass(rt or self.rt))

    async def _pass(self, rt: Runtime) -> run_pipeline.RunOutcome:
        outcome = await run_pipeline.run_due(rt, self.now)
        await run_pipeline.drain(rt)
        return outcome

    def claim(self, owner: str) -> list[PipelineRun]:
        """Another process takes what is due, and goes no further."""
        return self.rt.db.write(lambda tx: pipeline.claim(tx, owner=owner, now=self.now, waiting=10, limit=10))

    def runs(self, incident_id: int | None = None) -> list[PipelineRun]:
        """The runs, oldest first."""
        filters = RunFilter(incident_id=incident_id)
        page = self.rt.db.read(lambda tx: queries.list_runs(tx, filters, PageQuery(1, 200)))
        return page.items[::-1]

    def stages(self, run: PipelineRun) -> list[tuple[str, str]]:
        """What became of each attempt at a stage."""
        found: list[StageExecution] = self.rt.db.read(lambda tx: queries.stages_of(tx, run))
        return [(str(each.stage), str(each.status)) for each in found]

    def notify_stage(self, run: PipelineRun) -> StageExecution:
        """The newest attempt at the notify stage."""
        found = self.rt.db.read(lambda tx: queries.stages_of(tx, run))
        return [each for each in found if each.stage is Stage.NOTIFY][-1]

    def messages(self, incident_id: int) -> list[Notification]:
        """What the team's channels were or are to be told of the incident, oldest first."""
        found = self.rt.db.read(lambda tx: outbox.notifications_of(tx, incident_id))
        return [each for each in found if each.kind is NotificationKind.TEAM]

    def send(self, outcome: Outcome = Outcome.SENT, *, error: str = "", channel_id: int | None = None) -> int:
        """The outbox takes what is due and this becomes of the team's messages; how many there were."""

        def take(tx: Tx) -> int:
            claims = notify.claim(tx, now=self.now, owner="outbox", busy={})
            sent = 0
            for claim in claims:
                message = claim.notification
                is_meant = message.kind is NotificationKind.TEAM and channel_id in (None, message.channel_id)
                report = Report(outcome if is_meant else Outcome.SENT, error=error if is_meant else "")
                notify.record(tx, claim, report, now=self.now, roll=0.0)
                sent += message.kind is NotificationKind.TEAM
            return sent

        return self.rt.db.write(take)

    def warnings(self, incident_id: int) -> list[str]:
        """What the timeline warns of."""
        found = self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))
        return [each.text for each in found if each.kind is TimelineKind.WARNING]

    def delivered(self) -> list[str]:
        """The outbox sends what is due; the texts of the mails that leave."""
        before = len(self.world.mail.sent)
        asyncio.run(deliver.deliver_due(self.rt, self.now))
        plain = [each.message.get_body(preferencelist=("plain",)) for each in self.world.mail.sent[before:]]
        return [each.get_content() for each in plain if each is not None]

    def story(self, incident_id: int) -> list[str]:
        """What the timeline says of the team's channels."""
        found = self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))
        return [each.text for each in found if each.text.startswith(("Told", "Could not tell"))]


def statuses(messages: list[Notification]) -> list[NotificationStatus]:
    """How the messages stand."""
    return [message.status for message in messages]


@pytest.fixture
def house(rt: Runtime, world: World) -> House:
    """One source with an admin behind it, and no channel yet."""
    admin = add_admin(rt)
    source, _ = catalogue.create_source(
        rt, name="prod", pipeline="direct", grouping=Grouping.GROUP_KEY, actor=admin, now=rt.clock.now()
    )
    return House(rt, world, admin, source)
