"""Markdown of people: the usual marks are shown, and whatever could do harm is text."""

import re

import pytest

from app.platform.clock import SystemClock
from app.platform.markdown import to_html

LINK = '<a href="https://wiki.example.com/a?b=1&amp;c=2" rel="noopener noreferrer">'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("**this**, *that*, `rm -rf`", "<p><strong>this</strong>, <em>that</em>, <code>rm -rf</code></p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("# What to do\n1. Look\n2. Call", "<p><strong>What to do</strong></p><ol><li>Look</li><li>Call</li></ol>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("> as they say", "<blockquote>as they say</blockquote>"),
        ("```sh\na && b\n# no heading\n```\nafter", "<pre>a &amp;&amp; b\n# no heading</pre><p>after</p>"),
        ("[the wiki](https://wiki.example.com/a?b=1&c=2)", f"<p>{LINK}the wiki</a></p>"),
        ("See https://wiki.example.com/a?b=1&c=2.", f"<p>See {LINK}https://wiki.example.com/a?b=1&amp;c=2</a>.</p>"),
        ("snake_case_name and 2*3*4", "<p>snake_case_name and 2*3*4</p>"),
        ("**bold with *slant* in it", "<p>**bold with <em>slant</em> in it</p>"),
    ],
)  # fmt: skip
def test_the_usual_marks_are_shown(text: str, html: str) -> None:
    assert to_html(text) == html


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](vbscript:x)",
    "[click]( https://x.example.com/ )",
    '[click](https://x.example.com/"onmouseover="alert(1))',
    "https://x.example.com/\"onmouseover='alert(1)'",
    "[<b onclick=alert(1)>](https://x.example.com/)",
    "![image](https://x.example.com/pixel.gif)",
    "`<script>`",
    "```\n</pre><script>alert(1)</script>\n```",
    "```\nnever closed <script>",
    "**<svg onload=alert(1)>**",
    "# <iframe src=//x.example.com>",
    "- <a href=javascript:alert(1)>x</a>",
    "> <style>*{}</style>",
    "&lt;script&gt; &#106;avascript:",
    "[a](https://x.example.com/`b`)",
]
TAG = re.compile(
    r"</?(?:p|br|strong|em|code|pre|ul|ol|li|blockquote)>|</a>"
    r'|<a href="(?:https?://|mailto:)[^"<>]*" rel="noopener noreferrer">'
)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_could_do_harm_is_text(text: str) -> None:
    left = TAG.sub("", to_html(text))
    assert "<" not in left
    assert '"' not in left


@pytest.mark.parametrize(
    "unit", ["*", "**a", "_a ", "[", "[a](", "`", "> ", "- ", "# ", "https://", "```\n", "#  ", "# " + " " * 2000]
)
def test_no_text_takes_long(unit: str) -> None:
    clock = SystemClock()
    began = clock.monotonic()
    to_html(unit * (50_000 // len(unit)) + "x")
    assert clock.monotonic() - began < 2.0
