"""The pages of escalation policies as values, and the editor of levels, which works without scripts."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.alerts import queries as alerts
from app.escalation import queries
from app.escalation.types import Assignee, AssigneeType, Level, Policy
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.types import Page, PageQuery
from app.web.ui.forms import Form, wrong
from app.web.ui.views.choices import level_targets, team_options
from app.web.ui.views.plan import assignee_names, level_names, policy_in_words
from app.web.ui.views.simulate import source_options

FIRST_DELAY = "15"


@dataclass(frozen=True, slots=True)
class LevelForm:
    """One level of the editor; `key` names its fields and stays while levels are moved."""

    key: str
    delay: str = FIRST_DELAY
    assignees: tuple[str, ...] = ()
    error: str = ""
    delay_error: str = ""


@dataclass(frozen=True, slots=True)
class Editor:
    """The whole editor: the form, its levels, and whether the last post only changed the shape of them."""

    form: Form
    levels: list[LevelForm] = field(default_factory=list)
    levels_changed: bool = False


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy as a row of the list."""

    policy: Policy
    said: str
    used: str


def policy_list(tx: Tx, page: PageQuery, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """One page of policies."""
    found = queries.list_policies(tx, page)
    names = assignee_names(tx, [level for policy in found.items for level in policy.levels], now, zone)
    rows = [
        PolicyRow(
            policy,
            " → ".join(level_names(level, names) for level in policy.levels),
            _used(len(alerts.sources_using_policy(tx, policy.id))),
        )
        for policy in found.items
    ]
    return {"page": Page(rows, found.total, found.page, found.page_size)}


def policy_page(tx: Tx, policy_id: int, editor: Editor | None, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """One policy with its editor. Raises PolicyNotFound."""
    policy = queries.get_policy(tx, policy_id)
    names = assignee_names(tx, policy.levels, now, zone)
    sources = alerts.sources_using_policy(tx, policy_id)
    return {
        "policy": policy,
        "story": policy_in_words(policy.levels, policy.repeat, names),
        "sources": sources,
        "what_if_sources": source_options(tx, sources),
        **editor_view(tx, editor or editor_of(policy)),
    }


def editor_view(tx: Tx, editor: Editor) -> dict[str, object]:
    """What the editor's template needs."""
    return {
        "form": editor.form,
        "levels": editor.levels,
        "levels_changed": editor.levels_changed,
        "targets": level_targets(tx),
        "teams": team_options(tx),
    }


def new_editor() -> Editor:
    """The editor of another policy: one level, nobody in it yet."""
    return Editor(Form.of(name="", team_id="", repeat="0", ack_timeout_minutes=""), [LevelForm("1")])


def editor_of(policy: Policy) -> Editor:
    """A stored policy in the editor."""
    form = Form.of(
        name=policy.name,
        team_id=policy.team_id or "",
        repeat=policy.repeat,
        ack_timeout_minutes=policy.ack_timeout_minutes or "",
    )
    levels = [
        LevelForm(
            str(level.level), str(level.delay_minutes), tuple(f"{each.type}:{each.id}" for each in level.assignees)
        )
        for level in policy.levels
    ]
    return Editor(form, levels)


def typed_editor(form: Form) -> Editor:
    """The editor as it was posted."""
    levels = [
        LevelForm(key, form.value(f"delay-{key}"), tuple(form.every(f"assignee-{key}"))) for key in form.every("level")
    ]
    return Editor(form, levels)


def reshaped(editor: Editor) -> Editor | None:
    """The editor after one of its own buttons (add, drop, up, more); None where the button was «save»."""
    do, _, key = editor.form.value("do", "save").partition("-")
    at = next((index for index, level in enumerate(editor.levels) if level.key == key), None)
    levels = list(editor.levels)
    if do == "add":
        taken = {int(level.key) for level in levels if level.key.isdigit()}
        levels.append(LevelForm(str(max(taken, default=0) + 1)))
    elif do == "drop" and at is not None:
        del levels[at]
    elif do == "up" and at:
        levels[at - 1], levels[at] = levels[at], levels[at - 1]
    elif do != "more":
        return None
    return replace(editor, levels=levels, levels_changed=True)


def levels_of(editor: Editor) -> list[Level]:
    """The levels as a use case takes them, numbered from 1. Raises Invalid with paths such as `levels[0].assignees`."""
    errors: list[FieldError] = []
    levels = []
    for index, level in enumerate(editor.levels):
        if not level.delay.isascii() or not level.delay.isdigit() or len(level.delay) > 6:
            errors.append(FieldError(f"levels[{index}].delay_minutes", "Write a whole number of minutes."))
        if not level.assignees:
            errors.append(FieldError(f"levels[{index}].assignees", "Choose at least one person, team or schedule."))
        levels.append((index, level))
    if errors:
        raise Invalid("Please look at the levels.", errors)
    return [
        Level(index + 1, int(level.delay), tuple(_assignee(each, index) for each in level.assignees))
        for index, level in levels
    ]


def with_level_errors(editor: Editor, form: Form) -> Editor:
    """The editor with each error of a level beside that level; `form` holds all errors by path."""
    levels = []
    for index, level in enumerate(editor.levels):
        path = f"levels[{index}]"
        own = {name: words for name, words in form.errors.items() if name.startswith(path)}
        delay = " ".join(words for name, words in own.items() if name.endswith("delay_minutes"))
        others = " ".join(words for name, words in own.items() if not name.endswith("delay_minutes"))
        levels.append(replace(level, error=others, delay_error=delay))
    return Editor(form, levels)


def _level_form(level: Level) -> LevelForm:
    assignees = tuple(f"{each.type}:{each.id}" for each in level.assignees)
    return LevelForm(str(level.level), str(level.delay_minutes), assignees)


def _assignee(value: str, index: int) -> Assignee:
    kind, _, number = value.partition(":")
    if kind not in list(AssigneeType) or not number.isascii() or not number.isdigit():
        raise wrong(f"levels[{index}].assignees", "Choose from the list.")
    return Assignee(AssigneeType(kind), int(number))


def _used(count: int) -> str:
    return {0: "not used yet", 1: "1 source"}.get(count, f"{count} sources")
