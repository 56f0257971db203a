"""Pipeline runs and stages in values; the names are those of seed 001."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.platform.types import JsonObject


class RunStatus(StrEnum):
    """How far a run is."""

    PENDING = "PENDING"
    INGESTED = "INGESTED"
    CHECKED = "CHECKED"
    ANALYZED = "ANALYZED"
    NOTIFIED = "NOTIFIED"
    FAILED = "FAILED"
    RETRYING = "RETRYING"
    SKIPPED = "SKIPPED"


class Stage(StrEnum):
    """The four fixed steps, in order."""

    INGEST = "INGEST"
    CHECK = "CHECK"
    ANALYZE = "ANALYZE"
    NOTIFY = "NOTIFY"


class StageStatus(StrEnum):
    """How one attempt at a stage stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETRYING = "RETRYING"
    SKIPPED = "SKIPPED"


class NodeType(StrEnum):
    """What a node of a definition does (001); `context` runs health checks."""

    INGEST = "ingest"
    CONTEXT = "context"
    INTELLIGENCE = "intelligence"
    NOTIFY = "notify"
    TRANSFORM = "transform"


# A transform is no stage of its own.
STAGE_OF = {
    NodeType.INGEST: Stage.INGEST,
    NodeType.CONTEXT: Stage.CHECK,
    NodeType.INTELLIGENCE: Stage.ANALYZE,
    NodeType.NOTIFY: Stage.NOTIFY,
}


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a definition, checked; what a node does not say itself is filled in from the defaults.

    `max_retries` None: as many as the installation allows (`ORCHESTRATION_MAX_RETRIES_PER_STAGE`).
    """

    id: str
    type: NodeType
    config: JsonObject
    max_retries: int | None
    timeout_seconds: float

    @property
    def stage(self) -> Stage | None:
        """The stage that an execution of this node is shown as."""
        return STAGE_OF.get(self.type)


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition ready to be followed: its nodes in the order in which they run, from the entry to the end.

    `skipped` are stages that a preset leaves out; they are shown as such.
    """

    name: str
    version: int
    nodes: tuple[Node, ...]
    skipped: tuple[Stage, ...] = ()

    def to_json(self) -> JsonObject:
        """The plan as it is kept with a run: what a definition becomes later changes nothing of it."""
        return {
            "name": self.name,
            "version": self.version,
            "nodes": [
                {"id": node.id, "type": node.type.value, "config": node.config, "max_retries": node.max_retries,
                 "timeout_seconds": node.timeout_seconds}
                for node in self.nodes
            ],
            "skipped": [stage.value for stage in self.skipped],
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: JsonObject) -> "Plan":
        """The plan that `to_json` wrote."""
        nodes = tuple(Node(**{**node, "type": NodeType(node["type"])}) for node in kept["nodes"])
        return cls(kept["name"], kept["version"], nodes, tuple(Stage(stage) for stage in kept["skipped"]))


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """A definition in its newest version (001); a built-in one has no id, no times, and stays as it is."""

    id: int | None
    name: str
    description: str
    version: int
    config: JsonObject
    tags: list[str]
    is_active: bool
    created_by: str
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def is_built_in(self) -> bool:
        """Whether every appliance has it."""
        return self.id is None


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One flow of an incident through the stages; `merged` counts the deliveries that joined it while it waited.

    `plan` is the definition as it was when the run began, None before; `payload` is what a run by hand was given.
    """

    id: int
    trace_id: str
    run_id: str
    pipeline: str
    status: RunStatus
    current_stage: Stage | None
    incident_id: int | None
    source: str
    source_id: int | None
    alert_fingerprint: str
    environment: str
    normalized_payload_ref: str
    checker_output_ref: str
    intelligence_output_ref: str
    notify_output_ref: str
    intelligence_fallback_used: bool
    total_attempts: int
    max_retries: int
    last_error_type: str
    last_error_message: str
    last_error_retryable: bool
    merged: int
    plan: JsonObject | None
    payload: JsonObject | None
    due_at: datetime | None
    fence: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    total_duration_ms: float | None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be written with the delivery that asks for it, or by hand, with what it was given."""

    trace_id: str
    run_id: str
    pipeline: str
    incident_id: int | None
    source: str
    source_id: int | None
    alert_fingerprint: str
    environment: str
    payload: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class StageExecution:
    """One attempt at one stage of a run."""

    id: int
    pipeline_run_id: int
    node_id: str
    stage: Stage | None
    status: StageStatus
    attempt: int
    idempotency_key: str
    input_ref: str
    output_ref: str
    output_snapshot: JsonObject
    error_type: str
    error_message: str
    error_stack: str
    error_retryable: bool
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float | None
