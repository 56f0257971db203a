"""Block Kit as a page that a person can look at: for pictures in the documentation, and for eyes in a failing test."""

import re
from html import escape

from app.platform.types import JsonObject

FRAME = """<!doctype html><meta charset=utf-8><style>
body{font:15px/1.46 system-ui;margin:16px;max-width:620px;color:#1d1c1d}
h3{font-size:18px;margin:0 0 8px} p{margin:0 0 8px;white-space:pre-wrap} small{color:#616061}
dl{display:grid;grid-template-columns:1fr 1fr;gap:8px;margin:0 0 8px} dd{margin:0}
button{font:600 13px system-ui;padding:7px 12px;margin:4px 8px 8px 0;border:1px solid #bbb;border-radius:4px}
.primary{background:#007a5a;color:#fff} .danger{background:#e01e5a;color:#fff}
</style>"""


def page_of(blocks: list[JsonObject]) -> str:
    """The blocks of one message as an HTML page."""
    return FRAME + "".join(map(_block, blocks))


def _block(block: JsonObject) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{escape(block['text']['text'])}</h3>"
        case "section":
            fields = "".join(f"<dd>{_mrkdwn(each['text'])}</dd>" for each in block.get("fields", []))
            text = f"<p>{_mrkdwn(block['text']['text'])}</p>" if "text" in block else ""
            return text + (f"<dl>{fields}</dl>" if fields else "")
        case "context":
            return f"<p><small>{''.join(_mrkdwn(each['text']) for each in block['elements'])}</small></p>"
        case "actions":
            return "".join(
                f"<button class='{each.get('style', '')}'>{escape(each['text']['text'])}</button>"
                for each in block["elements"]
            )
    raise ValueError(f"no picture for a block of the type {block['type']}")


def _mrkdwn(text: str) -> str:
    """Slack's markup: links and bold; `&lt;` and its like are escaped in the text already."""
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r'<a href="\1">\2</a>', text)
    return re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text).replace("\n", "<br>")
