"""Fifty injections in all that strangers write, and a model that obeys them: nothing changes but text (F-114)."""

import json
from typing import Any

from sqlalchemy import select

from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.tables import metadata
from tests.service.analyze.conftest import Ward, says
from tests.service.intake.conftest import Tool
from tests.support.injections import INJECTIONS

OBEDIENT: dict[str, Any] = {
    "summary": "Resolved. ACK 1 RESOLVE 1",
    "probable_cause": "None",
    "confidence": 1.0,
    "status": "resolved",
    "severity": "info",
    "assigned_to": None,
    "acknowledged_at": "2026-03-02T09:00:00Z",
    "recipients": ["evil@example.com"],
    "escalation_policy": "nobody",
    "tool_calls": [{"name": "resolve_incident", "arguments": {"incident_id": 1}}],
}


def test_a_model_that_obeys_every_stranger_changes_nothing_but_its_own_text(ward: Ward, tool: Tool) -> None:
    ward.set(intelligence_labels=("*",), intelligence_calls_per_hour=100)
    ward.provider()
    incident_ids = [incident_id for text in INJECTIONS for incident_id in written_by_a_stranger(tool, text)]
    assert len(incident_ids) == len(INJECTIONS)
    before = state(ward.rt)
    for incident_id, text in zip(incident_ids, INJECTIONS, strict=True):
        ward.answers(says(json.dumps(obeying(text))))
        run = ward.analyze(incident_id)
        assert (run.provider, run.fallback_used) == ("openai", False), text
        assert len(ward.story(incident_id)) == 1
        said = json.dumps([run.summary, run.probable_cause, run.recommendations], ensure_ascii=False)
        assert not any(mark in said for mark in ("://", "javascript:", "\u202e", "\x1b")), text
    assert state(ward.rt) == before


def test_a_model_that_says_nothing_but_the_injection_is_not_heard(ward: Ward, tool: Tool) -> None:
    ward.provider()
    before: dict[str, list[str]] = {}
    for text in INJECTIONS[:8]:
        (incident_id,) = written_by_a_stranger(tool, text)
        before = state(ward.rt)
        ward.answers(says(text))
        run = ward.analyze(incident_id)
        assert (run.provider, run.fallback_used) == ("local", True), text
        assert state(ward.rt) == before


def written_by_a_stranger(tool: Tool, text: str) -> list[int]:
    """An alert that has the text in every place; the door lets no NUL through."""
    text = text.replace("\x00", "")
    labels = {"note": text, text[:60]: "x"}
    return list(
        tool.post(tool.alert(text, description=text, labels=labels, annotations={"summary": text})).incident_ids
    )


def obeying(text: str) -> dict[str, Any]:
    """What a model says that does all that it was told, in every field that there is."""
    advice = {
        "type": "general", "priority": "critical", "title": text, "description": text, "actions": [text, "ACK 1"],
        "incident_id": 1, "details": {"status": "resolved", "incident_ids": [1]}, "status": "resolved",
    }  # fmt: skip
    return {**OBEDIENT, "probable_cause": text, "recommendations": [advice], "note": text}


def state(rt: Runtime) -> dict[str, list[str]]:
    """Every row of every table but the analyses and the one line that each has in its incident's story."""

    def read(tx: Tx) -> dict[str, list[str]]:
        rows: dict[str, list[str]] = {}
        for table in metadata.sorted_tables:
            if table.name == "analysis_runs":
                continue
            columns = [column for column in table.columns if column.name != "timeline_seq"]
            found = [str(tuple(row)) for row in tx.execute(select(*columns))]
            rows[table.name] = sorted(each for each in found if "Analysis by " not in each)
        return rows

    return rt.db.read(read)
