"""Templates obey the content security policy and the screen's manners: nothing inline, every form protected.

`templates/notify/` is left out: those are bodies of messages, where mail programs understand inline styles only.
"""

import re
from pathlib import Path

import pytest

from tests.contracts.source import ROOT

TEMPLATES = [
    path
    for path in sorted((ROOT / "templates").rglob("*.html"))
    if "notify" not in path.relative_to(ROOT / "templates").parts
]
FORBIDDEN = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE),
    "an inline style sheet": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an inline event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an htmx script attribute": re.compile(
        r"\bhx-on\b|hx-vals\s*=\s*[\"']js:|hx-headers\s*=\s*[\"']js:", re.IGNORECASE
    ),
    "an htmx trigger filter, which needs eval": re.compile(r"hx-trigger\s*=\s*[\"'][^\"']*\[", re.IGNORECASE),
    "a script URL": re.compile(r"(href|src|action)\s*=\s*[\"']\s*javascript:", re.IGNORECASE),
    "something from another host": re.compile(
        r"<(script|link|img|iframe)\b[^>]*\b(src|href)\s*=\s*[\"'](https?:)?//", re.I
    ),
    "unescaped output": re.compile(r"\|\s*safe\b|autoescape\s+false", re.IGNORECASE),
}
# What the parts of every page are made of; a style sheet that is about a few pages may not change it.
SHARED_STYLES = {"app.css", "parts.css", "lists.css", "forms.css", "phone.css", "tokens.css"}
PAGE_STYLES = [path for path in sorted((ROOT / "static" / "css").glob("*.css")) if path.name not in SHARED_STYLES]
SHARED_PARTS = (
    "badge",
    "button",
    "chart",
    "dialog",
    "empty",
    "field",
    "icon",
    "person",
    "stat",
    "table",
    "time",
    "toast",
)
CLASSES = re.compile(r"class=\"([^\"]*)\"")
BARE_CLASS = re.compile(r"^\.([a-z][\w-]*)(?:, \.[a-z][\w-]*)* \{", re.MULTILINE)
SHARED_CLASSES = {
    name
    for part in SHARED_PARTS
    for classes in CLASSES.findall((ROOT / f"templates/_macros/{part}.html").read_text(encoding="utf-8"))
    for name in re.findall(r"[a-z][\w-]+", re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", classes))
}
COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
FORM = re.compile(r"<form\b[^>]*\bmethod\s*=\s*[\"']?post[^>]*>.*?</form>", re.IGNORECASE | re.DOTALL)


# These forms are posted without a session, so there is no token to carry; the guard looks at where they come from.
WITHOUT_SESSION = re.compile(r"action\s*=\s*[\"'](/login|/a/)", re.IGNORECASE)


def test_there_are_templates_to_look_at() -> None:
    assert TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_template_holds_nothing_that_the_security_policy_forbids(path: Path) -> None:
    text = _without_comments(path)
    found = [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group(0).strip()[:80]}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_posting_form_carries_the_csrf_token(path: Path) -> None:
    forms = [form for form in FORM.findall(_without_comments(path)) if not WITHOUT_SESSION.search(form)]
    unprotected = [form[:80] for form in forms if "csrf" not in form]
    assert not unprotected, "\n".join(unprotected)


@pytest.mark.parametrize("path", PAGE_STYLES, ids=lambda path: path.name)
def test_page_s_own_styles_leave_the_shared_parts_alone(path: Path) -> None:
    taken = SHARED_CLASSES & set(BARE_CLASS.findall(path.read_text(encoding="utf-8")))
    assert not taken, f"{path.name} changes what every page is made of: {', '.join(sorted(taken))}"


def _without_comments(path: Path) -> str:
    return COMMENT.sub(lambda match: "\n" * match.group(0).count("\n"), path.read_text(encoding="utf-8"))
