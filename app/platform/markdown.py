"""The Markdown that people write into descriptions, as HTML that can do no harm: a few marks, and all else is text.

There is no raw HTML, no image and no address but of the web and of mail, so nothing has to be taken out afterwards.
Headings become bold lines: the page that shows them has an outline of its own.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby

from markupsafe import Markup

FENCE = "```"
_HEADING = re.compile(r"#{1,6}\s+(?P<text>\S.*)")
_ITEM = re.compile(r"\s{0,3}(?:(?P<bullet>[-*+])|\d{1,9}[.)])\s+(?P<text>.*)")
_QUOTE = re.compile(r"\s{0,3}>\s?(?P<text>.*)")
# Each mark ends at the next of its kind at the latest, so that no text takes long.
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\[(?P<label>[^\[\]\n]{1,300})\]\((?P<href>(?:https?://|mailto:)[^\s()<>\"'`]{1,2000})\)"
    r"|(?P<url>https?://[^\s<>\"'`\[\]()]{1,2000})"
    r"|\*\*(?P<strong>[^\s*](?:[^*\n]*[^\s*])?)\*\*"
    r"|(?<![\w*])\*(?P<star>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<!\w)_(?P<under>[^\s_](?:[^_\n]*[^\s_])?)_(?!\w)",
    re.IGNORECASE,
)


def to_html(text: str) -> Markup:
    """The text as HTML; every character of it that is no mark is shown as it stands."""
    return Markup("".join(_blocks(text.replace("\r\n", "\n").split("\n"))))  # noqa: S704  all of it is escaped


def _blocks(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        if lines[at].lstrip().startswith(FENCE):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == FENCE), len(lines))
            yield f"<pre>{escape(chr(10).join(lines[at + 1 : end]))}</pre>"
            at = end + 1
            continue
        end = next((n for n in range(at, len(lines)) if lines[n].lstrip().startswith(FENCE)), len(lines))
        for kind, group in groupby(lines[at:end], _kind):
            yield _block(kind, list(group))
        at = end


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _HEADING.fullmatch(line):
        return "heading"
    if _QUOTE.fullmatch(line):
        return "quote"
    item = _ITEM.fullmatch(line)
    return "text" if item is None else "ul" if item["bullet"] else "ol"


def _block(kind: str, lines: list[str]) -> str:
    match kind:
        case "blank":
            return ""
        case "heading":
            return "".join(f"<p><strong>{_inline(text.rstrip(' #'))}</strong></p>" for text in _texts(_HEADING, lines))
        case "quote":
            return f"<blockquote>{_joined(_texts(_QUOTE, lines))}</blockquote>"
        case "ul" | "ol":
            items = "".join(f"<li>{_inline(text)}</li>" for text in _texts(_ITEM, lines))
            return f"<{kind}>{items}</{kind}>"
        case _:
            return f"<p>{_joined(lines)}</p>"


def _texts(pattern: re.Pattern[str], lines: Iterable[str]) -> list[str]:
    return [found["text"] for line in lines if (found := pattern.fullmatch(line))]


def _joined(lines: Iterable[str]) -> str:
    return "<br>".join(_inline(line.strip()) for line in lines)


def _inline(text: str) -> str:
    parts, at = list[str](), 0
    for found in _INLINE.finditer(text):
        parts += [escape(text[at : found.start()]), _marked(found)]
        at = found.end()
    return "".join([*parts, escape(text[at:])])


def _marked(found: re.Match[str]) -> str:
    kind, inner = found.lastgroup or "", found[found.lastgroup or 0]
    match kind:
        case "code":
            return f"<code>{escape(inner)}</code>"
        case "href":
            return _link(inner, escape(found["label"]))
        case "url":
            address = inner.rstrip(".,;:!?*_")
            return _link(address, escape(address)) + escape(inner[len(address) :])
        case "strong":
            return f"<strong>{_inline(inner)}</strong>"
        case _:
            return f"<em>{_inline(inner)}</em>"


def _link(address: str, shown: str) -> str:
    return f'<a href="{escape(address)}" rel="noopener noreferrer">{shown}</a>'
