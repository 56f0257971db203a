"""A form as it was sent: what is kept, what is read, where an error stands."""

from zoneinfo import ZoneInfo

import pytest

from app.platform.errors import Conflict, FieldError, Invalid
from app.web.ui.forms import Form


def test_error_of_the_api_stands_at_the_field_of_the_page() -> None:
    form = Form.of(endpoint="", delay_minutes="x", target="").refused(
        Invalid(
            "wrong",
            [
                FieldError("config.endpoint", "must be an address"),
                FieldError("delay_minutes", "must be 1 or more"),
                FieldError("escalation_policy_id", "names no escalation policy"),
            ],
        )
    )

    assert form.errors == {
        "endpoint": "This must be an address.",
        "delay_minutes": "This must be 1 or more.",
        "target": "This names no escalation policy.",
    }


def test_error_of_no_field_stands_above_the_form() -> None:
    form = Form.of(name="x").refused(Conflict("«x» is taken."))

    assert form.errors == {"": "«x» is taken."}
    assert not form.has("")


@pytest.mark.parametrize("typed", ["-1", "1.5", "ten", "١٢", "9999999999"])
def test_number_is_whole_and_not_negative(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        Form.of(delay=typed).number("delay")

    assert refused.value.errors[0].path == "delay"


def test_blank_means_nothing_where_that_is_allowed() -> None:
    form = Form.of(timeout="  ", team_id="")

    assert form.maybe_number("timeout") is None
    assert form.maybe_id("team_id") is None
    assert form.number("timeout", default=3) == 3


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("2026-03-02T10:00", "2026-03-02T09:00"),
        ("2026-07-02 10:00", "2026-07-02T08:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),
    ],
)
def test_moment_is_read_in_the_zone(typed: str, utc: str) -> None:
    assert f"{Form.of(at=typed).instant('at', ZoneInfo('Europe/Berlin')):%Y-%m-%dT%H:%M}" == utc


def test_password_keeps_its_blanks() -> None:
    assert Form.of(password=" a b ").raw("password") == " a b "
    assert Form.of(name=" a b ").value("name") == "a b"


def test_ticked_boxes_and_several_values() -> None:
    form = Form.of(on=True, off=False, many=["a", " ", "b"])

    assert form.is_on("on")
    assert not form.is_on("off")
    assert form.every("many") == ["a", "b"]
