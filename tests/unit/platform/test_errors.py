"""Errors carry what a door needs: status, code, sentence."""

import pytest

from app.platform.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    PagerPalError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Malformed, 400),
        (Unauthenticated, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Conflict, 409),
        (TooLarge, 413),
        (Invalid, 422),
        (TooMany, 429),
        (Unavailable, 503),
    ],
)
def test_each_error_knows_its_status(kind: type[PagerPalError], status: int) -> None:
    error = kind("A sentence.")
    assert (error.status, error.message, str(error)) == (status, "A sentence.", "A sentence.")


def test_a_context_names_the_fact_with_its_own_code() -> None:
    class SlotTaken(Conflict):
        default_code = "slot_taken"

    error = SlotTaken("Somebody covers this window already.")
    assert (error.status, error.code) == (409, "slot_taken")


def test_status_and_code_can_be_given_for_one_case() -> None:
    error = PagerPalError("Gone.", status=410, code="expired")
    assert (error.status, error.code) == (410, "expired")


def test_invalid_lists_every_wrong_place() -> None:
    error = Invalid("The policy has a fault.", [FieldError("levels[1].level", "is used twice")])
    assert error.errors == [FieldError(path="levels[1].level", message="is used twice")]


def test_unavailable_says_when_to_come_back() -> None:
    assert Unavailable("The queue is full.", retry_after_seconds=5).retry_after_seconds == 5
    assert TooMany("Slow down.").retry_after_seconds == 1
