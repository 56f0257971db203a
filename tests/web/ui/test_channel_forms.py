"""The form of every kind of channel is made out of its configuration: each sample goes in, is kept, and comes back."""

import json

import pytest

from app.notify import configs, queries
from app.notify.channels._base import secrets_in
from app.notify.kinds import channel_kinds
from app.platform.runtime import Runtime
from tests.web.ui.conftest import Company, Open

KINDS = channel_kinds()
SAMPLES = [
    pytest.param(name, sample.config, id=f"{name}: {sample.name}")
    for name, kind in KINDS.items()
    if kind.for_teams
    for sample in kind.samples
]


@pytest.mark.parametrize(("name", "config"), SAMPLES)
def test_every_sample_can_be_typed_in_and_shows_no_secret(
    rt: Runtime, company: Company, open_screen: Open, name: str, config: dict[str, object]
) -> None:
    screen = open_screen("Ada")
    new = screen.open(f"/channels/new?driver={name}")
    assert KINDS[name].setup in new.text
    form = new.form("/channels")
    model = KINDS[name].config_model
    typed = {f"config.{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}

    page = form.send("Make the channel", name="ops", **typed)

    assert page.path.startswith("/channels/"), page.text
    stored = rt.db.read(lambda tx: queries.active_channels(tx, ["ops"]))[0]
    kept = configs.unseal(KINDS[name], stored.config, rt.secrets)
    assert kept == model.model_validate(config)
    for secret in secrets_in(kept):
        assert secret not in page.html

    again = page.form(f"/channels/{stored.id}").send("Save")
    assert again.status == 200, again.text
    stored = rt.db.read(lambda tx: queries.get_channel(tx, stored.id))
    assert configs.unseal(KINDS[name], stored.config, rt.secrets) == kept


def test_what_reaches_persons_only_is_not_offered_to_teams(company: Company, open_screen: Open) -> None:
    page = open_screen("Ada").open("/channels/new")
    assert "driver=slack" in page.html
    assert "driver=webpush" not in page.html
