"""`/api/v1/simulate`: what would happen, without sending or storing anything."""

from app.usecases import simulate
from app.web.api.simulate_schemas import SimulatePage, SimulationOut
from app.web.deps import NowDep, RuntimeDep


def page(body: SimulatePage, rt: RuntimeDep, now: NowDep) -> SimulationOut:
    """Who would be paged when, if a source posted this and nobody answered; nothing is sent or stored."""
    return SimulationOut.of(
        simulate.simulate_page(rt, source_id=body.source_id, payload=body.payload, at=body.at or now, now=now)
    )
