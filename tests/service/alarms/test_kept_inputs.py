"""What is kept of an alarm's questions and answers, for replays: encrypted, and without what lets PagerPal in."""

import base64
import json

from sqlalchemy import select

from app.alarms import queries, service
from app.alarms.inputs import pack
from app.alarms.models import AlarmInputBodyRow, AlarmInputRow
from app.platform.db import Tx
from app.platform.secrets import SecretBox
from app.platform.types import JsonObject
from tests.service.alarms.conftest import Watch

PLANTED = "planted-s3cret-4711"


def recording() -> JsonObject:
    """A secret in every place of a question, and in an answer."""
    question: JsonObject = {
        "kind": "http", "method": "POST", "url": f"https://u:{PLANTED}@stats.example.com/?api_key={PLANTED}",
        "headers": {"Authorization": f"Bearer {PLANTED}", "X-Tenant": PLANTED}, "body": f"pw={PLANTED}",
        "timeout_seconds": 20.0,
    }  # fmt: skip
    body = base64.b64encode(json.dumps({"said": "hi", "note": PLANTED}).encode()).decode()
    answer = {"status": 200, "headers": {"set-cookie": PLANTED, "x-mark": "1"}, "body": body, "elapsed_ms": 1.0}
    return {"now": "2026-03-02T09:00:00+00:00", "facts": {}, "asked": [[question, answer]]}


def test_a_planted_secret_is_in_no_column_and_the_key_of_the_house_opens_only_the_answer(watch: Watch) -> None:
    packed = pack(recording(), watch.rt.secrets)
    assert packed is not None
    watch.rt.db.write(lambda tx: service.keep_input(tx, watch.alarm, packed, taken_at=watch.now))
    stored = watch.rt.db.read(_everything)
    assert len(stored) == 2
    shapes = (PLANTED.encode(), base64.b64encode(PLANTED.encode())[:-4])
    assert not any(shape in row for row in stored for shape in shapes)

    opened = watch.rt.db.read(
        lambda tx: queries.find_input(tx, watch.alarm.id, packed.digest, secrets=watch.rt.secrets)
    )
    assert opened is not None
    ((question, answer),) = opened["asked"]
    assert PLANTED not in repr(question)
    assert question["headers"] == {"Authorization": "***", "X-Tenant": "***"}
    assert answer["headers"] == {"set-cookie": "***", "x-mark": "1"}
    assert PLANTED in base64.b64decode(answer["body"]).decode()


def test_what_was_kept_under_a_key_that_is_gone_is_as_good_as_not_kept(watch: Watch) -> None:
    packed = pack(recording(), watch.rt.secrets)
    assert packed is not None
    watch.rt.db.write(lambda tx: service.keep_input(tx, watch.alarm, packed, taken_at=watch.now))
    other = SecretBox("another-secret-key-of-enough-length-0000")
    assert watch.rt.db.read(lambda tx: queries.find_input(tx, watch.alarm.id, packed.digest, secrets=other)) is None


def _everything(tx: Tx) -> list[bytes]:
    rows = [*tx.execute(select(AlarmInputRow.__table__)), *tx.execute(select(AlarmInputBodyRow.__table__))]
    return [b"|".join(each if isinstance(each, bytes) else str(each).encode() for each in row) for row in rows]
