"""Operators' templates: what they may do, and that none can hang, fill or leave its process."""

from collections.abc import AsyncIterator

import pytest

from app.platform.ports import NoTemplates, TemplateFailed
from app.platform.templates import SandboxedTemplates

BOMBS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{{ 'a' * 100000000 }}",
    "{{ 'a' * 10000000000 }}",
    "{% for a in range(99999) %}{{ a }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ 9 ** (9 ** 9) }}",
]
BREAKOUTS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ joiner.__init__.__globals__['os'].popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ ('%s' | format).__class__ }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ labels.__class__ }}",
    "{{ '{0.__class__}'.format(labels) }}",
]


@pytest.fixture
async def templates() -> AsyncIterator[SandboxedTemplates]:
    sandbox = SandboxedTemplates(render_seconds=2.0)
    yield sandbox
    await sandbox.close()


async def test_values_are_filled_in(templates: SandboxedTemplates) -> None:
    values = {"title": "Disk «/» full", "labels": {"host": "a"}, "count": 3}
    source = "{{ title }} on {{ labels.host }}{% if count > 1 %}, {{ count }} times{% endif %}"
    assert await templates.render(source, values) == "Disk «/» full on a, 3 times"


@pytest.mark.parametrize("source", ["{{ 1 / 0 }}", "{% if %}", "{{ a.b.c }}", "{{ nothing() }}"])
async def test_a_wrong_template_says_what_is_wrong(templates: SandboxedTemplates, source: str) -> None:
    with pytest.raises(TemplateFailed, match=r"\w"):
        await templates.render(source, {})
    assert await templates.render("{{ 1 + 1 }}", {}) == "2"


async def test_no_bomb_holds_up_the_next_template(templates: SandboxedTemplates) -> None:
    quick = SandboxedTemplates(render_seconds=0.5)
    for source in BOMBS:
        with pytest.raises(TemplateFailed):
            await quick.render(source, {})
    await quick.close()
    assert await templates.render("still {{ 'here' }}", {}) == "still here"


@pytest.mark.parametrize("source", BREAKOUTS)
async def test_no_template_leaves_the_sandbox(templates: SandboxedTemplates, source: str) -> None:
    try:
        text = await templates.render(source, {"labels": {"a": "b"}})
    except TemplateFailed:
        return
    assert text == ""


async def test_the_process_is_given_no_environment_and_ends_with_us(templates: SandboxedTemplates) -> None:
    await templates.render("x", {})
    process = templates._process
    assert process is not None
    with open(f"/proc/{process.pid}/environ", "rb") as environ:
        assert b"SECRET" not in environ.read()
    await templates.close()
    assert process.returncode is not None


async def test_where_nothing_is_walled_off_nothing_is_rendered() -> None:
    with pytest.raises(TemplateFailed):
        await NoTemplates().render("x", {})
