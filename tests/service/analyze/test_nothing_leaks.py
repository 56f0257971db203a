"""500 secrets in everything that strangers write, all labels opted in: a provider is told none of them (F-115)."""

import pytest

from app.checks.types import CheckStatus
from app.incidents import service as incidents
from app.platform.db import Tx
from app.platform.types import JsonObject
from tests.service.analyze.conftest import Ward, checked, says
from tests.service.intake.conftest import Tool
from tests.support.planted import planted

BATCH = 20


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What leaves is the same whatever the database is."""
    return sqlite_url


def test_none_of_500_planted_secrets_leaves_and_all_would_without_the_scrubber(ward: Ward, tool: Tool) -> None:
    ward.set(intelligence_labels=("*",), intelligence_calls_per_hour=100)
    ward.provider()
    secrets = planted()
    for start in range(0, len(secrets), BATCH):
        plant(ward, tool, secrets[start : start + BATCH])
    told = asked_about_all(ward, tool)
    assert len(told) == len(secrets) // BATCH
    assert [secret for secret, _ in secrets if any(secret in each for each in told)] == []

    ward.set(intelligence_scrub_secrets=False)
    bare = "".join(asked_about_all(ward, tool))
    assert sum(secret in bare for secret, _ in secrets) > 0.9 * len(secrets), "they were where we looked"


def test_without_labels_none_of_them_is_told_at_all(ward: Ward, tool: Tool) -> None:
    ward.set(intelligence_scrub_secrets=False)
    ward.provider()
    labels = {"host": "web-01", "team": "storage"}
    tool.post(tool.alert("Slow", labels=labels, annotations={"runbook": "see the wiki"}))
    (told,) = asked_about_all(ward, tool)
    assert not any(each in told for each in ("web-01", "storage", "wiki", "runbook"))
    ward.set(intelligence_labels=("host",))
    (told,) = asked_about_all(ward, tool)
    assert "web-01" in told
    assert not any(each in told for each in ("storage", "wiki", "runbook"))


def plant(ward: Ward, tool: Tool, secrets: list[tuple[str, str]]) -> None:
    """An incident that has these secrets in every place that others write into."""
    texts = [text for _, text in secrets]
    alert = tool.alert(
        texts[0],
        description="\n".join(texts[:8]),
        labels={f"label_{number}": text for number, text in enumerate(texts)},
        annotations={f"annotation_{number}": text for number, text in enumerate(texts)},
    )
    (incident_id,) = tool.post(alert).incident_ids
    metadata: JsonObject = {
        "nested": {"list": texts[:4]},
        **{f"key_{number}": text for number, text in enumerate(texts)},
    }

    def write(tx: Tx) -> None:
        incidents.set_many(tx, [{"id": incident_id, "metadata": metadata}])

    ward.rt.db.write(write)
    checked(ward, CheckStatus.WARNING, checker=texts[1], incident_id=incident_id)


def asked_about_all(ward: Ward, tool: Tool) -> list[str]:
    """What the provider is told about every incident."""
    ward.world.http.calls.clear()
    for incident in tool.incidents():
        ward.answers(says())
        ward.analyze(incident.id, is_requested=True)
    return [call.content.decode() for call in ward.world.http.calls]
