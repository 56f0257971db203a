"""The template environment of the pages: escaping always on, missing names are errors, times in the reader's zone."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from app.platform.markdown import to_html
from app.web.ui import words
from app.web.ui.assets import asset, is_there, page_scripts

# The pages that the checklist sends people to.
PLACE = re.compile(r"(?<![\w/])/(?:alert-sources|channels|people|settings|checks)(?:/[0-9]+)?(?![\w/-])")
TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


def build_environment() -> Environment:
    """The environment with our filters; macros that show times are imported `with context`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        age=_age,
        ago=_ago,
        clock=_clock,
        drawing=_drawing,
        due=_due,
        duration=_duration,
        exact=_exact,
        heading=words.heading,
        hour=_hour,
        initials=words.initials,
        linked=linked,
        iso=words.iso,
        markdown=to_html,
        short=_short,
        time_of_day=_time_of_day,
        tint=words.tint,
    )
    environment.tests["web_address"] = is_web_address
    environment.globals.update(asset=asset, is_there=is_there)
    return environment


def render(template: str, context: Mapping[str, Any]) -> str:
    """The page as HTML; `context` holds at least what the frame needs (see `ui.Ui`)."""
    return ENVIRONMENT.get_template(template).render({"scripts": page_scripts(), **context})


def is_web_address(value: object) -> bool:
    """Whether a text from outside may become a link: http and https only, never a script."""
    return isinstance(value, str) and value.startswith(("https://", "http://")) and not any(c.isspace() for c in value)


def linked(text: str) -> Markup:
    """A sentence of our own in which the places it names, such as `/alert-sources/2`, can be opened."""
    return Markup(PLACE.sub(r'<a href="\g<0>">\g<0></a>', str(escape(text))))  # noqa: S704  escaped just now


def _drawing(shape: str) -> Markup:
    # Only ever the constants of our own icon and badge macros; never data.
    return Markup(shape)  # noqa: S704


@pass_context
def _age(context: Context, at: datetime) -> str:
    return words.age(at, context["now"])


@pass_context
def _ago(context: Context, at: datetime) -> str:
    return words.ago(at, context["now"])


@pass_context
def _due(context: Context, at: datetime) -> str:
    return words.due(at, context["now"])


@pass_context
def _clock(context: Context, at: datetime) -> str:
    return words.clock(at, context["zone"], context["now"])


@pass_context
def _time_of_day(context: Context, at: datetime) -> str:
    return f"{at.astimezone(context['zone']):%H:%M:%S}"


@pass_context
def _hour(context: Context, at: datetime) -> str:
    return f"{at.astimezone(context['zone']):%H:%M}"


@pass_context
def _short(context: Context, at: datetime) -> str:
    return words.short(at, context["zone"], context["now"])


@pass_context
def _exact(context: Context, at: datetime) -> str:
    return words.exact(at, context["zone"])


def _duration(length: timedelta | float) -> str:
    return words.duration(length.total_seconds() if isinstance(length, timedelta) else length)


ENVIRONMENT = build_environment()
