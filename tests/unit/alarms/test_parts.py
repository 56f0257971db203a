"""What an event says, taken apart: only the description is Markdown, what was found is shown as it stands."""

from dataclasses import replace

import pytest

from app.alarms import rules
from app.alarms.types import AlarmEvent
from tests.support.clock import START

EVENT = AlarmEvent(
    id="1", alarm_id=1, entry_id="alarm_probe", dedupe_key="a", subject="a fails", content="", severity="warning",
    fire_time=START, clear_time=None, clear_reason=None, last_seen=START, last_notified=None, recipients=[],
    extra_data={}, acked_by=None, acked_at=None, incident_id=None, mail_ids=[], mailed_at=None, mail_tries=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("Look.\n\nHere.\n\na fails\n\nfor long\n\na fails", ("Look.\n\nHere.", "for long\n\na fails")),
        ("a fails\n\nfor long", ("", "for long")),
        ("Look.\n\na fails", ("Look.", "")),
        ("When\n\na fails often, look.\n\na fails\n\nx", ("When\n\na fails often, look.", "x")),
        ("something of another shape", ("", "something of another shape")),
    ],
)
def test_the_description_stands_before_the_subject_and_the_context_after_it(
    content: str, parts: tuple[str, str]
) -> None:
    assert rules.parts_of(replace(EVENT, content=content)) == parts
