"""How far a run is in its plan, read off the attempts at its nodes. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from app.pipeline.presets import PRESETS
from app.pipeline.rules import AFTER
from app.pipeline.types import Node, PipelineRun, Plan, RunStatus, Stage, StageExecution, StageStatus
from app.platform.types import JsonObject

DONE = (StageStatus.SUCCEEDED, StageStatus.SKIPPED)


@dataclass(frozen=True)
class Progress:
    """A plan and every attempt that was made at it, oldest first; `max_retries` is what the installation allows."""

    plan: Plan
    stages: Sequence[StageExecution]
    max_retries: int

    @classmethod
    def of(cls, run: PipelineRun, stages: Sequence[StageExecution] = ()) -> "Progress":
        """How far a run that has begun is by these attempts."""
        plan = Plan.from_json(run.plan) if run.plan is not None else PRESETS["full"]
        return cls(plan, stages, run.max_retries)

    @cached_property
    def _last(self) -> dict[str, StageExecution]:
        return {each.node_id: each for each in self.stages}

    def attempt(self, node_id: str) -> int:
        """The number of the next attempt at a node, counted from 1."""
        return 1 + max((each.attempt for each in self.stages if each.node_id == node_id), default=0)

    def retries(self, node: Node) -> int:
        """How often a node may be tried again: as its definition says, at most as the installation allows."""
        return self.max_retries if node.max_retries is None else min(node.max_retries, self.max_retries)

    def running(self, node_id: str) -> StageExecution | None:
        """The attempt at this node that has begun and not ended."""
        last = self._last.get(node_id)
        return last if last is not None and last.status is StageStatus.RUNNING else None

    def is_given_up(self, node: Node) -> bool:
        """Whether a node has failed for good; resuming a run marks it to be tried again."""
        last = self._last.get(node.id)
        if last is None or last.status is not StageStatus.FAILED:
            return False
        return not last.error_retryable or last.attempt > self.retries(node)

    @property
    def given_up(self) -> list[StageExecution]:
        """The last attempts at the nodes that have failed for good."""
        return [self._last[node.id] for node in self.plan.nodes if self.is_given_up(node)]

    @property
    def next_node(self) -> Node | None:
        """What is to be done now: the first node that is neither done nor given up; the delivery itself is ingest."""
        for node in self.plan.nodes:
            last = self._last.get(node.id)
            is_done = last is not None and last.status in DONE
            if node.stage is not Stage.INGEST and not is_done and not self.is_given_up(node):
                return node
        return None

    def skipped_before(self, node: Node | None) -> list[Stage]:
        """Stages that the preset leaves out, come before this node (None: the end), and are not written down yet."""
        order = list(Stage)
        end = len(order) if node is None or node.stage is None else order.index(node.stage)
        return [
            stage for stage in self.plan.skipped if order.index(stage) < end and stage.value.lower() not in self._last
        ]

    @property
    def outputs(self) -> dict[str, JsonObject]:
        """What the nodes that succeeded handed on, by node id."""
        return {
            node_id: each.output_snapshot
            for node_id, each in self._last.items()
            if each.status is StageStatus.SUCCEEDED
        }

    @property
    def last_good(self) -> RunStatus:
        """How far the run is, whatever is to be tried again."""
        done = {each.stage for each in self._last.values() if each.status in DONE}
        return next((AFTER[stage] for stage in (Stage.ANALYZE, Stage.CHECK) if stage in done), RunStatus.INGESTED)

    @property
    def end(self) -> RunStatus:
        """How a run ends in which nobody was told: as its last stage, SKIPPED where nothing was done at all."""
        worked = {each.stage for each in self._last.values() if each.status is StageStatus.SUCCEEDED}
        has_transformed = None in worked
        reached = (AFTER[stage] for stage in (Stage.NOTIFY, Stage.ANALYZE, Stage.CHECK) if stage in worked)
        return next(reached, RunStatus.INGESTED if has_transformed else RunStatus.SKIPPED)
