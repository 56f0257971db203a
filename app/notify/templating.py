"""Operators' templates over a message: the NotificationTemplatingService of document 001.

A template stands in the channel's configuration, as Jinja or as `file:name.j2`, or is found by its name in the template
folder: `<kind>_text.j2` or `<kind>.j2` for the text, `<kind>_payload.j2` for the whole body. It is rendered where it
can do no harm, and one that fails is replaced by the built-in text: the page still goes (B32).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.notify.channels._base import FILE_PREFIX, TEMPLATE_LIMIT, Channel, ChannelConfig, is_template_name
from app.notify.kinds import OTHER_NAMES
from app.notify.texts import clipped, spoken
from app.notify.types import Message
from app.platform.ports import TemplateFailed, Templates


@dataclass(frozen=True, slots=True)
class Dressed:
    """A message after the operator's templates; `fault` says why one of them was not used."""

    message: Message
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Tailor:
    """Renders templates: `templates` is the sandbox, `folder` where `file:` templates are."""

    templates: Templates
    folder: Path

    async def dress(self, message: Message, *, kind: str, channel: Channel, config: ChannelConfig) -> Dressed:
        """The message with the text and the body that the templates of its channel make, if there are any."""
        faults = []
        text = payload = ""
        try:
            text = await self._rendered(config.template, _files(kind, "_text.j2", ".j2"), message)
        except TemplateFailed as failed:
            faults.append(f"the text's template: {failed}")
        if channel.payload_field:
            try:
                source = str(getattr(config, channel.payload_field))
                payload = await self._rendered(source, _files(kind, "_payload.j2"), message)
            except TemplateFailed as failed:
                faults.append(f"the body's template: {failed}")
        dressed = replace(message, payload=payload)
        return Dressed(_with_text(dressed, text) if text else dressed, "; ".join(faults))

    async def _rendered(self, source: str, files: Iterator[str], message: Message) -> str:
        """What the template makes; empty when there is none. Raises TemplateFailed."""
        if source.startswith(FILE_PREFIX):
            template = self._read(source)
            if template is None:
                raise TemplateFailed(f"there is no {source.removeprefix(FILE_PREFIX)} in the template folder")
        else:
            template = source or next((found for found in map(self._read, files) if found is not None), "")
        if not template:
            return ""
        text = await self.templates.render(template, message.facts)
        if not text.strip():
            raise TemplateFailed("it makes no text at all")
        return text

    def _read(self, source: str) -> str | None:
        """A file of the template folder, and of no other place; None when there is none. Raises TemplateFailed."""
        if not is_template_name(source):
            return None
        path = self.folder / source.removeprefix(FILE_PREFIX)
        try:
            if path.is_symlink() or not path.is_file():
                return None
            if path.stat().st_size > TEMPLATE_LIMIT:
                raise TemplateFailed(f"{path.name} is longer than {TEMPLATE_LIMIT} bytes")
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateFailed(f"{path.name} cannot be read") from error


def _files(kind: str, *endings: str) -> Iterator[str]:
    names = [kind, *([OTHER_NAMES[kind]] if kind in OTHER_NAMES else [])]
    return (f"{FILE_PREFIX}{name}{ending}" for ending in endings for name in names)


def _with_text(message: Message, text: str) -> Message:
    """The message in the operator's words, in every form that a channel may use."""
    return replace(
        message,
        text=text,
        html="",
        short=clipped(text),
        spoken=spoken(text),
        facts={**message.facts, "message": text, "news": text},
    )
