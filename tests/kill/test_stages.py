"""Pipelines on the real server: every preset's stages in order, and neither a hang nor a kill costs anybody a page.

`scripts/prove stages` kills at every place, on both databases.
"""

from pathlib import Path

import pytest

from tests.kill.stages import STAGES_OF, hanging, house, killed_in, preset


@pytest.mark.slow
@pytest.mark.waits
@pytest.mark.timeout(120)
def test_every_preset_runs_its_stages_in_order_and_the_team_hears_what_they_found(tmp_path: Path) -> None:
    with house(tmp_path, f"sqlite:///{tmp_path / 'presets.db'}") as made:
        violations = [fault for pipeline in STAGES_OF for fault in preset(made, pipeline)[1]]
    assert not violations, "\n".join(map(str, violations))


@pytest.mark.slow
@pytest.mark.waits
@pytest.mark.timeout(120)
def test_nothing_hangs_the_page_and_a_kill_in_a_stage_does_nothing_twice(tmp_path: Path) -> None:
    with house(tmp_path, f"sqlite:///{tmp_path / 'full.db'}") as made:
        # Other tests run beside; the proof by hand allows one second.
        faults = [*hanging(made, page_seconds=2.0)[1], *killed_in(made, "analyze.after_ask")[1]]
    assert not faults, "\n".join(map(str, faults))
