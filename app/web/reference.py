"""The API's own description: the OpenAPI document, and the same as plain values for the page at `/docs`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from app.web.routing import GuardedRoute

Schema = Mapping[str, Any]
METHODS = ("get", "post", "patch", "delete")
REF = "#/components/schemas/"
SECURITY = {
    "basic": {"type": "http", "scheme": "basic", "description": "Email and password of an account."},
    "token": {"type": "http", "scheme": "bearer", "description": "A personal token from /profile."},
}


@dataclass(frozen=True, slots=True)
class Item:
    """A parameter or a field: its name, what may stand there, and whether it must."""

    name: str
    kind: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path: what it takes and what it answers."""

    method: str
    path: str
    text: str
    permission: str
    parameters: tuple[Item, ...]
    body: tuple[Item, ...]
    answer: tuple[Item, ...]
    status: str


@dataclass(slots=True)
class Section:
    """The operations on one kind of thing."""

    name: str
    operations: list[Operation] = field(default_factory=list)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with how to sign in and which permission each operation asks for."""
    found = app.openapi()
    found["components"]["securitySchemes"] = SECURITY
    found["security"] = [{name: []} for name in SECURITY]
    for route in app.router.routes:
        if isinstance(route, GuardedRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = found["paths"][route.path_format][method.lower()]
                operation["x-permission"] = str(route.entry.permission)
                operation["tags"] = [_section(route.path_format)]
    return found


def sections(spec: Schema) -> list[Section]:
    """The document as the page shows it, by what the paths are about."""
    found: dict[str, Section] = {}
    for path, methods in spec["paths"].items():
        name = _section(path)
        section = found.setdefault(name, Section(name))
        section.operations += [
            _operation(spec, path, method, methods[method]) for method in METHODS if method in methods
        ]
    return sorted(found.values(), key=lambda section: section.name)


def _section(path: str) -> str:
    first = path.removeprefix("/api/v1").strip("/").partition("/")[0]
    return first.partition(".")[0].replace("-", " ") or "root"


def _operation(spec: Schema, path: str, method: str, operation: Schema) -> Operation:
    status, answer = next((status, each) for status, each in operation["responses"].items() if status.startswith("2"))
    parameters = tuple(
        Item(each["name"], kind_of(each.get("schema", {})), each.get("required", False))
        for each in operation.get("parameters", ())
    )
    return Operation(
        method=method.upper(),
        path=path,
        text=operation.get("description", ""),
        permission=operation.get("x-permission", ""),
        parameters=parameters,
        body=_fields(spec, operation.get("requestBody", {})),
        answer=_fields(spec, answer),
        status=status,
    )


def _fields(spec: Schema, part: Schema) -> tuple[Item, ...]:
    schema = _resolved(spec, part.get("content", {}).get("application/json", {}).get("schema", {}))
    if schema.get("type") == "array":
        schema = _resolved(spec, schema["items"])
    properties = schema.get("properties", {})
    if {"items", "total_pages"} <= properties.keys():
        properties = _resolved(spec, properties["items"]["items"]).get("properties", {})
    required = schema.get("required", ())
    return tuple(Item(name, kind_of(each), name in required) for name, each in properties.items())


def _resolved(spec: Schema, schema: Schema) -> Schema:
    options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if options:
        schema = options[0]
    reference = schema.get("$ref", "")
    resolved: Schema = spec["components"]["schemas"][reference.removeprefix(REF)] if reference else schema
    return resolved


def kind_of(schema: Schema) -> str:
    """A schema in words: «integer», «list of LevelJson», «string (date-time) or null»."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if "anyOf" in schema:
        return _either(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return _either(str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    word = str(schema.get("type", "anything"))
    return f"{word} ({schema['format']})" if "format" in schema else word


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)
