"""A browser without scripts: opens pages, follows links, fills forms in and sends them as a person would.

What a test sees is what stands in the HTML, so a page that passes here works without JavaScript.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from starlette.testclient import TestClient

from tests.support.people import PASSWORD, email_of

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNSEEN = {"script", "style", "title", "head"}


@dataclass
class Element:
    """A node of the page: its tag, attributes and children (elements and texts)."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)
    parent: "Element | None" = None

    def get(self, name: str, default: str = "") -> str:
        """An attribute's value."""
        return self.attributes.get(name, default)

    def has(self, name: str) -> bool:
        """Whether the attribute is there."""
        return name in self.attributes

    def all(self, *tags: str) -> "Iterator[Element]":
        """The elements below of these tags (of all tags where none is named), in the order of the page."""
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    @property
    def text(self) -> str:
        """What a reader sees of it, blanks folded."""
        return " ".join("".join(self._texts()).split())

    @property
    def raw(self) -> str:
        """The text as it stands in the source, for textareas."""
        return "".join(child if isinstance(child, str) else child.raw for child in self.children)

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in UNSEEN:
                yield from child._texts()
                yield " " if child.tag not in ("span", "b", "strong", "a", "time", "code") else ""


class Form:
    """A form as the page offers it, ready to be filled in."""

    def __init__(self, page: "Page", element: Element) -> None:
        self.page = page
        self.action = element.get("action") or page.path
        self.method = element.get("method", "get")
        own_id = element.get("id")
        self.controls = [
            control
            for control in page.root.all("input", "select", "textarea", "button")
            if control.get("form") == own_id != "" or (not control.has("form") and _is_inside(control, element))
        ]

    @property
    def values(self) -> list[tuple[str, str]]:
        """What would be sent without a button."""
        return [pair for control in self.controls for pair in _values_of(control)]

    def value(self, name: str) -> str:
        """The value of a field."""
        return dict(self.values)[name]

    def options(self, name: str) -> dict[str, str]:
        """What a select offers, as texts by value."""
        select = next(each for each in self.controls if each.tag == "select" and each.get("name") == name)
        return {each.get("value"): each.text for each in select.all("option")}

    def button(self, text: str) -> Element:
        """The button that says this. Raises AssertionError without one."""
        found = [each for each in self.controls if each.tag == "button" and text in (each.text, each.get("title"))]
        assert found, f"no button «{text}» among {[each.text for each in self.controls if each.tag == 'button']}"
        return found[0]

    def send(self, button: str = "", **typed: Any) -> "Page":
        """Fill in and send: a list sets a field that stands several times, None leaves it out."""
        values = [(name, value) for name, value in self.values if name not in typed]
        known = {control.get("name") for control in self.controls}
        for name, value in typed.items():
            assert name in known, f"no field «{name}» among {sorted(known)}"
            several = value if isinstance(value, list) else [] if value is None else [value]
            values += [(name, str(each)) for each in several]
        action = self.action
        if button:
            pressed = self.button(button)
            action = pressed.get("formaction") or action
            if pressed.get("name"):
                values.append((pressed.get("name"), pressed.get("value")))
        return self.page.screen.request(self.method, urljoin(self.page.path, action), values)


class Page:
    """One answer as a page."""

    def __init__(self, screen: "Screen", path: str, status: int, html: str, content_type: str) -> None:
        self.screen = screen
        self.path = path
        self.status = status
        self.html = html
        self.content_type = content_type
        self.root = parse(html)

    @property
    def text(self) -> str:
        """Everything that a reader sees."""
        return self.root.text

    @property
    def heading(self) -> str:
        """The page's first heading."""
        return next(self.root.all("h1")).text

    @property
    def toasts(self) -> str:
        """What the last action said."""
        return self.by_id("toasts").text.replace(" Dismiss", "")

    def by_id(self, element_id: str) -> Element:
        """The element of this id. Raises AssertionError."""
        found = [each for each in self.root.all() if each.get("id") == element_id]
        assert found, f"nothing has the id {element_id}"
        return found[0]

    def form(self, action: str) -> Form:
        """The form that is sent to this path. Raises AssertionError."""
        found = [each for each in self.root.all("form") if each.get("action") == action]
        assert found, f"no form for {action} among {sorted({each.get('action') for each in self.root.all('form')})}"
        return Form(self, found[0])

    def links(self) -> set[str]:
        """Where the page leads to on this site, without fragments."""
        found = {each.get("href").split("#")[0] for each in self.root.all("a")}
        return {href for href in found if href and not urlsplit(href).scheme}

    def errors(self) -> dict[str, str]:
        """The sentences beside wrong fields, by the element's id."""
        return {each.get("id"): each.text for each in self.root.all("span") if "error" in each.get("class").split()}


class Screen:
    """Somebody's browser: keeps cookies, follows redirects."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def open(self, path: str, **headers: str) -> Page:
        """Go to a page."""
        return self._page(self.client.get(path, headers={"accept": "text/html", **headers}))

    def request(self, method: str, path: str, values: Sequence[tuple[str, str]]) -> Page:
        """Send a form."""
        if method == "get":
            return self._page(self.client.get(path, params=list(values)))
        fields: dict[str, list[str]] = {}
        for name, value in values:
            fields.setdefault(name, []).append(value)
        return self._page(self.client.post(path, data=fields))

    def sign_in(self, name: str) -> "Screen":
        """Sign in as somebody whom `tests.support.people` made."""
        page = self.open("/login").form("/login").send(email=email_of(name), password=PASSWORD)
        assert page.path == "/dashboard", page.text
        return self

    def sign_out(self) -> None:
        """Forget every cookie."""
        self.client.cookies.clear()

    def _page(self, answer: Any) -> Page:
        content_type = answer.headers.get("content-type", "")
        return Page(self, answer.url.raw_path.decode(), answer.status_code, answer.text, content_type)


@lru_cache(maxsize=32)
def parse(html: str) -> Element:
    """HTML as a tree, to be read only: clock and ids of a test are made up, so many a page comes again and again."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.root


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#document")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1]
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=parent)
        parent.children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1]
        parent.children.append(Element(tag, {name: value or "" for name, value in attrs}, parent=parent))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        open_tags = [element.tag for element in self._open]
        assert tag in open_tags, f"</{tag}> closes nothing inside {open_tags}"
        assert open_tags[-1] == tag, f"</{tag}> closes <{open_tags[-1]}> (class {self._open[-1].get('class')})"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _is_inside(element: Element, outer: Element) -> bool:
    at: Element | None = element
    while at is not None:
        if at is outer:
            return True
        at = at.parent
    return False


def _values_of(control: Element) -> list[tuple[str, str]]:
    name, kind = control.get("name"), control.get("type", "text")
    if not name or control.tag == "button":
        return []
    if control.tag == "select":
        options = list(control.all("option"))
        chosen = [each for each in options if each.has("selected")] or options[:1]
        return [(name, each.get("value")) for each in chosen]
    if control.tag == "textarea":
        return [(name, control.raw.removeprefix("\n"))]
    if kind in ("checkbox", "radio"):
        return [(name, control.get("value", "on"))] if control.has("checked") else []
    return [(name, control.get("value"))]
