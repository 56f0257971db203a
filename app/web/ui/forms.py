"""A form as it was sent: what was typed stays, what is wrong stands beside its field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from app.platform.errors import FieldError, Invalid, PagerPalError

WHOLE = ""


@dataclass(frozen=True, slots=True)
class Form:
    """Values and errors by field name. `prefix` keeps element ids apart where a page holds several forms."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""

    @classmethod
    def of(cls, prefix: str = "", /, **values: Any) -> "Form":
        """A form that begins with these values; lists become several values, True «yes», None and False nothing."""
        return cls({name: _texts(value) for name, value in values.items()}, prefix=prefix)

    def id(self, name: str) -> str:
        """The element id of a field."""
        return f"{self.prefix}-{name}" if self.prefix else name

    def value(self, name: str, default: str = "") -> str:
        """What was typed into a field, without blanks around it."""
        values = self.values.get(name)
        return values[-1].strip() if values else default

    def raw(self, name: str) -> str:
        """What was typed into a field, as it was: passwords may begin with a blank."""
        values = self.values.get(name)
        return values[-1] if values else ""

    def every(self, name: str) -> list[str]:
        """All values of a field that may stand several times, the empty ones left out."""
        return [value.strip() for value in self.values.get(name, ()) if value.strip()]

    def is_on(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.values.get(name))

    def has(self, name: str) -> bool:
        """Whether the field was on the form."""
        return name in self.values

    def error(self, name: str) -> str:
        """What is wrong with a field, or nothing."""
        return self.errors.get(name, "")

    def named(self, prefix: str) -> "Form":
        """The same form with its own element ids."""
        return replace(self, prefix=prefix)

    def refused(self, fault: PagerPalError, *, at: str = WHOLE) -> "Form":
        """The same form with what a use case said against it, each sentence at its field; else at the field `at`."""
        found = list(fault.errors) if isinstance(fault, Invalid) and fault.errors else [FieldError(at, fault.message)]
        errors: dict[str, str] = {}
        for each in found:
            name = self._field(each.path)
            errors[name] = f"{errors[name]} {_sentence(each.message)}" if name in errors else _sentence(each.message)
        return replace(self, errors=errors)

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of 0 or more. Raises Invalid that names the field."""
        typed = self.value(name)
        if not typed and default is not None:
            return default
        if not typed.isascii() or not typed.isdigit() or len(typed) > 9:
            raise wrong(name, "Write a whole number of 0 or more.")
        return int(typed)

    def maybe_number(self, name: str) -> int | None:
        """A whole number, or None where nothing was typed. Raises Invalid."""
        return self.number(name) if self.value(name) else None

    def maybe_id(self, name: str) -> int | None:
        """The id that was chosen in a select, or None. Raises Invalid."""
        typed = self.value(name)
        if typed and (not typed.isascii() or not typed.isdigit() or len(typed) > 9):
            raise wrong(name, "Choose one from the list.")
        return int(typed) if typed else None

    def instant(self, name: str, zone: ZoneInfo) -> datetime:
        """A date and time typed in `zone`, as UTC. Raises Invalid that shows how to write one."""
        try:
            typed = datetime.fromisoformat(self.value(name))
            return (typed if typed.tzinfo else typed.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise wrong(name, "Write a date and a time, such as 2026-05-31 09:00.") from None

    def _field(self, path: str) -> str:
        # A use case names fields as the API does (`levels[1].delay_minutes`); a page's form may have flat names.
        whole = path.split("[")[0]
        for name in (path, whole, path.rpartition(".")[2], whole.split(".")[0], *self._aliases(path)):
            if name in self.values:
                return name
        return path

    def _aliases(self, path: str) -> tuple[str, ...]:
        return ("target",) if path in ("escalation_policy_id", "policy_id", "schedule_id") else ()


def wrong(name: str, sentence: str) -> Invalid:
    """The error for one field of a form."""
    return Invalid("Please look at the form.", [FieldError(name, sentence)])


async def _form(request: Request) -> Form:
    sent = await request.form()
    values: dict[str, tuple[str, ...]] = {}
    for name, value in sent.multi_items():
        if isinstance(value, str) and name != "csrf_token":
            values[name] = (*values.get(name, ()), value)
    return Form(values)


async def _query(request: Request) -> Form:
    return Form({name: tuple(request.query_params.getlist(name)) for name in request.query_params})


FormDep = Annotated[Form, Depends(_form)]
QueryDep = Annotated[Form, Depends(_query)]


def _texts(value: Any) -> tuple[str, ...]:
    if value is None or value is False:
        return ()
    if value is True:
        return ("yes",)
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (str(value),)
    return tuple(str(each) for each in value)


def _sentence(text: str) -> str:
    # Use cases say «must be 1 or more» and the API puts the field's name before it; beside the field it is «This».
    text = text.strip()
    whole = f"This {text}" if text[:1].islower() else text
    return whole if not whole or whole.endswith((".", "?", "!")) else f"{whole}."
